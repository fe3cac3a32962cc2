"""Time from when a request is due to its result being visible to read_committed readers, at a fixed rate, open loop."""

import argparse
import asyncio
import uuid
from collections.abc import Mapping, Sequence

from bench.backlog import Progress, create, fill
from bench.contenders import CONTENDERS, THIS_SYSTEM, Contender
from bench.openloop import Load, Run, Watcher
from bench.pipeline import group_of, running, until_settled
from bench.report import Cell, Report, quantile
from bench.watched import Watched
from deploy.local.kafka import LocalKafka
from schemas.topics import Topics, topics

_SETTLING_SECONDS = 3.0
_WARM_UP = 100_000


def measure(bootstrap: str, contender: Contender, rates: Sequence[int], seconds: float) -> list[Mapping[str, Cell]]:
    """Warm one worker of a contender up with a small backlog, then load it; return a row for each rate."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    table = topics(prefix)
    asyncio.run(create(bootstrap, table))
    rows = []
    with running(bootstrap, contender, prefix, contender.latency) as process:
        asyncio.run(_warm_up(bootstrap, table, process, int(_WARM_UP * contender.share)))
        for rate in rates:
            if rate > contender.most:
                rows.append(_row(contender, rate))
            else:
                rows.append(_at(bootstrap, table, process, contender, rate, seconds))
    return rows


async def _warm_up(bootstrap: str, table: Topics, process: Watched, count: int) -> None:
    await fill(bootstrap, table.requests, count)
    async with Progress(bootstrap, table.requests, group_of(table)) as progress:
        await until_settled(process, progress, count)


def _at(  # noqa: PLR0913, PLR0917 - what a measurement is
    bootstrap: str, table: Topics, process: Watched, contender: Contender, rate: int, seconds: float
) -> Mapping[str, Cell]:
    load = Load(bootstrap, table)
    with Watcher(bootstrap, table) as watcher:
        load.run(watcher, rate, _SETTLING_SECONDS)
        cpu = process.cpu_seconds()
        run = load.run(watcher, rate, seconds)
        cpu_us = (process.cpu_seconds() - cpu) / len(run.due) * 1e6
    return _row(contender, rate, run, cpu_us, process.peak_mb)


def _row(
    contender: Contender, rate: int, run: Run | None = None, cpu_us: float | None = None, peak_mb: float | None = None
) -> Mapping[str, Cell]:
    ms = run.ms() if run is not None and not run.unanswered else []
    row: dict[str, Cell] = {"what": contender.name, "guarantee": contender.guarantee, "rate": rate}
    row |= {f"p{q:g} ms": quantile(ms, q / 100) if ms else None for q in (50, 90, 99, 99.9)}
    row |= {"max ms": ms[-1] if ms else None, "CPU us/request": cpu_us, "peak MB": peak_mb}
    return row | {"unanswered": None if run is None else run.unanswered}


def main(arguments: Sequence[str]) -> None:
    """Measure this system, or the contenders whose name holds a text, at each of the rates and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench latency", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 1_000])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", help="contenders whose name holds this text", default=THIS_SYSTEM.name)
    options = parser.parse_args(arguments)
    report = Report("latency", {"seconds a rate": options.seconds})
    with LocalKafka() as kafka:
        for contender in CONTENDERS:
            if options.only in contender.name:
                report.rows += measure(kafka.bootstrap_servers, contender, options.rates, options.seconds)
    report.show()

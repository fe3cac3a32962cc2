"""This system against its peers: the same work on the same broker in one run, throughput and latency of each.

Prints two tables, writes them as JSON, and with ``--publish`` puts them into docs/benchmarks.md. Rows of contenders
that were not measured this time are kept from the last run with the same conditions, so that one may be measured at a
time.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bench import latency, pipeline
from bench.contenders import CONTENDERS, Contender
from bench.document import publish
from bench.peers.environments import Unavailable
from bench.report import Cell, Report
from deploy.local.kafka import LocalKafka

_RATES = (1_000, 5_000)
Rows = Sequence[Mapping[str, Cell]]


def _measured(measure: Callable[[], Rows], contender: Contender) -> Rows:
    """Return what was measured and how busy the machine was before, or the reason why nothing was."""
    sys.stderr.write(f"{contender.name} ...\n")
    load = {"load before": os.getloadavg()[0]}
    try:
        return [{**row, **load} for row in measure()]
    except (Unavailable, TimeoutError, RuntimeError) as left_out:
        sys.stderr.write(f"{contender.name}: {left_out}\n")
        return [{"what": contender.name, "guarantee": contender.guarantee, "left out": str(left_out)}]


def _reports(options: argparse.Namespace) -> tuple[Report, Report]:
    throughput = Report("peers-throughput", {"requests": options.requests})
    waiting = Report("peers-latency", {"seconds a rate": options.seconds})
    return throughput, waiting


def _run(options: argparse.Namespace, throughput: Report, waiting: Report) -> None:
    chosen = [contender for contender in CONTENDERS if any(text in contender.name for text in options.only)]
    with LocalKafka() as kafka:
        servers = kafka.bootstrap_servers
        for contender in chosen:
            if "throughput" in options.figures:
                backlog = partial(pipeline.measure, servers, contender, options.requests)
                throughput.rows += _measured(lambda run=backlog: [asyncio.run(run())], contender)  # type: ignore[misc]
            if "latency" in options.figures:
                waiting.rows += _measured(
                    partial(latency.measure, servers, contender, options.rates, options.seconds), contender
                )
            for report in (throughput, waiting):
                report.save([each.name for each in CONTENDERS])


def main(arguments: Sequence[str]) -> None:
    """Measure the contenders one after the other and show the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench peers", description=__doc__)
    parser.add_argument("--requests", type=int, default=500_000, help="the backlog; slow contenders get a share")
    parser.add_argument("--rates", type=int, nargs="+", default=_RATES, help="requests a second, open loop")
    parser.add_argument("--seconds", type=float, default=10, help="length of each rate")
    parser.add_argument("--only", nargs="+", default=[""], help="contenders whose name holds one of these texts")
    parser.add_argument("--figures", nargs="+", default=["throughput", "latency"], choices=["throughput", "latency"])
    parser.add_argument("--publish", action="store_true", help="write the tables into docs/benchmarks.md")
    options = parser.parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics' first writes are tried again, and said so
    reports = _reports(options)
    _run(options, *reports)
    for report in reports:
        report.show()
    if options.publish:
        publish(*reports)

"""Read your writes: what one gateway accepted is asked of another at once."""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import aiohttp
import orjson
import uvloop

from bench.report import Report, quantile
from bench.system import HOST, beside, served

_RUN, _STATUS = "/api/v1/valuation/run", "/api/v1/valuation/status/"
_BODY = {"property_id": "PROP123", "county_id": "BENTON"}


async def measure(one: int, other: int, tries: int, clients: int) -> tuple[Counter[int], list[float]]:
    """Post to one port and ask the other; returns the statuses and the milliseconds of the asking."""
    statuses, ms = Counter[int](), []
    left = iter(range(tries))

    async def client(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(f"http://{HOST}:{one}{_RUN}", json=_BODY) as answer:
                assert answer.status == 202, await answer.text()
                job_id = orjson.loads(await answer.read())["job_id"]
            started = time.perf_counter()
            async with session.get(f"http://{HOST}:{other}{_STATUS}{job_id}") as answer:
                statuses[answer.status] += 1
                await answer.read()
            ms.append((time.perf_counter() - started) * 1e3)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return statuses, sorted(ms)


def main(arguments: Sequence[str]) -> None:
    """Start Kafka and two gateways, and show the table."""
    parser = argparse.ArgumentParser(prog="python -m bench neighbours", description=__doc__)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--store", help="JOB_STORE_URL that both share; a SQLite file for each where it is absent")
    options = parser.parse_args(arguments)
    more = {} if options.store is None else {"JOB_STORE_URL": options.store}
    report = Report("neighbours", {"tries": options.tries, "clients": options.clients})
    with served(more=more) as (process, one), beside(process) as (_, other):
        statuses, ms = uvloop.run(measure(one, other, options.tries, options.clients))
    report.rows.append(
        {
            "what": "SQLite each" if options.store is None else "one PostgreSQL",
            "found": statuses[200],
            "unknown": statuses[404],
            "other": statuses.total() - statuses[200] - statuses[404],
            "p50 ms": quantile(ms, 0.5),
            "p99 ms": quantile(ms, 0.99),
        }
    )
    report.show()

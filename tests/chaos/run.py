"""One run: start everything, ask, break, wait until all is answered, read what stands, and return the history."""

import asyncio
import logging
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import uvloop

from deploy.local.kafka import LocalKafka, Plan
from deploy.local.ports import free_ports
from schemas.topics import topics
from tests.chaos.audit import audit_topics, audit_view
from tests.chaos.breaking import Network, Process, Target, carry_out
from tests.chaos.fleet import Fleet, Place, brokers, gateway, now_ms, worker
from tests.chaos.history import Asked, End, Operation, Outcome, Result, Sent, Viewed
from tests.chaos.plan import Part, plan
from tests.chaos.proxy import Proxy
from tests.chaos.sending import Sender, sender
from tests.chaos.watching import Customer, Scraper, Watcher
from tests.chaos.workload import COUNTY, Mix, Workload
from tests.records import committed_records
from tests.waiting import holds

_TOPICS: Final = topics()
_READY_SECONDS: Final = 90.0
_VIEW_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_SETUP_SECONDS: Final = 180.0
_POOL: Final = 300


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run is: how much is asked how fast, by which way, of what, and which faults come how often."""

    requests: int
    per_second: float
    faults: Mapping[str, int]
    seed: int
    workers: int = 3
    brokers: int = 1
    http_share: float = 0.05
    quiet_seconds: float = 60.0
    """How long without any new result until a run that waits for results is given up."""
    worker_settings: Mapping[str, str] = field(default_factory=dict)


def run(scenario: Scenario, directory: Path) -> list[Operation]:
    """Carry out a scenario and return its history; logs and data of the processes lie in ``directory``.

    Call it from the main thread. Nothing is left running, whatever happens.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers are away now and then: the point of it
    with LocalKafka(Plan(brokers=scenario.brokers, logs=directory / "logs")) as kafka:
        place = Place(kafka.bootstrap_servers, directory)
        _command(place, "topics", "apply")
        _command(place, "sample-county")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(scenario, place, kafka))


def _command(place: Place, *arguments: str) -> None:
    """Run one of the system's own commands."""
    program = Path(sys.executable).with_name("terrafusion")
    done = subprocess.run(
        [program, *arguments],
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=_SETUP_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"terrafusion {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")


async def _run(scenario: Scenario, place: Place, kafka: LocalKafka) -> list[Operation]:
    journal: list[Operation] = []
    async with _behind_proxies(kafka) as proxies:
        behind = replace(place, bootstrap=",".join(proxy.address for proxy in proxies))
        workers = [worker(behind, number, scenario.worker_settings) for number in range(scenario.workers)]
        fleet = Fleet([*brokers(kafka), *workers, gateway(behind)], journal)
        await _carry_on(scenario, place, fleet, proxies, journal)
    return journal


@asynccontextmanager
async def _behind_proxies(kafka: LocalKafka) -> AsyncIterator[Sequence[Proxy]]:
    """Put a proxy before each broker; workers and gateway know only these."""
    ports = [broker.seat.port for broker in kafka.brokers]
    proxies = [
        Proxy(f"network-{number}", own, port)
        for number, (own, port) in enumerate(zip(free_ports(len(ports)), ports, strict=True))
    ]
    for proxy in proxies:
        for other in proxies:
            if other is not proxy:
                proxy.speaks_for(other)
        await proxy.start()
    try:
        yield proxies
    finally:
        for proxy in proxies:
            await proxy.stop()


async def _carry_on(
    scenario: Scenario, place: Place, fleet: Fleet, proxies: Sequence[Proxy], journal: list[Operation]
) -> None:
    fleet.start()
    try:
        async with _supervised(fleet):
            await _ask_and_break(scenario, place, fleet, proxies, journal)
            journal += await asyncio.to_thread(audit_topics, place.bootstrap, _TOPICS)
            journal += await _view(fleet.of(Part.GATEWAY)[0].url, journal)
    finally:
        fleet.stop(_STOP_SECONDS)


@asynccontextmanager
async def _supervised(fleet: Fleet) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        supervision = group.create_task(fleet.supervise())
        await fleet.ready(_READY_SECONDS)
        yield
        supervision.cancel()


async def _ask_and_break(
    scenario: Scenario, place: Place, fleet: Fleet, proxies: Sequence[Proxy], journal: list[Operation]
) -> None:
    properties = await asyncio.to_thread(_properties, place.bootstrap, scenario.seed)
    orders = Workload(Mix(scenario.seed, properties, scenario.http_share)).orders(
        scenario.requests, now_ms() + 500, scenario.per_second
    )
    seconds = scenario.requests / scenario.per_second
    targets: dict[Part, list[Target]] = {part: [Process(each) for each in fleet.of(part)] for part in Part}
    targets[Part.NETWORK] = [Network(proxy) for proxy in proxies]
    faults = plan(scenario.seed, seconds, scenario.faults, {part: len(each) for part, each in targets.items()})
    url = fleet.of(Part.GATEWAY)[0].url
    watcher = Watcher(place.bootstrap, _TOPICS.results, journal)
    async with sender(place.bootstrap, _TOPICS.requests.name, url, journal) as sending, asyncio.TaskGroup() as group:
        customer = Customer(url, sending.accepted, journal, scenario.seed)
        scraper = Scraper(fleet.of(Part.WORKER), journal)
        onlookers = [group.create_task(each) for each in (watcher.watch(), customer.ask(), scraper.scrape())]
        await asyncio.gather(sending.send_all(orders), carry_out(faults, targets, journal))
        await _answered(sending, watcher, scenario.quiet_seconds)
        await asyncio.to_thread(_dead_letters_written, place.bootstrap, journal, scenario.quiet_seconds)
        for each in onlookers:
            each.cancel()


def _properties(bootstrap: str, seed: int) -> Sequence[str]:
    """Return some properties of the sample county, the seed property among them, as the topic has them."""
    prefix = f"{COUNTY}/".encode()
    keys = {record.key for record in committed_records(bootstrap, _TOPICS.property_records.name)}
    found = sorted(key.removeprefix(prefix).decode() for key in keys if key is not None and key.startswith(prefix))
    found.remove("PROP_FAIL_SIMULATION")
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return ["PROP123", *rng.sample(found, min(_POOL, len(found)))]


async def _answered(sending: Sender, watcher: Watcher, quiet_seconds: float) -> None:
    """Return when every accepted job has a result, or when no result has come for a while: the checker will tell."""
    received = -1
    while received != len(watcher.jobs):
        received = len(watcher.jobs)

        async def moved(before: int = received) -> bool:
            return len(watcher.jobs) > before or watcher.jobs.issuperset(sending.accepted)

        await holds(moved, quiet_seconds)


def _dead_letters_written(bootstrap: str, journal: Sequence[Operation], seconds: float) -> None:
    """Return when there are as many dead letters as were asked for, or when the time is over."""
    dead = {each.token for each in journal if isinstance(each, Asked) and each.end in (End.POISON, End.INVALID)}
    wanted = {
        (each.partition, each.offset)
        for each in journal
        if isinstance(each, Sent) and each.outcome is Outcome.ACKNOWLEDGED and each.token in dead
    }
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sum(1 for _ in committed_records(bootstrap, _TOPICS.dead_letters.name)) >= len(wanted):
            return


async def _view(url: str, journal: Sequence[Operation]) -> list[Operation]:
    """Return the jobs that the view lists once it lists an end for every result, or when the time is over."""
    results = {each.job_id for each in journal if isinstance(each, Result)}
    end = time.monotonic() + _VIEW_SECONDS
    while True:
        listed = await audit_view(url)
        ended = {each.job_id for each in listed if isinstance(each, Viewed) and each.status in ("COMPLETED", "FAILED")}
        if ended >= results or time.monotonic() > end:
            return listed

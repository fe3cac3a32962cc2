"""The part of a run in which requests are made and things are broken."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from schemas.topics import topics
from tests.chaos.breaking import Breaking, Heard, Network, Process, Rolling, Target
from tests.chaos.cluster import Cluster, Replicated
from tests.chaos.disk import Disk
from tests.chaos.disturbing import CHANGING, Data
from tests.chaos.fleet import Fleet, now_ms
from tests.chaos.history import Operation
from tests.chaos.models import Announcement
from tests.chaos.plan import Part, plan
from tests.chaos.proxy import Proxy
from tests.chaos.recovering import Recovery, Sign
from tests.chaos.scenarios import Scenario
from tests.chaos.sending import Sender, sender
from tests.chaos.settling import all_answered, dead_letters_written
from tests.chaos.watching import Customer, Scraper, Watcher
from tests.chaos.workload import COUNTY, Mix, Workload
from tests.records import committed_records

_TOPICS: Final = topics()
_POOL: Final = 300
_ANSWER_SECONDS: Final = 6.0
_LIKENESS: Final = "PROP123"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a run has to do with: where Kafka is, whose faults there can be, and the history that is being written."""

    bootstrap: str
    fleet: Fleet
    proxies: Sequence[Proxy]
    disk: Disk | None
    models: Sequence[Announcement]
    journal: list[Operation]
    heard: Heard

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return self.fleet.of(Part.GATEWAY)[0].url

    def targets(self, data: Data) -> Mapping[Part, Sequence[Target]]:
        """Return what faults can happen to."""
        cluster = Cluster(self.bootstrap)
        workers = [Process(each) for each in self.fleet.of(Part.WORKER)]
        brokers = [Replicated(each, cluster) for each in self.fleet.of(Part.BROKER)]
        return {
            Part.WORKER: workers,
            Part.GATEWAY: [Process(each) for each in self.fleet.of(Part.GATEWAY)],
            Part.BROKER: brokers,
            Part.NETWORK: [Network(proxy) for proxy in self.proxies],
            Part.ROLLING: [Rolling("workers", workers), Rolling("brokers", brokers)],
            Part.DISK: [] if self.disk is None else [self.disk],
            Part.DATA: [data],
        }


async def ask_and_break(scenario: Scenario, scene: Scene) -> None:
    """Make requests until all faults are recovered from and as many are made as the scenario says; all are answered."""
    records = await asyncio.to_thread(_properties, scene.bootstrap)
    properties = [*_drawn(scenario.seed, records), *(CHANGING if scene.models else ())]
    workload = Workload(Mix(scenario.seed, properties, scenario.http_share, burst=scenario.burst))
    watcher = Watcher(scene.bootstrap, _TOPICS.results, scene.journal)
    async with (
        sender(scene.bootstrap, _TOPICS.requests.name, scene.url, scene.journal) as sending,
        _onlookers(scenario, scene, sending, watcher),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as session,
    ):
        probes = Workload(Mix(scenario.seed + 1_000_000, properties, 1.0))
        recovery = Recovery(scene.url, session, sending, watcher, probes, scene.journal)
        data = Data(sending, _TOPICS, scene.models, probes, records[_LIKENESS], scene.journal)
        if scene.models:
            await data.found()
        await recovery.complete(Sign())
        breaking = asyncio.create_task(_break(scenario, scene, data, recovery))
        orders = workload.orders(now_ms() + 500, scenario.per_second)
        await sending.send_all(orders, lambda number: number >= scenario.requests and breaking.done())
        await breaking
        await all_answered(sending, watcher, scenario.quiet_seconds)
        await asyncio.to_thread(dead_letters_written, scene.bootstrap, scene.journal, scenario.quiet_seconds)


async def _break(scenario: Scenario, scene: Scene, data: Data, recovery: Recovery) -> None:
    targets = scene.targets(data)
    counts = {part: len(each) for part, each in targets.items()}
    lanes = plan(scenario.seed, scenario.faults, counts, crowded=scenario.crowded)
    breaking = Breaking(targets, recovery, scene.journal, scene.heard, scenario.rest_seconds)
    await breaking.carry_out(lanes, scenario.longest_seconds)


@asynccontextmanager
async def _onlookers(scenario: Scenario, scene: Scene, sending: Sender, watcher: Watcher) -> AsyncIterator[None]:
    customer = Customer(scene.url, sending.accepted, scene.journal, scenario.seed)
    scraper = Scraper(scene.fleet.of(Part.WORKER), scene.journal)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in (watcher.watch(), customer.ask(), scraper.scrape())]
        yield
        for task in tasks:
            task.cancel()


def _properties(bootstrap: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the records of the sample county's properties by their ids, as the topic has them."""
    prefix = f"{COUNTY}/".encode()
    return {
        record.key.removeprefix(prefix).decode(): orjson.loads(record.value or b"{}")
        for record in committed_records(bootstrap, _TOPICS.property_records.name)
        if record.key is not None and record.key.startswith(prefix)
    }


def _drawn(seed: int, records: Mapping[str, object]) -> Sequence[str]:
    """Return some properties, the seed property among them."""
    found = sorted(records.keys() - {"PROP_FAIL_SIMULATION"})
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [_LIKENESS, *rng.sample(found, min(_POOL, len(found)))]

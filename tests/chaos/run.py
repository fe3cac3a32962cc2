"""One run: start everything, ask, break, wait until all is answered, read what stands, and return the history."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import uvloop

from deploy.local.kafka import LocalKafka, Plan
from deploy.local.ports import free_ports
from schemas.connections import mend_connections
from schemas.topics import topics
from tests.chaos.asking import Scene, ask_and_break
from tests.chaos.audit import audit_topics
from tests.chaos.breaking import Heard
from tests.chaos.disk import Disk, small_disk
from tests.chaos.fleet import Fleet, Place, brokers, gateway, worker
from tests.chaos.history import Fault, Operation
from tests.chaos.models import Announcement, two_models
from tests.chaos.plan import Part
from tests.chaos.proxy import Proxy
from tests.chaos.scenarios import Scenario
from tests.chaos.settling import listed_by_view

_READY_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 15.0
_SETUP_SECONDS: Final = 180.0


def _in_silence(_fault: Fault) -> None:
    """Say nothing."""


def run(scenario: Scenario, directory: Path, heard: Heard = _in_silence) -> list[Operation]:
    """Carry out a scenario and return its history; logs and data of the processes lie in ``directory``.

    Call it from the main thread. Nothing is left running, whatever happens. ``heard`` is told each fault.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers are away now and then: the point of it
    mend_connections()
    with ExitStack() as held:
        disk = held.enter_context(small_disk(directory / "disk")) if "disk-full" in scenario.faults else None
        models = two_models(directory / "data" / "models") if "model-swap" in scenario.faults else ()
        kafka = held.enter_context(LocalKafka(Plan(brokers=scenario.brokers, logs=directory / "logs")))
        place = Place(kafka.bootstrap_servers, directory, disk)
        _command(place, "topics", "apply")
        _command(place, "sample-county")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(scenario, place, kafka, models, heard))


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


async def _run(
    scenario: Scenario, place: Place, kafka: LocalKafka, models: Sequence[Announcement], heard: Heard
) -> list[Operation]:
    journal: list[Operation] = []
    async with _behind_proxies(kafka) as proxies:
        behind = replace(place, bootstrap=",".join(proxy.address for proxy in proxies))
        workers = [worker(behind, number, scenario.worker_settings) for number in range(scenario.workers)]
        fleet = Fleet([*brokers(kafka), *workers, gateway(behind)], journal)
        disk = None if place.disk is None else Disk(place.disk)
        await _carry_on(scenario, Scene(place.bootstrap, fleet, proxies, disk, models, journal, heard))
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


async def _carry_on(scenario: Scenario, scene: Scene) -> None:
    fleet, journal = scene.fleet, scene.journal
    fleet.start()
    try:
        async with _supervised(fleet):
            await ask_and_break(scenario, scene)
            journal += await asyncio.to_thread(audit_topics, scene.bootstrap, topics())
            journal += await listed_by_view(fleet.of(Part.GATEWAY)[0].url, journal)
    finally:
        fleet.stop(_STOP_SECONDS)


@asynccontextmanager
async def _supervised(fleet: Fleet) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        supervision = group.create_task(fleet.supervise())
        await fleet.ready(_READY_SECONDS)
        yield
        supervision.cancel()

"""Tells when the system is itself again: what it had accepted is answered, and so is a request made after the fault."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from tests.chaos.fleet import now_ms
from tests.chaos.history import Operation, Polled
from tests.chaos.sending import Sender
from tests.chaos.watching import Watcher
from tests.chaos.workload import Workload
from tests.waiting import holds

_LONGEST_SECONDS: Final = 120.0
_AGAIN_SECONDS: Final = 0.05
_OK: Final = 200
_FINAL: Final = ("COMPLETED", "FAILED")

ResultBody = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sign:
    """What a request for ``property_id`` must show before a fault is over; by default any value will do."""

    property_id: str = "PROP123"
    shown: Callable[[ResultBody], bool] = lambda _result: True


@dataclass(frozen=True, slots=True)
class Recovery:
    """Watches one fault after another being recovered from."""

    url: str
    session: aiohttp.ClientSession
    sending: Sender
    watcher: Watcher
    probes: Workload
    journal: list[Operation]

    async def complete(self, sign: Sign) -> int | None:
        """Return when the system has recovered from a fault that ends now; None when that takes too long."""
        accepted = set(self.sending.accepted) - self.watcher.jobs
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await asyncio.gather(self._answered(accepted), self._shows(sign))
        except TimeoutError:
            return None
        return now_ms()

    async def _answered(self, accepted: set[str]) -> None:
        async def all_of_them() -> bool:
            return accepted <= self.watcher.jobs

        await holds(all_of_them, _LONGEST_SECONDS)

    async def _shows(self, sign: Sign) -> None:
        async def shown() -> bool:
            return sign.shown(await self._probe(sign.property_id))

        await holds(shown, _LONGEST_SECONDS)

    async def _probe(self, property_id: str) -> ResultBody:
        """Ask for a value through the gateway, as often as it takes, and return it once the gateway shows it."""
        sent = await self.sending.ask(self.probes.probe(now_ms(), property_id))
        while sent is not None and sent.job_id is not None:
            found = await self._result(sent.job_id)
            if found is not None:
                return found
            await asyncio.sleep(_AGAIN_SECONDS)
        raise TimeoutError("the gateway takes no request")

    async def _result(self, job_id: str) -> ResultBody | None:
        begun = now_ms()
        try:
            async with self.session.get(f"{self.url}/api/v1/valuation/results/{job_id}") as answer:
                body = orjson.loads(await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError):
            return None
        job_status = body["status"] if answer.status == _OK else None
        self.journal.append(Polled(job_id, begun, answer.status, job_status, now_ms()))
        return (body["result"] or {}) if job_status in _FINAL else None

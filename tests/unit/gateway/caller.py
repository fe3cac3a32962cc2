"""A caller of a gateway over fakes, for tests that are not coroutines themselves."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import orjson

from producer.settings import GatewaySettings
from schemas.codec import Request, decode_request
from tests.unit.gateway.conftest import Served, serving

BATCH: Final = "/api/v1/valuation/batch"
_T = TypeVar("_T")

Answer = tuple[int, Any]
"""Status and parsed body."""


class Caller:
    """Runs a gateway, calls it, and knows what it has published."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self.served: Served = self.wait_for(self._stack.enter_async_context(serving(settings)))

    def close(self) -> None:
        self.wait_for(self._stack.aclose())
        self._loop.close()

    def wait_for(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run_until_complete(work)

    @property
    def published(self) -> int:
        return len(self.served.kafka.records(self.served.requests))

    def requests(self) -> list[Request]:
        return [
            decode_request(record.value, key=record.key, topic="t", partition=0, offset=0, timestamp_ms=0)
            for record in self.served.kafka.records(self.served.requests)
        ]

    def kafka_returns(self) -> None:
        self.served.kafka.come_back()
        for _ in range(500):
            if self.get("/readyz")[0] == 200:
                return
            self.wait_for(asyncio.sleep(0.01))
        raise AssertionError("the gateway does not recover")

    def post(self, path: str, body: object, *, key: str | None = None) -> Answer:
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        return self.send("POST", path, orjson.dumps(body), headers)

    def post_batch(self, some: Sequence[object], *, lines: bool, key: str | None = None) -> Answer:
        if not lines:
            return self.post(BATCH, some, key=key)
        raw = b"\n".join(map(orjson.dumps, some))
        return self.send("POST", BATCH, raw, {"Content-Type": "application/x-ndjson"})

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def send(self, method: str, path: str, raw: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        async def sent() -> Answer:
            async with self.served.client.request(method, path, data=raw, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)

        return self.wait_for(sent())

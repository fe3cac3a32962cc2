"""Sends orders at a fixed rate, whatever the system does, each until it is acknowledged; writes down every attempt."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.fleet import now_ms
from tests.chaos.history import Asked, End, Operation, Outcome, Sent, Via
from tests.chaos.workload import Order

_AGAIN_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 12.0
_ACCEPTED: Final = 202
_REFUSALS: Final = range(400, 429)


class Way(Protocol):
    """A way into the system; one attempt to send an order over it."""

    async def send(self, order: Order) -> Sent:
        """Try once and return what came of it; never raises for a fault of the system."""
        ...


@dataclass(slots=True)
class KafkaWay:
    """Straight to the requests topic, with an idempotent producer that is made anew when it can't go on."""

    bootstrap: str
    topic: str
    _producer: AIOKafkaProducer | None = None
    _renewal: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, order: Order) -> Sent:
        """Publish one record and wait for its acknowledgement."""
        begun = now_ms()
        producer = self._producer
        try:
            done = producer and await producer.send_and_wait(self.topic, order.value, order.key)
        except (KafkaError, OSError):
            done = None
        if done is None:
            await self._renew(producer)
            return Sent(order.asked.token, begun, now_ms(), Outcome.AMBIGUOUS)
        job_id = None if order.asked.end is End.POISON else order.asked.token
        return Sent(order.asked.token, begun, now_ms(), Outcome.ACKNOWLEDGED, job_id, done.partition, done.offset)

    async def _renew(self, failed: AIOKafkaProducer | None) -> None:
        async with self._renewal:
            if self._producer is not failed:  # somebody else has done it
                return
            self._producer = None
            if failed is not None:
                await _stopped(failed)
            fresh = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                request_timeout_ms=15_000,
                max_batch_size=262_144,
            )
            try:
                await fresh.start()
            except (KafkaError, OSError):
                await _stopped(fresh)
                return
            self._producer = fresh

    async def stop(self) -> None:
        """Let go of Kafka."""
        if self._producer is not None:
            await self._producer.stop()


async def _stopped(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError):
        return


@dataclass(slots=True)
class HttpWay:
    """Through the gateway; the token is the idempotency key of every attempt."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, order: Order) -> Sent:
        """Post once; anything but a 202 or a refusal leaves it open whether the job exists."""
        begun, token = now_ms(), order.asked.token
        headers = {"Content-Type": "application/json", "Idempotency-Key": token}
        path = f"{self.url}/api/v1/valuation/run"
        try:
            async with self.session.post(path, data=order.value, headers=headers) as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return Sent(token, begun, now_ms(), Outcome.AMBIGUOUS)
        if status == _ACCEPTED:
            job_id = orjson.loads(body)["job_id"]
            return Sent(token, begun, now_ms(), Outcome.ACKNOWLEDGED, job_id, status=status)
        outcome = Outcome.REFUSED if status in _REFUSALS else Outcome.AMBIGUOUS
        return Sent(token, begun, now_ms(), outcome, status=status)


@dataclass(slots=True)
class Sender:
    """Hands orders over when they are due and repeats them until they are acknowledged or refused.

    It keeps to its rate when the system is slow: what is due is sent, however much is under way.
    """

    ways: dict[Via, Way]
    journal: list[Operation]
    give_up_seconds: float
    accepted: list[str] = field(default_factory=list)
    """Ids of the jobs acknowledged so far, those of poison left out."""

    async def send_all(self, orders: Iterable[Order]) -> None:
        """Send every order when it is due; return when all are acknowledged, refused or given up."""
        async with asyncio.TaskGroup() as group:
            for order in orders:
                wait = order.asked.due_ms - now_ms()
                if wait > 0:
                    await asyncio.sleep(wait / 1000)
                self.journal.append(order.asked)
                group.create_task(self._deliver(order))

    async def _deliver(self, order: Order) -> None:
        done = await self._insist(order)
        if done and order.again:
            await asyncio.sleep(_AGAIN_SECONDS)
            await self._insist(order)

    async def _insist(self, order: Order) -> bool:
        end = time.monotonic() + self.give_up_seconds
        while time.monotonic() < end:
            sent = await self.ways[order.asked.via].send(order)
            self.journal.append(sent)
            if sent.outcome is not Outcome.AMBIGUOUS:
                self._note(order.asked, sent)
                return sent.outcome is Outcome.ACKNOWLEDGED
            await asyncio.sleep(_AGAIN_SECONDS)
        return False

    def _note(self, asked: Asked, sent: Sent) -> None:
        if sent.outcome is Outcome.ACKNOWLEDGED and asked.end is not End.POISON:
            self.accepted.append(sent.job_id or asked.token)


@asynccontextmanager
async def sender(
    bootstrap: str, topic: str, gateway_url: str, journal: list[Operation], give_up_seconds: float = 90.0
) -> AsyncIterator[Sender]:
    """Open both ways into the system for the life of the context."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=200)
    kafka = KafkaWay(bootstrap, topic)
    await kafka._renew(None)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        try:
            yield Sender({Via.KAFKA: kafka, Via.HTTP: HttpWay(gateway_url, session)}, journal, give_up_seconds)
        finally:
            await kafka.stop()

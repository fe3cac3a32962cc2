"""Sends orders at a fixed rate, whatever the system does, each until it is acknowledged; writes down every attempt."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import aiohttp
import orjson
from confluent_kafka import KafkaError, Message, Producer

from tests.chaos.fleet import now_ms
from tests.chaos.history import End, Operation, Outcome, Sent, Via
from tests.chaos.workload import Order

_AGAIN_SECONDS: Final = 0.25
_LONGEST_PAUSE: Final = 1.0
_RECENT: Final = 5_000
_LOOK_SECONDS: Final = 0.01
_ANSWER_SECONDS: Final = 12.0
_ACCEPTED: Final = 202
_REFUSALS: Final = range(400, 429)

_Answer = asyncio.Future[tuple[KafkaError | None, Message]]


class Way(Protocol):
    """A way into the system; one attempt to send an order over it."""

    async def send(self, order: Order) -> Sent:
        """Try once and return what came of it; never raises for a fault of the system."""
        ...


class KafkaWay:
    """Straight to the requests topic, with an idempotent producer that is made anew when it can't go on.

    The producer is librdkafka's: another client than the system's own, and one that takes a small part of the time
    that the system under test needs for itself.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer = self._fresh()

    def _fresh(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "message.timeout.ms": 20_000,
                "reconnect.backoff.max.ms": 500,
                "retry.backoff.max.ms": 500,
                "queue.buffering.max.messages": 1_000_000,
                "log_level": 0,
            }
        )

    async def publish(self, topic: str, key: bytes, value: bytes | None) -> tuple[KafkaError | None, Message]:
        """Publish one record and return what Kafka says of it."""
        producer = self._producer
        answer: _Answer = asyncio.get_running_loop().create_future()
        producer.produce(topic, value, key, on_delivery=partial(_tell, answer))
        error, message = await answer
        if error is not None and error.fatal() and producer is self._producer:
            self._producer = self._fresh()
        return error, message

    async def send(self, order: Order) -> Sent:
        """Publish one request and wait for its acknowledgement."""
        begun = now_ms()
        error, message = await self.publish(self._topic, order.key, order.value)
        if error is not None:
            return Sent(order.asked.token, begun, now_ms(), Outcome.AMBIGUOUS, error=error.name())
        job_id = None if order.asked.end is End.POISON else order.asked.token
        place = (message.partition(), message.offset())
        return Sent(order.asked.token, begun, now_ms(), Outcome.ACKNOWLEDGED, job_id, *place)

    async def serve(self) -> None:
        """Hear what became of records, for ever."""
        while True:
            self._producer.poll(0)
            await asyncio.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Let go of Kafka, whatever is still under way."""
        self._producer.purge()
        self._producer.flush(1)


def _tell(answer: _Answer, error: KafkaError | None, message: Message) -> None:
    if not answer.done():  # whoever asked may have gone
        answer.set_result((error, message))


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
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Sent(token, begun, now_ms(), Outcome.AMBIGUOUS, error=type(error).__name__)
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

    kafka: KafkaWay
    http: HttpWay
    journal: list[Operation]
    give_up_seconds: float
    accepted: list[str] = field(default_factory=list)
    """Ids of the jobs acknowledged so far, those of poison left out."""
    published: deque[Order] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """The last valid orders that were published straight onto the topic."""

    async def send_all(self, orders: Iterable[Order], over: Callable[[int], bool]) -> None:
        """Send each order when it is due until ``over`` says so of their number.

        Returns when all are acknowledged, refused or given up.
        """
        async with asyncio.TaskGroup() as group:
            for number, order in enumerate(orders):
                wait = order.asked.due_ms - now_ms()
                await asyncio.sleep(max(0, wait / 1000))  # also when late: faults and onlookers have their turn
                if over(number):
                    return
                group.create_task(self.ask(order))

    async def ask(self, order: Order) -> Sent | None:
        """Send one order, now, and once more where it says so; return its acknowledgement, None where it has none."""
        self.journal.append(order.asked)
        done = await self.insist(order)
        if done is not None and order.again:
            await asyncio.sleep(_AGAIN_SECONDS)
            await self.insist(order)
        return done

    async def insist(self, order: Order) -> Sent | None:
        """Try until the order is acknowledged or refused; return its acknowledgement."""
        end, pause = time.monotonic() + self.give_up_seconds, _AGAIN_SECONDS
        way: Way = self.http if order.asked.via is Via.HTTP else self.kafka
        while time.monotonic() < end:
            sent = await way.send(order)
            self.journal.append(sent)
            if sent.outcome is not Outcome.AMBIGUOUS:
                self._note(order, sent)
                return sent if sent.outcome is Outcome.ACKNOWLEDGED else None
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _note(self, order: Order, sent: Sent) -> None:
        if sent.outcome is Outcome.ACKNOWLEDGED and order.asked.end is not End.POISON:
            self.accepted.append(sent.job_id or order.asked.token)
            if order.asked.via is Via.KAFKA and order.asked.end is not End.INVALID:
                self.published.append(order)


@asynccontextmanager
async def sender(
    bootstrap: str, topic: str, gateway_url: str, journal: list[Operation], give_up_seconds: float = 300.0
) -> AsyncIterator[Sender]:
    """Open both ways into the system for the life of the context."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER_SECONDS, sock_read=_ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=400)
    kafka = KafkaWay(bootstrap, topic)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as group:
        serving = group.create_task(kafka.serve())
        try:
            yield Sender(kafka, HttpWay(gateway_url, session), journal, give_up_seconds)
        finally:
            serving.cancel()
            kafka.stop()

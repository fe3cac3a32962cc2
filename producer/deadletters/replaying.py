"""Publishes dead letters again, each at most once, however often, by however many and however interrupted.

A letter's request and the mark that it has been replayed are written in one Kafka transaction. Whoever begins to
replay fences whoever did before (one transactional id for all), waits for their open transaction to end either way,
and only then reads the marks. So a mark is there if and only if the request is.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced

from producer.deadletters.errors import LettersUnavailable, ReplayTakenOver
from producer.deadletters.fixing import Fix, republished
from producer.deadletters.letter import DeadLetter
from producer.deadletters.reading import Mark, marks
from producer.partitioning import partition_for
from schemas.clock import rfc3339
from schemas.topics import Topics

_SHARE: Final = 200
_SHARE_BYTES: Final = 2 << 20
_RECORD_BYTES: Final = 1_000_000
_START_S: Final = 30.0
_COMMIT_S: Final = 30.0
_OF: Final = "replay.of"
_KEPT: Final = "error.attempts"
"""The one header of the worker's own that travels on: a letter that fails again counts its attempts."""


class Outcome(StrEnum):
    """What became of a letter."""

    REPLAYED = "replayed"
    ALREADY = "already"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of one letter, and the job it has become."""

    position: str
    outcome: Outcome
    job_id: str | None = None
    detail: str = ""


Told = Callable[[Sequence[Replay]], None]


class Replayer:
    """Replays letters; to be had from ``replaying``, and no longer good once another one is."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int, table: Topics, known: dict[str, Mark]) -> None:
        self._producer = producer
        self._partitions = partitions
        self._table = table
        self._known = known

    async def replay(
        self, chosen: AsyncIterator[DeadLetter], fix: Fix | None, now_ms: Callable[[], int]
    ) -> list[Replay]:
        """Publish letters again and return what became of each, in their order.

        When this raises, some have been replayed; trying again replays the rest.

        Raises:
            ReplayTakenOver: somebody else has begun to replay.
            LettersUnavailable: Kafka cannot be reached.
        """
        done: list[Replay] = []
        share: list[DeadLetter] = []
        size = 0
        async for letter in chosen:
            share.append(letter)
            size += len(letter.value or b"")
            if len(share) >= _SHARE or size >= _SHARE_BYTES:
                done += await self._together(share, fix, now_ms)
                share, size = [], 0
        return done + await self._together(share, fix, now_ms)

    async def _together(
        self, letters: Sequence[DeadLetter], fix: Fix | None, now_ms: Callable[[], int]
    ) -> list[Replay]:
        """Replay letters in one transaction."""
        at = rfc3339(now_ms())
        outcomes: list[Replay] = []
        fresh: dict[str, Mark] = {}
        sending: list[tuple[DeadLetter, str, bytes | None]] = []
        for letter in letters:
            replay, value = judged(letter, fix, self._known)
            outcomes.append(replay)
            if replay.outcome is Outcome.REPLAYED and replay.job_id is not None:
                fresh[letter.mark] = Mark(replay.job_id, at)
                sending.append((letter, replay.job_id, value))
        if sending:
            await self._commit(sending, fresh)
            self._known |= fresh
        return outcomes

    async def _commit(self, sending: Sequence[tuple[DeadLetter, str, bytes | None]], fresh: Mapping[str, Mark]) -> None:
        requests, replays = self._table.requests.name, self._table.replays.name
        try:
            async with asyncio.timeout(_COMMIT_S), self._producer.transaction():
                waiting = []
                for letter, job_id, value in sending:
                    key = job_id.encode()
                    waiting.append(
                        await self._producer.send(
                            requests,
                            value,
                            key,
                            partition=partition_for(key, self._partitions),
                            headers=_headers(letter),
                        )
                    )
                    mark = orjson.dumps({"job_id": job_id, "replayed_at": fresh[letter.mark].at})
                    waiting.append(await self._producer.send(replays, mark, letter.mark.encode(), partition=0))
                await asyncio.gather(*waiting)
        except (ProducerFenced, InvalidProducerEpoch, IllegalOperation) as wrong:
            raise ReplayTakenOver(
                "Somebody else replays dead letters at the same time; look, and try again."
            ) from wrong
        except (KafkaError, OSError, TimeoutError) as wrong:
            raise LettersUnavailable(
                f"The replay was interrupted: {wrong or repr(wrong)}. Trying again is safe."
            ) from wrong


def judged(letter: DeadLetter, fix: Fix | None, known: Mapping[str, Mark]) -> tuple[Replay, bytes | None]:
    """Return what is to become of a letter, and the bytes to publish where it is to be replayed."""
    place, before = str(letter.position), known.get(letter.mark)
    if before is not None:
        return Replay(place, Outcome.ALREADY, before.job_id, f"replayed at {before.at}"), None
    if letter.cut:
        return Replay(place, Outcome.SKIPPED, None, "its original bytes were too large and have been cut"), None
    job_id, value = republished(letter, fix)
    if len(value or b"") + sum(len(name) + len(text or b"") for name, text in letter.headers) > _RECORD_BYTES:
        return Replay(place, Outcome.SKIPPED, None, "it is larger than the topic takes"), None
    return Replay(place, Outcome.REPLAYED, job_id), value


@asynccontextmanager
async def replaying(options: Mapping[str, Any], table: Topics) -> AsyncIterator[Replayer]:
    """Become the one who replays.

    Raises:
        LettersUnavailable: Kafka cannot be reached, or lacks a topic.
    """
    producer = AIOKafkaProducer(
        **options,
        client_id="terrafusion-replay",
        transactional_id=f"{table.requests.name}.replay",
        acks="all",
        linger_ms=0,
        max_batch_size=_RECORD_BYTES,
        max_request_size=2 * _RECORD_BYTES,
        retry_backoff_ms=20,
    )
    try:
        async with asyncio.timeout(_START_S):
            await producer.start()
            partitions = (await producer.client.fetch_all_metadata()).partitions_for_topic(table.requests.name)
        if not partitions:
            raise LettersUnavailable(f"There is no topic {table.requests.name}; `terrafusion topics apply` makes it.")
        yield Replayer(producer, len(partitions), table, await marks(options, table.replays.name))
    except (KafkaError, IllegalOperation, OSError, TimeoutError) as wrong:
        raise LettersUnavailable(f"Kafka does not take replays: {wrong or repr(wrong)}") from wrong
    finally:
        await producer.stop()


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    own = [(name, value) for name, value in letter.headers if name == _KEPT or not name.startswith("error.")]
    return [*(pair for pair in own if pair[0] != _OF), (_OF, str(letter.position).encode())]

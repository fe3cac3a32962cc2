"""Writes what the lanes of a worker have ready into transactions, one at a time, in rounds.

Whoever waits when a round begins takes part: it has what has gathered meanwhile valued, hands it in, and learns whether
the transaction has committed. One transaction for all lanes costs the broker and the worker little more than one for
each of them would.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from aiokafka import TopicPartition

from processor.errors import Fenced, LaneError, NotWritten, TryAgain
from processor.lanes.cancellation import leaked
from processor.lanes.failures import translated
from processor.lanes.protocol import Tenure
from processor.lanes.recordbatch import RecordBatch
from schemas.logs import get_logger

_GATHER_SECONDS: Final = 0.002
"""From the first lane that wants to commit to the beginning of the round: the others of the same fetch come along."""
_FIRST_BACKOFF: Final = 0.05
_LAST_BACKOFF: Final = 2.0

_log = get_logger(__name__)


class Writer(Protocol):
    """What a journal needs of its transactional producer."""

    @property
    def transactional_id(self) -> str:
        """The id under which it writes."""
        ...

    async def begin_anew(self) -> None:
        """End whatever is open, and be able to write."""
        ...

    async def end(self, transactional_id: str) -> None:
        """End what another producer, which is gone, has left open."""
        ...

    async def commit(
        self,
        batches: Mapping[TopicPartition, Sequence[RecordBatch]],
        offsets: Mapping[TopicPartition, int],
        tenure: Tenure,
    ) -> None:
        """Write all or nothing; when this raises, the outcome is unknown."""
        ...

    def has(self, topic: str, partition: int) -> bool:
        """Tell whether a topic has a partition."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What one lane commits in a round."""

    partition: TopicPartition
    batches: Mapping[TopicPartition, Sequence[RecordBatch]]
    next_offset: int
    tenure: Tenure


@dataclass(eq=False, slots=True)
class Place:
    """A lane's place in a round."""

    begun: asyncio.Future[None]
    handed_in: asyncio.Future[Entry | None]
    done: asyncio.Future[None]


@dataclass(slots=True)
class Journal:
    """The one transactional producer of a worker's lanes."""

    writer: Writer
    commit_seconds: float
    _waiting: list[Place] = field(default_factory=list)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _sound: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: asyncio.Future[None] | None = None
    _task: asyncio.Task[None] | None = None
    _fault: BaseException | None = None
    """What nobody foresaw; whoever wants to write is told."""

    def start(self) -> None:
        """Begin to connect, and to hold rounds; returns at once."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hold no more rounds and close the connections; what is in flight may have been committed or not."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.writer.close()

    async def sound(self) -> None:
        """Return when the transaction under way has ended either way, and another one may begin.

        Whoever took part in one and has not heard of its end must not go by what is committed before.
        """
        if self._under_way is not None:
            await asyncio.wait({self._under_way})
        while not self._sound.is_set():
            self._raise_fault()
            await self._sound.wait()
        self._raise_fault()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Place]:
        """Wait for the next round, and take part in it for the length of the context."""
        loop = asyncio.get_running_loop()
        place = Place(loop.create_future(), loop.create_future(), loop.create_future())
        self._waiting.append(place)
        self._wanted.set()
        try:
            self._raise_fault()
            await place.begun
            yield place
        finally:
            if place in self._waiting:
                self._waiting.remove(place)
            if not place.handed_in.done():
                place.handed_in.set_result(None)

    async def write(self, place: Place, entry: Entry) -> None:
        """Hand in what a lane commits, and return when it is committed; when this raises, the outcome is unknown."""
        place.handed_in.set_result(entry)
        await place.done

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    async def _run(self) -> None:
        try:
            while True:
                await self._begin_anew()
                self._sound.set()
                while await self._round():
                    pass
        except Exception as error:  # noqa: BLE001 - nobody foresaw it: whoever waits is told
            self._fault = error
            self._sound.set()
            for place in self._waiting:
                if not place.begun.done():
                    place.begun.set_exception(error)

    async def _begin_anew(self) -> None:
        """Be able to write; what passes is waited out."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self.commit_seconds):
                    return await self.writer.begin_anew()
            except (Exception, asyncio.CancelledError) as error:
                meaning = _meaning(error)
                if not isinstance(meaning, LaneError):
                    raise
                _log.warning("transactions wait for Kafka", why=str(meaning))
            await asyncio.sleep(min(_LAST_BACKOFF, _FIRST_BACKOFF * 2 ** min(failures, 10)))
            failures += 1

    async def _round(self) -> bool:
        """Hold a round; False when its transaction has failed."""
        await self._wanted.wait()
        await asyncio.sleep(_GATHER_SECONDS)
        places, self._waiting = self._waiting, []
        self._wanted.clear()
        taking_part = [place for place in places if not place.begun.done()]
        for place in taking_part:
            place.begun.set_result(None)
        handed_in = {place: entry for place in taking_part if (entry := await place.handed_in) is not None}
        entries = {place: entry for place, entry in handed_in.items() if not place.done.done()}  # nobody has given up
        return not entries or await self._commit(entries)

    async def _commit(self, entries: Mapping[Place, Entry]) -> bool:
        """Commit what was handed in, and tell everybody; False when it has failed."""
        tenure = max((entry.tenure for entry in entries.values()), key=lambda each: each.generation)
        current = {place: entry for place, entry in entries.items() if entry.tenure == tenure}
        for place in entries.keys() - current.keys():
            _fail(place, Fenced("the group has given its partitions out anew"))
        batches = {at: some for entry in current.values() for at, some in entry.batches.items()}
        offsets = {entry.partition: entry.next_offset for entry in current.values()}
        self._under_way = under_way = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self.commit_seconds):
                await self.writer.commit(batches, offsets, tenure)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every error is classified
            self._sound.clear()
            for place, entry in current.items():
                _fail(place, _error_of(entry, _meaning(error)))
            return False
        finally:
            self._under_way = None
            under_way.set_result(None)
        for place in current:
            if not place.done.done():
                place.done.set_result(None)
        return True


def _meaning(error: BaseException) -> BaseException:
    """Return what an error means for the lanes, or itself where nobody foresaw it; raises one's own cancellation."""
    if isinstance(error, asyncio.CancelledError):
        if not leaked():
            raise error
        error = ConnectionError("a broken connection cancelled a request")
    return translated(error) or error


def _error_of(entry: Entry, error: BaseException) -> BaseException:
    """Return what the failure of a transaction means for one of those that took part."""
    if isinstance(error, NotWritten):
        its_own = next((error.refused[at] for at in entry.batches if at in error.refused), None)
        error = TryAgain(str(error)) if its_own is None else translated(its_own) or its_own
    if not isinstance(error, LaneError):
        return error
    said = type(error)(*error.args)  # an exception raised in several tasks would gather all their tracebacks
    said.__cause__ = error.__cause__ or error
    return said


def _fail(place: Place, error: BaseException) -> None:
    if not place.done.done():
        place.done.set_exception(error)

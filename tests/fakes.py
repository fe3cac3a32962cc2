"""Hand-written stand-ins for the processing core's collaborators."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
import orjson
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from processor.batch import Batch, Outcomes, Row
from processor.dedupe import Sightings, Window
from processor.handler import Collaborators, begin, complete, gather
from processor.lanes.committed import Committed
from processor.lanes.feed import Feed
from processor.valuation.frame import Frame, InsufficientData, Ints, Subjects
from processor.wire import Headers


@dataclass(frozen=True, slots=True)
class FakeRecord:
    """A record of the requests topic."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp: int = 1_700_000_000_000


@dataclass(slots=True)
class FakeCounty:
    """One county's roll: characteristics by property id."""

    properties: dict[str, Mapping[str, object]]

    def lookup(self, property_ids: Sequence[str]) -> tuple[Ints, Frame]:
        known = list(self.properties)
        rows = [known.index(property_id) if property_id in self.properties else -1 for property_id in property_ids]
        return np.array(rows, dtype=np.int64), Frame.from_records(
            [self.properties.get(one, {}) for one in property_ids]
        )


@dataclass(slots=True)
class FakeRoll:
    """A roll whose ``catch_up`` brings in what is on its way."""

    counties: dict[str, FakeCounty] = field(default_factory=dict)
    on_its_way: dict[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    caught_up: int = 0

    @classmethod
    def of(cls, county_id: str, *property_ids: str) -> "FakeRoll":
        return cls({county_id: FakeCounty({property_id: {} for property_id in property_ids})})

    def county(self, county_id: str) -> FakeCounty | None:
        return self.counties.get(county_id)

    async def catch_up(self) -> None:
        self.caught_up += 1
        await asyncio.sleep(0)
        for (county_id, property_id), known in self.on_its_way.items():
            self.counties.setdefault(county_id, FakeCounty({})).properties[property_id] = known
        self.on_its_way = {}


@dataclass(slots=True)
class FakeEngine:
    """Values a property by its id; raises for some, has no evidence for others, and remembers what it was asked."""

    county_id: str = "BENTON"
    version: str = "fake-1"
    raises: Mapping[str, Exception] = field(default_factory=dict)
    insufficient: Mapping[str, str] = field(default_factory=dict)
    padding: Mapping[str, int] = field(default_factory=dict)
    """Bytes to swell the result of a property with."""
    short: bool = False
    """Whether it forgets one answer."""
    asked: list[Subjects] = field(default_factory=list)

    def engine(self, _county_id: str) -> "FakeEngine | None":
        return self

    def value(self, subjects: Subjects) -> list[bytes | InsufficientData]:
        self.asked.append(subjects)
        for property_id in subjects.property_id:
            if property_id in self.raises:
                raise self.raises[property_id]
        answers = [self._value(row, subjects) for row in range(len(subjects))]
        return answers[1:] if self.short else answers

    def _value(self, row: int, subjects: Subjects) -> bytes | InsufficientData:
        property_id = subjects.property_id[row]
        if property_id in self.insufficient:
            return InsufficientData(self.insufficient[property_id])
        result = {"estimated_value": 1_000.0 * len(property_id), "property": property_id, "day": int(subjects.day[row])}
        area = subjects.frame.number("living_area_sqft")[row]
        if not np.isnan(area):
            result["area"] = float(area)
        return orjson.dumps({**result, "padding": "x" * self.padding.get(property_id, 0)})


class NoEngines:
    """No county is served."""

    def engine(self, _county_id: str) -> None:
        return None


def collaborators(roll: FakeRoll, engine: FakeEngine | NoEngines) -> Collaborators:
    """Return collaborators whose clocks stand still."""
    return Collaborators(
        roll=roll, engines=engine, now_ms=lambda: 1_700_000_001_000, elapsed=lambda: 0.0, app_version="9.9"
    )


def job_id(number: int) -> str:
    """Return the id of the job of a number."""
    return str(UUID(int=number))


def request_value(property_id: str, job_id: str | None = None, county_id: str = "BENTON", **more: object) -> bytes:
    """Return a request as somebody may publish it."""
    body = {"property_id": property_id, "county_id": county_id, **more}
    return orjson.dumps(body if job_id is None else {"job_id": job_id, **body})


def batch_of(
    records: Sequence[FakeRecord], sightings: Sightings | None = None, *, ticket: int = 0, record_limit: int = 1_000_000
) -> Batch:
    """Return a batch of partition 3; needs a running event loop."""
    return Batch("requests", 3, records, sightings or Sightings(Window()), ticket, record_limit)


def handled(batch: Batch, using: Collaborators, *, final: bool = True) -> Outcomes:
    """Return the outcomes of a batch; missing properties are final at once unless ``final`` is False."""
    work = begin(batch, batch.records, 0, using)
    if work.missing and final:
        complete(work, batch, using)
    return gather([work])


def raw_chunk(
    values: Sequence[tuple[bytes | None, bytes | None]],
    base_offset: int,
    *,
    producer_id: int = -1,
    transactional: bool = False,
    headers: Headers = (),
) -> bytes:
    """Return a record batch as a broker would send it."""
    builder = DefaultRecordBatchBuilder(
        2,
        0,
        is_transactional=int(transactional),
        producer_id=producer_id,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 24,
    )
    for at, (key, value) in enumerate(values):
        builder.append(at, 1_700_000_000_000, key, value, list(headers))
    raw = bytearray(builder.build())
    raw[0:8] = base_offset.to_bytes(8, "big")
    return bytes(raw)


_CHUNK = 5


@dataclass(slots=True)
class FakeKafka:
    """What a lane sees of Kafka: a partition of requests, its committed offset, and what was committed elsewhere."""

    values: list[bytes | None] = field(default_factory=list)
    """The requests topic; the value at index n has offset n."""
    committed: int | None = None
    mark: str = ""
    """What was written beside the committed offset."""
    beginning: int = 0
    partition: TopicPartition = field(default_factory=lambda: TopicPartition("requests", 3))
    topics: dict[str, list[Row]] = field(default_factory=dict)
    transactions: list[int] = field(default_factory=list)
    """The offsets that were committed, in order."""
    epoch: int = 0
    faults: list[BaseException] = field(default_factory=list)
    """Raised by the next writes, before anything is written."""
    doubts: list[BaseException] = field(default_factory=list)
    """Raised by the next writes, after everything has been committed."""
    refused_above: int | None = None
    """The largest value that is accepted."""
    gate: asyncio.Event | None = None
    """Writes wait for it."""
    silent_starts: int = 0
    """So many of the next ledgers never get an answer when they start."""
    open_books: int = 0
    fetched: list[int] = field(default_factory=list)
    """The offsets that were fetched from."""
    feeds: list[Feed] = field(default_factory=list)

    def publish(self, *values: bytes | None) -> None:
        """Append requests."""
        self.values.extend(values)
        self.pump()

    def feed(self) -> Feed:
        """Return a feed of the requests."""
        made = Feed(self.partition, self.pump)
        self.feeds.append(made)
        return made

    def pump(self) -> None:
        """Fill every feed that has room."""
        for feed in self.feeds:
            while (at := feed.wanted) is not None and at < len(self.values):
                self.fetched.append(at)
                feed.accept(at, raw_chunk([(None, value) for value in self.values[at : at + _CHUNK]], at), ())

    def book(self, partition: TopicPartition, _batch_bytes: int) -> "FakeBook":
        """Return a ledger."""
        assert partition == self.partition
        return FakeBook(self)

    async def last_commit(self, partition: TopicPartition) -> Committed | None:
        """Return the committed offset and its mark."""
        assert partition == self.partition
        return None if self.committed is None else Committed(self.committed, self.mark)

    async def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return where the requests begin and end."""
        assert partition == self.partition
        return self.beginning, len(self.values)


@dataclass(slots=True)
class FakeBook:
    """A ledger over a ``FakeKafka``, fenced by the next one."""

    kafka: FakeKafka
    epoch: int = 0

    async def start(self) -> None:
        """Fence earlier ledgers."""
        self.kafka.open_books += 1
        self.kafka.epoch += 1
        self.epoch = self.kafka.epoch
        if self.kafka.silent_starts:
            self.kafka.silent_starts -= 1
            await asyncio.Event().wait()

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int, mark: str) -> None:
        """Commit everything, or fail as told."""
        kafka = self.kafka
        if kafka.gate is not None:
            await kafka.gate.wait()
        await asyncio.sleep(0)
        if self.epoch != kafka.epoch:
            raise ProducerFenced
        if kafka.faults:
            raise kafka.faults.pop(0)
        if any(len(row) > (kafka.refused_above or 1 << 30) for some in rows.values() for row in some):
            raise MessageSizeTooLargeError
        for topic, some in rows.items():
            kafka.topics.setdefault(topic, []).extend(some)
        kafka.committed, kafka.mark = next_offset, mark
        kafka.transactions.append(next_offset)
        if kafka.doubts:
            raise kafka.doubts.pop(0)

    async def discard(self) -> None:
        """Close."""
        self.kafka.open_books -= 1

"""The gateway's copy of the roll: what the topics say, kept with how far they were read."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from producer.properties.base import Condition
from producer.properties.follower import PropertyCopy, property_row
from producer.properties.table import Bookmark, Changes, PropertyRow, PropertyTable
from producer.store.base import Place
from producer.view.errors import ForeignLog, LogUnavailable
from producer.view.log import Opened, Polled, Record, Replay
from schemas.topics import topics
from tests.waiting import holds

TABLE = topics()
ROLL, MODELS = TABLE.property_records.name, TABLE.models.name


@dataclass(frozen=True, slots=True)
class Stored:
    topic: str
    offset: int
    key: bytes | None
    value: bytes | None
    partition: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class FakeLog:
    """Two topics of one partition each, in memory."""

    cluster: str = "one"
    up: bool = True
    records: dict[str, list[Stored]] = field(default_factory=lambda: {ROLL: [], MODELS: []})
    positions: dict[Place, int] = field(default_factory=dict)
    opened_at: list[Mapping[Place, int]] = field(default_factory=list)

    def add(self, key: bytes | None, value: bytes | None, topic: str = ROLL) -> None:
        self.records[topic].append(Stored(topic, len(self.records[topic]), key, value))

    def put(self, key: str, **record: object) -> None:
        county, _, own = key.partition("/")
        self.add(key.encode(), orjson.dumps({"property_id": own, "county_id": county, **record}))

    async def open(self, positions: Mapping[Place, int], cluster_id: str | None) -> Opened:
        if not self.up:
            raise LogUnavailable("down")
        ends = {(topic, 0): len(records) for topic, records in self.records.items()}
        if cluster_id not in {None, self.cluster} or any(positions[at] > ends[at] for at in positions):
            raise ForeignLog("another")
        self.opened_at.append(dict(positions))
        self.positions = dict.fromkeys(ends, 0) | dict(positions)
        return Opened(self.cluster, dict(self.positions), ends)

    async def close(self) -> None: ...

    async def poll(self, wait_s: float) -> Polled:
        if not self.up:
            raise LogUnavailable("down")
        if not any(len(self.records[topic]) > at for (topic, _), at in self.positions.items()):
            await holds(self._more, wait_s)
        arrived: list[list[Record]] = [list(self.records[topic][at:]) for (topic, _), at in self.positions.items()]
        self.positions = {(topic, 0): len(records) for topic, records in self.records.items()}
        return Polled([records for records in arrived if records], dict(self.positions))

    async def _more(self) -> bool:
        return any(len(self.records[topic]) > at for (topic, _), at in self.positions.items())

    async def rest(self, seconds: float) -> None:
        raise NotImplementedError

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        if not self.up:
            raise LogUnavailable("down")
        return {(topic, 0): len(self.records[topic]) for topic in topics}

    def lag(self) -> int:
        return 0

    def silent(self) -> bool:
        return False

    def between(self, first: Mapping[Place, int], last: Mapping[Place, int]) -> Replay:
        raise NotImplementedError


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


async def copied(log: FakeLog, path: Path) -> PropertyCopy:
    copy = PropertyCopy(PropertyTable(path / "properties.sqlite"), log, TABLE)
    await copy.start()
    assert await copy.catch_up(5)
    return copy


async def test_the_copy_holds_the_latest_record_of_each_property(log: FakeLog, tmp_path: Path) -> None:
    log.put("BENTON/A", bedrooms=1)
    log.put("BENTON/A", bedrooms=2)
    log.put("BENTON/B/1", address="12 Elm St")
    log.put("KING/A")
    log.put("KING/B")
    log.add(b"KING/B", None)
    copy = await copied(log, tmp_path)
    assert orjson.loads(await copy.find("BENTON", "A") or b"")["bedrooms"] == 2
    assert await copy.find("KING", "B") is None
    assert [(size.county_id, size.properties) for size in await copy.counties()] == [("BENTON", 2), ("KING", 1)]
    assert copy.ready
    await copy.stop()


async def test_what_is_written_is_found_after_a_catch_up(log: FakeLog, tmp_path: Path) -> None:
    copy = await copied(log, tmp_path)
    for number in range(20):
        log.put(f"BENTON/P{number}")
        assert await copy.catch_up(5)
        assert await copy.find("BENTON", f"P{number}") is not None
    await copy.stop()


async def test_a_restart_reads_on_from_where_it_was(log: FakeLog, tmp_path: Path) -> None:
    log.put("BENTON/A")
    await (await copied(log, tmp_path)).stop()
    log.put("BENTON/B")
    copy = await copied(log, tmp_path)
    assert log.opened_at[-1][ROLL, 0] == 1
    assert (await copy.counties())[0].properties == 2
    await copy.stop()


@pytest.mark.parametrize("change", ["another cluster", "topics made anew"])
async def test_the_copy_of_other_topics_is_forgotten(log: FakeLog, tmp_path: Path, change: str) -> None:
    log.put("BENTON/A")
    log.put("BENTON/OLD")
    await (await copied(log, tmp_path)).stop()
    log.records[ROLL].clear()
    log.cluster = "two" if change == "another cluster" else "one"
    log.put("KING/NEW")
    copy = await copied(log, tmp_path)
    assert [size.county_id for size in await copy.counties()] == ["KING"]
    assert await copy.find("BENTON", "OLD") is None
    await copy.stop()


async def test_while_kafka_is_away_the_copy_answers_and_says_that_it_may_be_behind(
    log: FakeLog, tmp_path: Path
) -> None:
    log.put("BENTON/A")
    await (await copied(log, tmp_path)).stop()
    log.up = False
    copy = PropertyCopy(PropertyTable(tmp_path / "properties.sqlite"), log, TABLE)
    await copy.start()
    assert not await copy.catch_up(0.2)
    readiness = [copy.ready]
    assert await copy.find("BENTON", "A") is not None
    log.up = True
    assert await copy.catch_up(5)
    assert [*readiness, copy.ready] == [False, True]
    await copy.stop()


async def test_a_file_that_is_no_copy_of_this_version_is_made_anew(log: FakeLog, tmp_path: Path) -> None:
    log.put("BENTON/A")
    table = PropertyTable(tmp_path / "properties.sqlite")
    await table.open()
    await table._write(other_version)
    await table.close()
    copy = await copied(log, tmp_path)
    assert await copy.find("BENTON", "A") is not None
    await copy.stop()


def other_version(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA user_version = 99")


async def test_models_in_service_are_followed_too(log: FakeLog, tmp_path: Path) -> None:
    log.add(b"BENTON", b'{"version":"1"}', MODELS)
    log.add(b"BENTON", b'{"version":"2"}', MODELS)
    log.add(b"KING", b"{}", MODELS)
    log.add(b"KING", None, MODELS)
    copy = await copied(log, tmp_path)
    assert await copy.models() == {"BENTON": b'{"version":"2"}'}
    await copy.stop()


@pytest.mark.parametrize(
    ("key", "value"),
    [(None, b"{}"), (b"BENTON", b"{}"), (b"/A", b"{}"), (b"BENTON/", b"{}"), (b"B/A", b"no"), (b"B/A", b"[]")],
)
def test_what_is_no_property_is_passed_over(key: bytes | None, value: bytes) -> None:
    assert property_row(key, value) is None


async def test_a_search_looks_through_ids_and_addresses_in_any_case_page_by_page(log: FakeLog, tmp_path: Path) -> None:
    for number in range(25):
        log.put(f"BENTON/P{number:02}", address=f"{number} {'ELM' if number % 2 else 'Oak'} Street")
    log.put("KING/P01", address="1 Elm Street")
    copy = await copied(log, tmp_path)
    seen: list[str] = []
    after = None
    while True:
        page = await copy.search("BENTON", "elm s", after=after, limit=5)
        seen += [orjson.loads(item)["property_id"] for item in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [f"P{number:02}" for number in range(1, 25, 2)]
    by_id = await copy.search("BENTON", "p07", after=None, limit=5)
    assert [orjson.loads(item)["property_id"] for item in by_id.items] == ["P07"]
    assert (await copy.search("BENTON", "%", after=None, limit=5)).items == []
    await copy.stop()


async def test_conditions_select_properties_across_pages(tmp_path: Path) -> None:
    table = PropertyTable(tmp_path / "properties.sqlite")
    await table.open()
    rows = [
        PropertyRow(
            "B", f"P{number:05}", "", orjson.dumps({"bedrooms": number % 4, "features": {"own": str(number % 3)}})
        )
        for number in range(11_000)
    ]
    await table.apply(Changes(rows, [], {(ROLL, 0): 5}))
    assert len(await table.ids("B", [])) == 11_000
    assert len(await table.ids("B", [Condition("bedrooms", values=[1])])) == 2750
    both = await table.ids("B", [Condition("bedrooms", low=1, high=2), Condition("own", values=["2"])])
    assert len(both) == len([n for n in range(11_000) if n % 4 in {1, 2} and n % 3 == 2])
    assert await table.ids("B", [Condition("unheard_of", low=0)]) == []
    assert await table.bookmark() == Bookmark(None, {(ROLL, 0): 5})
    await table.close()

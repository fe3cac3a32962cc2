"""A follower that begins with a snapshot ends with the same roll as one that reads everything, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from processor.roll import PropertyRoll, RollFollower, RollSnapshots, ServingModels, SnapshotRules
from schemas.topics import Topics
from tests.integration.roll.test_follower import publish, recreate, settle
from tests.kafka import create_topics
from tests.unit.roll.builders import property_record, sale_record


class CountingRoll(PropertyRoll):
    """Notes how many records it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.applied = 0

    def apply_properties(self, records: object) -> None:
        given = list(records)  # type: ignore[call-overload]
        self.applied += len(given)
        super().apply_properties(given)


class Begun:
    """A follower that shares a directory of snapshots with those before it."""

    def __init__(self, kafka: str, topics: Topics, directory: Path, max_hours: float) -> None:
        rules = SnapshotRules(directory, seconds=1e-9, max_hours=max_hours, least_parcels=1)
        self.roll, self.models = CountingRoll(), ServingModels()
        self.follower = RollFollower(
            self.roll,
            self.models,
            topics,
            {"bootstrap_servers": kafka},
            snapshots=RollSnapshots(rules),
            check_seconds=0.05,
        )

    def ids(self) -> set[str]:
        county = self.roll.county("BENTON")
        return set() if county is None else set(county.property_ids())


@asynccontextmanager
async def begun(kafka: str, topics: Topics, directory: Path, max_hours: float = 12.0) -> AsyncIterator[Begun]:
    found = Begun(kafka, topics, directory, max_hours)
    await found.follower.start()
    try:
        await asyncio.wait_for(found.follower.wait_ready(), 20)
        yield found
    finally:
        await found.follower.stop()


@pytest.fixture
async def topics(kafka: str) -> Topics:
    return await create_topics(kafka)


async def keep(kafka: str, topics: Topics, directory: Path) -> None:
    """Have a follower read a hundred properties and leave a snapshot of them all."""
    await publish(kafka, topics.property_records, [property_record(f"P{n}", bedrooms=1) for n in range(100)])
    await publish(kafka, topics.property_sales, [sale_record(f"S{n}") for n in range(10)])
    async with begun(kafka, topics, directory):
        await settle(lambda: bool(list(directory.glob("*.snapshot"))))


async def test_a_start_reads_only_what_came_after_the_snapshot(kafka: str, topics: Topics, tmp_path: Path) -> None:
    await keep(kafka, topics, tmp_path)
    changed = [property_record("P1", bedrooms=7), (b"BENTON/P2", None), property_record("NEW")]
    await publish(kafka, topics.property_records, changed)
    async with begun(kafka, topics, tmp_path) as found:
        assert found.roll.applied == len(changed)
        assert found.ids() == {f"P{n}" for n in range(100) if n != 2} | {"NEW"}
        county = found.roll.county("BENTON")
        assert county is not None
        assert county.lookup(["P1", "P3"])[1].number("bedrooms").tolist() == [7, 1]
        assert len(found.roll.sales("BENTON")) == 10
        await publish(kafka, topics.property_records, [property_record("LATER")])
        await asyncio.wait_for(found.follower.catch_up(), 10)
        assert "LATER" in found.ids()


async def test_a_snapshot_of_topics_that_were_created_again_gives_way(
    kafka: str, topics: Topics, tmp_path: Path
) -> None:
    await keep(kafka, topics, tmp_path)
    await recreate(kafka, topics.property_records)
    await publish(kafka, topics.property_records, [property_record(f"Q{n}") for n in range(300)])
    async with begun(kafka, topics, tmp_path) as found:
        assert found.ids() == {f"Q{n}" for n in range(300)}


async def test_a_snapshot_too_old_to_trust_is_ignored_and_the_log_says_why(
    kafka: str, topics: Topics, tmp_path: Path
) -> None:
    await keep(kafka, topics, tmp_path)
    with capture_logs() as logged:
        async with begun(kafka, topics, tmp_path, max_hours=1e-9) as found:
            assert found.roll.applied == 100
            assert len(found.ids()) == 100
    assert any("hours old" in str(line.get("reason")) for line in logged)


def damage(directory: Path) -> None:
    for path in directory.glob("*.snapshot"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)


async def test_a_damaged_snapshot_costs_time_and_nothing_else(kafka: str, topics: Topics, tmp_path: Path) -> None:
    await keep(kafka, topics, tmp_path)
    damage(tmp_path)
    async with begun(kafka, topics, tmp_path) as found:
        assert found.roll.applied == 100
        assert len(found.ids()) == 100


async def test_a_snapshot_taken_while_records_are_applied_loses_none(
    kafka: str, topics: Topics, tmp_path: Path
) -> None:
    await keep(kafka, topics, tmp_path)
    async with begun(kafka, topics, tmp_path):
        for n in range(20):
            await publish(
                kafka,
                topics.property_records,
                [property_record(f"P{n}", bedrooms=n), (f"BENTON/P{99 - n}".encode(), None)],
            )
    async with begun(kafka, topics, tmp_path) as found:
        assert found.ids() == {f"P{n}" for n in range(80)}
        county = found.roll.county("BENTON")
        assert county is not None
        assert county.lookup([f"P{n}" for n in range(20)])[1].number("bedrooms").tolist() == list(range(20))

"""A snapshot gives the roll that was, and what is no snapshot of these topics gives none."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.roll import PropertyRoll, RollSnapshots, ServingModels, SnapshotRules
from processor.roll.errors import SnapshotRefused
from processor.roll.sections import verified, writing
from processor.roll.snapshots import Reached
from tests.unit.roll.builders import property_record, sale_record

HERE = "cluster property.records property.sales valuation.models"
PARTITION = TopicPartition("property.records", 3)
REACHED = Reached({PARTITION: 17}, {PARTITION: 1_000})
HOUR_MS = 3_600_000
MODEL = {"county_id": "BENTON", "version": "v1", "uri": "u", "sha256": "0" * 64, "trained_at": "now"}


class Keeping:
    """A roll, its snapshots and a clock."""

    def __init__(self, directory: Path) -> None:
        self.now_ms = int(time.time() * 1_000)
        self.rules = SnapshotRules(directory, seconds=600, max_hours=12, least_parcels=1)
        self.roll, self.models = PropertyRoll(), ServingModels()

    def snapshots(self) -> RollSnapshots:
        """Return the snapshots as a process finds them that begins now."""
        return RollSnapshots(self.rules, wall_ms=lambda: self.now_ms)

    def take(self) -> None:
        self.snapshots().take(HERE, REACHED, self.roll, self.models)

    @property
    def path(self) -> Path:
        return self.snapshots().path(HERE)

    def load(self, identity: str = HERE) -> tuple[Reached | None, PropertyRoll, ServingModels]:
        """Return what a process that begins now finds."""
        roll, models = PropertyRoll(), ServingModels()
        return self.snapshots().load(identity, roll, models), roll, models


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    found = Keeping(tmp_path / "roll")
    found.roll.apply_properties([property_record(f"P{n}", bedrooms=n, neighborhood=f"N{n % 3}") for n in range(50)])
    found.roll.apply_sales([sale_record(f"S{n}", property_id=f"P{n}", document_number=str(n)) for n in range(9)])
    found.roll.apply_sales([sale_record("S9", features={"wall": "brick"}, eligible=False)])
    found.models.apply(b"BENTON", orjson.dumps(MODEL))
    found.roll.reject("sale", "not_json", None)
    return found


def told(roll: PropertyRoll) -> Mapping[str, object]:
    """Return everything that a roll tells its readers."""
    found: dict[str, object] = {"sizes": roll.sizes(), "rejected": dict(roll.rejected)}
    for county_id in roll.counties():
        county = roll.county(county_id)
        assert county is not None
        ids = sorted(county.property_ids())
        rows, frame = county.lookup(ids)
        found[county_id] = ids, county.digests(rows).tolist(), county.names()
        found[f"{county_id} frame"] = columns(frame.numeric), columns(frame.text)
        sales = roll.sales(county_id)
        found[f"{county_id} sales"] = (
            sales.version,
            *(repr(getattr(sales, name).tolist()) for name in ("sale_id", "property_id", "document_number", "day")),
            *(repr(getattr(sales, name).tolist()) for name in ("known_day", "price", "ineligible")),
            columns(sales.frame.numeric),
            columns(sales.frame.text),
        )
    return found


def columns(given: Mapping[str, object]) -> dict[str, str]:
    return {name: repr(column.tolist()) for name, column in given.items()}  # type: ignore[attr-defined]


def test_what_was_kept_is_what_begins(keeping: Keeping) -> None:
    keeping.take()
    reached, roll, models = keeping.load()
    assert reached == REACHED
    assert told(roll) == told(keeping.roll)
    assert models.all() == keeping.models.all()
    assert [path.name for path in keeping.path.parent.iterdir()] == [keeping.path.name]


IDS = st.sampled_from([f"P{n}" for n in range(6)])
VALUES = st.dictionaries(
    st.sampled_from(["bedrooms", "neighborhood", "property_class", "year_built"]),
    st.none() | st.integers(0, 9) | st.sampled_from(["a", "", "ü\n"]),
)
FEATURES = st.dictionaries(
    st.sampled_from(["wall", "roof"]), st.none() | st.floats(0, 9) | st.sampled_from(["brick", "x"])
)
CHANGES = st.lists(st.tuples(IDS, st.none() | st.tuples(VALUES, FEATURES)), max_size=25)


def apply(roll: PropertyRoll, changes: list[tuple[str, tuple[dict[str, object], dict[str, object]] | None]]) -> None:
    for own_id, change in changes:
        if change is None:
            roll.apply_properties([(f"BENTON/{own_id}".encode(), None)])
            roll.apply_sales([(f"BENTON/{own_id}".encode(), None)])
        else:
            values, features = change
            roll.apply_properties([property_record(own_id, **values, features=features)])
            roll.apply_sales([sale_record(own_id, property_id=own_id, features=features)])


@given(before=CHANGES, after=CHANGES, overlap=st.integers(0, 25))
@settings(deadline=None, max_examples=60)
def test_a_snapshot_and_what_came_after_its_offsets_give_the_roll(
    tmp_path_factory: pytest.TempPathFactory, before: object, after: object, overlap: int
) -> None:
    """Also where the state was noted later than the offsets, so that some records are applied twice."""
    keeping = Keeping(tmp_path_factory.mktemp("roll"))
    changes = [*before, *after]  # type: ignore[misc] # hypothesis' lists
    apply(keeping.roll, changes[: len(before) + overlap])  # type: ignore[arg-type]
    keeping.take()
    _, roll, _ = keeping.load()
    apply(roll, changes[len(before) :])  # type: ignore[arg-type]
    straight = PropertyRoll()
    apply(straight, changes)
    found, wanted = told(roll), told(straight)
    assert found["sizes"] == wanted["sizes"]
    for name in ("BENTON frame", "BENTON sales"):
        assert known(found.get(name)) == known(wanted.get(name))


def known(part: object) -> object:
    """Return a part of what a roll tells without columns that nobody has anything in."""
    if isinstance(part, tuple):
        return tuple(known(each) for each in part)
    if isinstance(part, dict):
        return {name: text for name, text in part.items() if set(text) - set("[nanNoe, ]")}
    return part


@pytest.mark.parametrize("at", [0, 9, 60, 0.5, -40, -1])
def test_a_damaged_snapshot_is_not_used(keeping: Keeping, at: float) -> None:
    keeping.take()
    content = bytearray(keeping.path.read_bytes())
    content[int(at * len(content)) if isinstance(at, float) else at] ^= 1
    keeping.path.write_bytes(content)
    reached, roll, _ = keeping.load()
    assert reached is None
    assert roll.sizes() == {}


@pytest.mark.parametrize("length", [0, 7, 40, 2_000])
def test_a_snapshot_cut_short_is_not_used(keeping: Keeping, length: int) -> None:
    keeping.take()
    keeping.path.write_bytes(keeping.path.read_bytes()[:length])
    assert keeping.load()[0] is None


def test_without_a_snapshot_there_is_none(keeping: Keeping) -> None:
    assert keeping.load()[0] is None


def test_a_snapshot_older_than_deletions_are_kept_is_not_used(keeping: Keeping) -> None:
    keeping.take()
    keeping.now_ms += 12 * HOUR_MS - 1
    assert keeping.load()[0] is not None
    keeping.now_ms += 2
    assert keeping.load()[0] is None


def test_a_snapshot_of_another_cluster_is_not_used(keeping: Keeping) -> None:
    keeping.take()
    elsewhere = keeping.snapshots().path("other")
    keeping.path.rename(elsewhere)
    assert keeping.load("other")[0] is None


def test_a_snapshot_that_others_made_by_other_rules_is_not_used(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.take()
    monkeypatch.setattr("processor.roll.snapshots.FORMAT", 2)
    assert keeping.load()[0] is None


def test_a_snapshot_that_says_nothing_of_the_roll_is_removed(keeping: Keeping) -> None:
    keeping.take()
    document = verified(keeping.path).document("snapshot")
    with writing(keeping.path) as writer:
        writer.document("snapshot", document)
    with pytest.raises(SnapshotRefused):
        keeping.load()
    assert not keeping.path.exists()


def test_a_snapshot_that_fails_halfway_leaves_the_one_before(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping.take()
    before = keeping.path.read_bytes()

    def full(_writer: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(keeping.models, "save", full)
    with pytest.raises(OSError, match="no space"):
        keeping.take()
    assert keeping.path.read_bytes() == before
    assert len(list(keeping.path.parent.iterdir())) == 1


def test_what_a_killed_process_left_is_removed_after_an_hour(keeping: Keeping) -> None:
    keeping.path.parent.mkdir()
    for name, age in ((".new-old", 4_000), (".new-young", 10)):
        path = keeping.path.parent / name
        path.write_bytes(b"")
        os.utime(path, (time.time() - age, time.time() - age))
    keeping.take()
    assert {path.name for path in keeping.path.parent.iterdir()} == {".new-young", keeping.path.name}


def test_a_snapshot_is_due_when_there_is_none_and_then_only_after_changes(keeping: Keeping) -> None:
    snapshots = keeping.snapshots()
    moved = {PARTITION: 18}
    assert snapshots.due(HERE, keeping.roll, REACHED.next)
    snapshots.take(HERE, REACHED, keeping.roll, keeping.models)
    assert not snapshots.due(HERE, keeping.roll, moved)
    keeping.now_ms += 601_000
    assert snapshots.due(HERE, keeping.roll, moved)
    assert not snapshots.due(HERE, keeping.roll, REACHED.next)
    keeping.now_ms += 3 * HOUR_MS
    assert snapshots.due(HERE, keeping.roll, REACHED.next)


def test_a_small_roll_is_not_kept(keeping: Keeping) -> None:
    keeping.rules = replace(keeping.rules, least_parcels=51)
    assert not keeping.snapshots().due(HERE, keeping.roll, REACHED.next)


def test_a_roll_that_began_with_a_snapshot_takes_updates(keeping: Keeping) -> None:
    keeping.take()
    _, roll, _ = keeping.load()
    roll.apply_properties([property_record("NEW", bedrooms=3, features={"pool": 1}), (b"BENTON/P0", None)])
    roll.apply_sales([sale_record("NEW", sale_price=1)])
    county = roll.county("BENTON")
    assert county is not None
    assert len(county) == 50
    rows, frame = county.lookup(["NEW", "P0", "P7"])
    assert rows.tolist() == [50, -1, 7]
    assert frame.number("bedrooms").tolist()[0::2] == [3.0, 7.0]
    assert len(roll.sales("BENTON")) == 11

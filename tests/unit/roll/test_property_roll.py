import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.roll import PropertyRoll
from processor.roll.columns import MOST_COLUMNS, Columns
from processor.roll.county import CountyRoll
from processor.roll.rows import Rows
from processor.valuation.frame import Frame
from tests.unit.roll.builders import property_record


def county_of(*records: tuple[bytes | None, bytes | None]) -> CountyRoll:
    roll = PropertyRoll()
    roll.apply_properties(records)
    county = roll.county("BENTON")
    assert county is not None
    return county


def value(county: CountyRoll, property_id: str, name: str) -> Any:
    _, frame = county.lookup([property_id])
    number = frame.number(name)[0]
    return frame.words(name)[0] if np.isnan(number) else number


def test_a_property_is_found_with_all_it_carries() -> None:
    county = county_of(
        property_record("P1", living_area_sqft=1800, neighborhood="Queensgate", features={"pool": 1, "roof": "Tile"})
    )
    assert len(county) == 1
    assert value(county, "P1", "living_area_sqft") == 1800.0
    assert value(county, "P1", "neighborhood") == "Queensgate"
    assert value(county, "P1", "pool") == 1.0
    assert value(county, "P1", "roof") == "Tile"


def test_an_unknown_property_has_row_minus_one_and_nothing_but_gaps() -> None:
    county = county_of(property_record("P1", living_area_sqft=1800, neighborhood="Queensgate"))
    rows, frame = county.lookup(["nowhere", "P1"])
    assert rows.tolist() == [-1, 0]
    assert np.isnan(frame.number("living_area_sqft")[0])
    assert frame.words("neighborhood").tolist() == [None, "Queensgate"]


def test_a_county_without_any_property_answers_too() -> None:
    rows, frame = CountyRoll("EMPTY").lookup(["P1"])
    assert rows.tolist() == [-1]
    assert frame.n == 1


def test_an_update_replaces_the_whole_record() -> None:
    county = county_of(
        property_record("P1", living_area_sqft=1800, bedrooms=3, neighborhood="Queensgate"),
        property_record("P1", living_area_sqft=1900),
    )
    assert len(county) == 1
    assert value(county, "P1", "living_area_sqft") == 1900.0
    assert value(county, "P1", "bedrooms") is None
    assert value(county, "P1", "neighborhood") is None


def test_null_deletes_and_the_property_may_come_back() -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1", bedrooms=3), property_record("P2", bedrooms=4)])
    roll.apply_properties([(b"BENTON/P1", None)])
    county = roll.county("BENTON")
    assert county is not None
    assert county.find(["P1", "P2"]).tolist() == [-1, 1]
    roll.apply_properties([property_record("P1", stories=2)])
    assert value(county, "P1", "stories") == 2.0
    assert value(county, "P1", "bedrooms") is None


def test_a_deletion_of_what_was_never_there_is_no_error() -> None:
    assert len(county_of((b"BENTON/P9", None))) == 0


def test_county_names_are_normalised_and_ids_are_not() -> None:
    county = county_of((b"benton_wa/0012.10", b'{"property_id":"0012.10","county_id":"Benton County","bedrooms":2}'))
    assert county.find(["0012.10", "12.10", "0012.1"]).tolist() == [0, -1, -1]


def test_an_id_may_contain_the_separator() -> None:
    county = county_of(property_record("12/34", bedrooms=2))
    assert county.find(["12/34"]).tolist() == [0]


@pytest.mark.parametrize("key", [None, b"", b"no-separator", b"\xff\xfe/x", b"BENTON/"])
def test_a_record_without_a_usable_key_is_known_by_its_value(key: bytes | None) -> None:
    county = county_of((key, b'{"property_id":"P7","county_id":"benton","bedrooms":2}'))
    assert value(county, "P7", "bedrooms") == 2.0


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ((b"BENTON/P1", b"not json"), "property:not_json"),
        ((b"BENTON/P1", b"\xff"), "property:not_json"),
        ((b"BENTON/P1", b""), "property:not_json"),
        ((b"BENTON/P1", b"[1]"), "property:not_an_object"),
        ((b"BENTON/P1", b"null"), "property:not_an_object"),
        ((None, b"{}"), "property:no_id"),
        ((None, None), "property:no_id"),
        ((b"junk", None), "property:no_id"),
        ((None, b'{"property_id":17,"county_id":"BENTON"}'), "property:no_id"),
        ((b"--/P1", b"{}"), "property:no_county"),
    ],
)
def test_an_unreadable_record_is_counted_and_changes_nothing(
    record: tuple[bytes | None, bytes | None], reason: str
) -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1", bedrooms=3), record, property_record("P2")])
    county = roll.county("BENTON")
    assert county is not None
    assert value(county, "P1", "bedrooms") == 3.0
    assert len(county) == 2
    assert roll.rejected == {reason: 1}


@pytest.mark.parametrize("bad", ["three", True, [3], {"n": 3}, None, -1])
def test_a_member_that_is_no_number_is_unknown_and_the_rest_stands(bad: object) -> None:
    county = county_of(property_record("P1", bedrooms=bad, bathrooms=2))
    assert value(county, "P1", "bedrooms") is None
    assert value(county, "P1", "bathrooms") == 2.0


def test_coordinates_off_the_globe_are_unknown() -> None:
    county = county_of(property_record("P1", latitude=95, longitude=-190))
    assert value(county, "P1", "latitude") is None
    assert value(county, "P1", "longitude") is None


def test_members_nobody_defined_and_addresses_take_no_memory() -> None:
    county = county_of(property_record("P1", address="1 Main St", colour="blue", bedrooms=1))
    assert county.names() == {"bedrooms"}


def test_a_feature_may_be_number_here_and_text_there() -> None:
    county = county_of(
        property_record("P1", features={"roof": 3}),
        property_record("P2", features={"roof": "Tile"}),
        property_record("P3", features={"roof": None}),
        property_record("P4", features={"roof": [1]}),
    )
    assert [value(county, own_id, "roof") for own_id in ("P1", "P2", "P3", "P4")] == [3.0, "Tile", None, None]
    assert county.refused == 1


def test_a_feature_wins_over_a_standard_field_of_its_name_as_it_does_in_the_record_model() -> None:
    assert value(county_of(property_record("P1", bedrooms=3, features={"bedrooms": 4})), "P1", "bedrooms") == 4.0


def test_no_record_can_add_columns_without_end() -> None:
    county = county_of(property_record("P1", features={f"f{n}": n for n in range(MOST_COLUMNS + 5)}))
    assert len(county.names()) == MOST_COLUMNS
    assert county.refused == 5


def test_frames_are_copies() -> None:
    county = county_of(property_record("P1", bedrooms=3))
    county.frame(county.find(["P1"])).numeric["bedrooms"][0] = 9
    assert value(county, "P1", "bedrooms") == 3.0


def test_a_row_found_before_its_property_was_deleted_is_unknown_in_everything() -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1", bedrooms=3, neighborhood="Queensgate")])
    county = roll.county("BENTON")
    assert county is not None
    rows = county.find(["P1"])
    roll.apply_properties([(b"BENTON/P1", None), property_record("P2", bedrooms=9)])
    frame = county.frame(rows)
    assert np.isnan(frame.number("bedrooms")[0])
    assert frame.words("neighborhood")[0] is None


def test_a_reload_removes_what_did_not_come_again_and_serves_it_until_then() -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1", bedrooms=3), property_record("P2", bedrooms=4)])
    roll.begin_reload()
    roll.apply_properties([property_record("P2", bedrooms=5)])
    county = roll.county("BENTON")
    assert county is not None
    assert value(county, "P1", "bedrooms") == 3.0
    roll.finish_reload()
    assert county.find(["P1"]).tolist() == [-1]
    assert value(county, "P2", "bedrooms") == 5.0
    assert roll.sizes() == {"BENTON": 1}


def test_a_reload_that_starts_twice_counts_from_the_second_start() -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1"), property_record("P2")])
    roll.begin_reload()
    roll.apply_properties([property_record("P1")])
    roll.begin_reload()
    roll.apply_properties([property_record("P2")])
    roll.finish_reload()
    county = roll.county("BENTON")
    assert county is not None
    assert county.property_ids() == ["P2"]


def test_rows_of_deleted_properties_rest_before_they_are_given_away() -> None:
    rows = Rows(quarantine=1)
    rows.allocate(["a", "b"])
    rows.release(["a"])
    assert rows.allocate(["c"]).tolist() == [2]
    rows.release(["b"])
    assert rows.allocate(["d"]).tolist() == [0]


def test_readers_never_see_half_an_update() -> None:
    roll = PropertyRoll()
    roll.apply_properties([property_record("P1", bedrooms=0, bathrooms=0)])
    county = roll.county("BENTON")
    assert county is not None
    torn = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            _, frame = county.lookup(["P1"])
            if frame.number("bedrooms")[0] != frame.number("bathrooms")[0]:
                torn.append(frame)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(2_000):
        roll.apply_properties([property_record("P1", bedrooms=n, bathrooms=n)])
    done.set()
    reader.join()
    assert not torn


CELLS = st.one_of(st.none(), st.integers(-5, 5), st.floats(-9, 9), st.sampled_from(["", "a", "b"]))
RECORDS = st.dictionaries(st.sampled_from("xyz"), CELLS, max_size=3)


@given(st.lists(st.lists(RECORDS, min_size=1, max_size=5), min_size=1, max_size=5))
def test_columns_read_back_what_was_written(batches: list[list[dict[str, object]]]) -> None:
    columns = Columns({})
    written: list[dict[str, object]] = []
    for batch in batches:
        start = len(written)
        written += batch
        columns.write(np.arange(start, len(written)), batch, "xyz", len(written))
    read = columns.read(np.arange(len(written)))
    expected = Frame.from_records(written)
    for name in "xyz":
        np.testing.assert_array_equal(read.number(name), expected.number(name))
        assert read.words(name).tolist() == expected.words(name).tolist()

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import day_number, epoch_ms, iso_date, rfc3339


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_a_timestamp_reads_back_as_it_was_written(moment: int) -> None:
    assert epoch_ms(rfc3339(moment)) == moment


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_a_timestamp_is_what_the_calendar_says(moment: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    assert datetime.fromisoformat(rfc3339(moment)) == expected


@given(st.dates())
def test_a_day_reads_back_as_it_was_written(day: date) -> None:
    assert iso_date(day_number(day.isoformat())) == day.isoformat()


def test_a_timestamp_may_carry_any_offset() -> None:
    assert epoch_ms("2026-11-23T10:00:00+01:00") == epoch_ms("2026-11-23T09:00:00Z")


def test_a_timestamp_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset from UTC"):
        epoch_ms("2026-11-23T09:00:00")


@pytest.mark.parametrize("written", ["20261123", "2026-13-01", "2026-1-1", "yesterday", "2026-W48-1", ""])
def test_a_date_in_another_form_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        day_number(written)


def test_a_time_beyond_what_can_be_written_is_clamped() -> None:
    assert rfc3339(10**18) == "9999-12-31T23:59:59.999Z"
    assert rfc3339(-1) == "1970-01-01T00:00:00.000Z"

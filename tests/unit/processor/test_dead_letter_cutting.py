"""What is kept of a record that is too large for a dead letter: the key first, then the value, then the headers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cloudevents import header
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, handled
from tests.rows import Written, read_row

_LIMIT = 16_384
_ROOM = _LIMIT - 1_024
_USING = collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine())
_Headers = list[tuple[str, bytes | None]]


async def _letter(key: bytes | None, value: bytes | None, headers: _Headers, limit: int = _LIMIT) -> Written:
    outcomes = handled(batch_of([FakeRecord(0, value, key=key, headers=headers)], record_limit=limit), _USING)
    (row,) = outcomes.dead_letters
    assert len(row) <= limit
    return read_row(row)


def _lost(letter: Written) -> int | None:
    said = header(letter.headers, "error.truncated_bytes")
    return None if said is None else int(said)


async def test_the_key_stays_whole_and_the_value_gives_way() -> None:
    letter = await _letter(b"k" * 100, b"v" * 30_000, [("h", b"1")])
    assert (letter.key, letter.value) == (b"k" * 100, b"v" * (_ROOM - 100))
    assert header(letter.headers, "h") is None
    assert _lost(letter) == 30_000 - (_ROOM - 100) + len("h") + len("1") + 10


async def test_headers_that_fit_beside_key_and_value_stay() -> None:
    letter = await _letter(None, b"v" * 100, [("h", b"x" * 30_000)])
    assert (letter.key, letter.value, _lost(letter)) == (None, b"v" * 100, 30_011)
    letter = await _letter(b"k" * 20_000, None, [])
    assert (letter.key, letter.value, _lost(letter)) == (b"k" * _ROOM, None, 20_000 - _ROOM)


@pytest.mark.parametrize(("size", "lost"), [(_ROOM - 12, None), (_ROOM - 11, 12)])
async def test_a_record_that_just_fits_is_kept_as_it_came(size: int, lost: int | None) -> None:
    letter = await _letter(None, b"v" * size, [("h", b"1")])
    assert letter.value == b"v" * size
    assert _lost(letter) == lost
    assert (header(letter.headers, "h") == b"1") is (lost is None)


@pytest.mark.parametrize(("before", "after"), [(b"999998", b"999999"), (b"100000", b"100001"), (b"1000000", b"1")])
async def test_attempts_are_counted_up_to_six_digits(before: bytes, after: bytes) -> None:
    letter = await _letter(None, b"{", [("error.attempts", before)])
    assert header(letter.headers, "error.attempts") == after


@settings(deadline=None)
@given(key=st.none() | st.integers(0, 18_000), value=st.none() | st.integers(0, 18_000), held=st.integers(0, 18_000))
async def test_what_is_kept_is_a_beginning_and_what_is_lost_is_counted(
    key: int | None, value: int | None, held: int
) -> None:
    key_, value_ = (None if size is None else b"{" * size for size in (key, value))
    letter = await _letter(key_, value_, [("h", b"x" * held)])
    assert (letter.key is None, letter.value is None) == (key is None, value is None)
    assert (key_ or b"").startswith(letter.key or b"")
    assert (value_ or b"").startswith(letter.value or b"")
    whole = (key or 0) + (value or 0) + held + 11
    kept = len(letter.key or b"") + len(letter.value or b"")
    kept += held + 11 if header(letter.headers, "h") is not None else 0
    assert (_lost(letter) or 0) == whole - kept

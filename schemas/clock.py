"""RFC 3339 timestamps and calendar days as numbers, quick enough for one per event."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_LAST_MS: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last millisecond that RFC 3339 can write."""
_FRACTIONS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))
_MS_OF_FRACTION: Final = {fraction: ms for ms, fraction in enumerate(_FRACTIONS)}
_ORDINARY_LENGTH: Final = 40
_SECONDS_LENGTH: Final = len("YYYY-MM-DDTHH:MM:SS")


@lru_cache(maxsize=1024)
def _second(epoch_s: int) -> str:
    return (_EPOCH + timedelta(seconds=epoch_s)).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=4096)  # the events of a busy moment share their milliseconds
def rfc3339(epoch_ms: int) -> str:
    """Write milliseconds since 1970-01-01 as ``2026-11-23T09:00:00.000Z``; out-of-range values are clamped."""
    if not 0 <= epoch_ms <= _LAST_MS:
        epoch_ms = 0 if epoch_ms < 0 else _LAST_MS
    return _second(epoch_ms // 1000) + _FRACTIONS[epoch_ms % 1000]


def epoch_ms(text: str) -> int:
    """Read an RFC 3339 timestamp (any offset, fraction optional) as milliseconds since 1970-01-01.

    Raises:
        ValueError: the text is no timestamp, or names no offset from UTC.
    """
    return _read_before(text) if len(text) <= _ORDINARY_LENGTH else _read(text)


def _read(text: str) -> int:
    ms = _MS_OF_FRACTION.get(text[_SECONDS_LENGTH:])
    if ms is not None:  # as `rfc3339` writes it: the part that changes with every event costs one look-up
        return _ms_of_second(text[:_SECONDS_LENGTH]) + ms
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs an offset from UTC, such as Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_read_before: Final = lru_cache(maxsize=4096)(_read)


@lru_cache(maxsize=1024)
def _ms_of_second(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=65_536)
def day_number(iso_date: str) -> int:
    """Read ``YYYY-MM-DD`` as days since 1970-01-01.

    Raises:
        ValueError: the text is no ISO 8601 calendar date in that form.
    """
    if len(iso_date) != len("YYYY-MM-DD") or not iso_date[5:7].isdecimal():
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(iso_date).toordinal() - _EPOCH_ORDINAL


@lru_cache(maxsize=65_536)
def iso_date(day: int) -> str:
    """Write days since 1970-01-01 as ``YYYY-MM-DD``."""
    return date.fromordinal(day + _EPOCH_ORDINAL).isoformat()

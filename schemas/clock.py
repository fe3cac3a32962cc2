"""RFC 3339 timestamps and calendar days as numbers, quick enough for one per event."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_LAST_MS: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last millisecond that RFC 3339 can write."""


@lru_cache(maxsize=1024)
def _second(epoch_s: int) -> str:
    return (_EPOCH + timedelta(seconds=epoch_s)).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(epoch_ms: int) -> str:
    """Write milliseconds since 1970-01-01 as ``2026-11-23T09:00:00.000Z``; out-of-range values are clamped."""
    seconds, ms = divmod(min(max(epoch_ms, 0), _LAST_MS), 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


def epoch_ms(text: str) -> int:
    """Read an RFC 3339 timestamp (any offset, fraction optional) as milliseconds since 1970-01-01.

    Raises:
        ValueError: the text is no timestamp, or names no offset from UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs an offset from UTC, such as Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


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

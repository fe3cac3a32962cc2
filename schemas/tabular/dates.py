"""Sale dates as files write them, to the day or to the month."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from schemas.tabular.mapping import month_precision

EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?\d{4,6}.*)?")
_MONTH: Final = re.compile(r"(\d{4})(?:[-/.](\d{1,2})|(\d{2}))")
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?")
"""How Parquet and spreadsheets write true dates, whatever form the mapping gives for the texts among them."""
_FLOAT_TAIL: Final = re.compile(r"(\d)\.0(?=-|$)")

FIRST_YEAR: Final = 1900


class NoDate(ValueError):  # noqa: N818 - reads as what is the case
    """A text names no day and no month."""


class DateReader:
    """Reads dates in given strptime formats, or ISO 8601 where none is given; remembers what it read."""

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = tuple(formats)
        self.read = lru_cache(maxsize=50_000)(self._read)

    def _read(self, text: str) -> tuple[int, bool]:
        """Return days since 1970-01-01, and whether only the month is known (the day is then the month's first).

        Raises:
            NoDate: the text is no date.
        """
        plain = _FLOAT_TAIL.sub(r"\1", text)
        if not self._formats:
            return _iso(plain)
        for each in self._formats:
            try:
                # A sale's day is the day on the deed, wherever that was written: no time zone belongs to it.
                read = datetime.strptime(plain, each).date()  # noqa: DTZ007
            except ValueError:
                continue
            precise = not month_precision([each])
            return (read if precise else read.replace(day=1)).toordinal() - EPOCH_ORDINAL, not precise
        if _ISO_DAY.fullmatch(plain):
            return _iso(plain)
        raise NoDate(f"no date of the form {' or '.join(self._formats)}")


def _iso(text: str) -> tuple[int, bool]:
    for pattern in (_COMPACT, _DAY, _MONTH):
        if found := pattern.fullmatch(text):
            parts = [int(part) for part in found.groups() if part is not None]
            day = parts[2] if len(parts) > 2 else 1  # noqa: PLR2004 - year, month, day
            try:
                return date(parts[0], parts[1], day).toordinal() - EPOCH_ORDINAL, pattern is _MONTH
            except ValueError:
                raise NoDate("no such day") from None
    raise NoDate("no ISO 8601 date; give its form under [dates]")

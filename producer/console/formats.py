"""Writes amounts, shares and dates the way an assessor's office writes them: $1,234,500 and Mar 14, 2026."""

import math
from datetime import UTC, date, datetime
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
NONE: Final = "\N{EM DASH}"
"""What stands where there is nothing to show."""
_THIN: Final = "\N{NO-BREAK SPACE}"
_YEARS: Final = frozenset({"year_built", "year_renovated", "yr_built", "yr_renovated"})
_YES_NO: Final = frozenset({"waterfront", "pool"})
_MINUTE: Final = 60
_HOUR: Final = 3600
_MANY_DIGITS: Final = 1000


def dollars(amount: float | None) -> str:
    """Return whole dollars: ``$505,400``."""
    if amount is None or not math.isfinite(amount):
        return NONE
    return f"{_sign(round(amount))}${abs(round(amount)):,}"


def cents(amount: float | None) -> str:
    """Return dollars to the cent: ``$505,443.05``."""
    if amount is None or not math.isfinite(amount):
        return NONE
    whole = round(amount * 100)
    return f"{_sign(whole)}${abs(whole) // 100:,}.{abs(whole) % 100:02}"


def signed_cents(amount: float | None) -> str:
    """Return a change in dollars to the cent, its sign always shown: ``+$32,122.59``."""
    text = cents(amount)
    return f"+{text}" if amount is not None and round(amount * 100) > 0 else text


def number(value: float | str | None) -> str:
    """Return a characteristic: whole numbers with commas where they are no years, text as it is."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return value or NONE
    if not math.isfinite(value):
        return NONE
    if value == round(value):
        return f"{_sign(value)}{abs(round(value)):,}"
    digits = 1 if abs(value) >= _MANY_DIGITS else 3
    return f"{_sign(value)}{abs(value):,.{digits}f}".rstrip("0").rstrip(".")


def characteristic(name: str, value: float | str | None) -> str:
    """Return a characteristic of a property; years have no commas, and a zero that means "none" says so."""
    if isinstance(value, float | int) and name in _YEARS:
        return f"{value:.0f}" if value else NONE
    if isinstance(value, float | int) and name in _YES_NO and value in {0, 1}:
        return "yes" if value else "no"
    return number(value)


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share of one as a percentage: ``24 %``."""
    return NONE if share is None else f"{100 * share:.{digits}f}{_THIN}%"


def fixed(value: float | None, digits: int = 3) -> str:
    """Return a statistic with a fixed number of digits."""
    return NONE if value is None else f"{_sign(round(value, digits))}{abs(value):.{digits}f}"


def day(value: date | str | None) -> str:
    """Return a date: ``Mar 14, 2026``; text that is none stays as it is."""
    if value is None:
        return NONE
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return f"{found:%b} {found.day}, {found.year}"


def moment(value: datetime | str | None) -> str:
    """Return a time in UTC: ``Mar 14, 2026, 09:30:12 UTC``; text that is none stays as it is."""
    if value is None:
        return NONE
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    found = found.astimezone(UTC)
    return f"{day(found.date())}, {found:%H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """Return a span of time: ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds is None:
        return NONE
    whole = max(round(seconds), 0)
    if whole < _MINUTE:
        return f"{whole}{_THIN}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}{_THIN}min {whole % _MINUTE}{_THIN}s"
    return f"{whole // _HOUR}{_THIN}h {whole % _HOUR // _MINUTE}{_THIN}min"


def _sign(value: float) -> str:
    return MINUS if value < 0 else ""

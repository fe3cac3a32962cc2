"""Errors of reading a county's files.

::

    TabularError(SchemaError)   the input as a whole cannot be used; single bad rows are reported, never raised
    ├── MappingInvalid          the mapping file: no TOML, unknown keys, contradictions
    └── FileUnusable            the data file: absent, no table, or lacking columns that the mapping names
"""

from collections.abc import Iterable
from difflib import get_close_matches

from schemas.errors import SchemaError


class TabularError(SchemaError):
    """The input as a whole cannot be used; the message says what to change."""


class MappingInvalid(TabularError):  # noqa: N818 - reads as what is the case
    """The mapping file cannot be used."""


class FileUnusable(TabularError):  # noqa: N818 - reads as what is the case
    """The data file cannot be used, or not with this mapping."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` - did you mean 'a' or 'b'?`` for the known names closest to one, nothing where none is close."""
    by_lower = {each.lower(): each for each in known}
    close = [by_lower[each] for each in get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.6)]
    if not close:
        close = sorted(each for each in by_lower.values() if name.lower() in each.lower())[:3]
    return f" - did you mean {' or '.join(repr(each) for each in close)}?" if close else ""

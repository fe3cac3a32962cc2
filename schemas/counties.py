"""County ids as people write them, brought to the one form used in keys, events, labels and file names."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from schemas.printable import is_printable

_STATES: Final = frozenset(
    """AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
    OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI AS MP""".split()  # noqa: SIM905 - a table reads better than 55 quoted words
)
_DROPPED_LAST: Final = _STATES | {"COUNTY"}
_WORD: Final = re.compile(r"[^\W_]+")

OTHER: Final = "OTHER"
"""Metric label of a county that the system holds no properties of."""


@lru_cache(maxsize=4096)
def normalise_county(raw: str) -> str:
    """Return the normal form of a county id: upper case, words joined with ``_``, no trailing state or "county".

    ``benton``, ``benton_wa``, ``Benton-WA`` and ``Benton County, WA`` all give ``BENTON``. Applying it twice changes
    nothing.

    Raises:
        ValueError: nothing is left to name a county by.
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).upper()))
    if not words:
        return _symbols(raw)
    while len(words) > 1 and words[-1] in _DROPPED_LAST:
        words.pop()
    return "_".join(words)


def _symbols(raw: str) -> str:
    symbols = "".join(character for character in raw.upper() if not character.isascii())
    if not is_printable(symbols) or not symbols:
        raise ValueError("a county id needs at least one letter or digit")
    return symbols

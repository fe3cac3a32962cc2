"""Numbers as people write them into tables: with thousands separators, dollar signs, brackets, yes and no."""

import re
from collections.abc import Sequence
from math import inf, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NOTHING: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "nil", "#n/a", "-", "--", "?", ".", "unknown"})
"""What stands in a column of numbers for "not known"; in a column of texts each of these is a text."""
_TRUTH: Final = {"yes": 1.0, "y": 1.0, "true": 1.0, "t": 1.0, "no": 0.0, "n": 0.0, "false": 0.0, "f": 0.0}
_PLAIN: Final = re.compile(r"(\d+|\d{1,3}(,\d{3})+|\d{1,3}( \d{3})+|\d{1,3}('\d{3})+)?(\.\d*)?([eE][+-]?\d+)?")
_SPACES: Final = re.compile(r"[\s\u00a0\u202f]+")


def as_numbers(texts: Sequence[str], *, decimal_comma: bool = False) -> tuple[NDArray[np.float64], list[int]]:
    """Read texts as numbers: NaN where nothing is known; and the indices of texts that are no numbers."""
    try:
        numbers = np.array([float(text) if text else nan for text in texts], dtype=np.float64)
    except ValueError:
        numbers = np.array([_number(text, decimal_comma=decimal_comma) for text in texts], dtype=np.float64)
    else:
        if decimal_comma or any("_" in text for text in texts):
            numbers = np.array([_number(text, decimal_comma=decimal_comma) for text in texts], dtype=np.float64)
    wrong = np.flatnonzero(np.isinf(numbers))
    numbers[wrong] = nan
    return numbers, wrong.tolist()


def _number(text: str, *, decimal_comma: bool) -> float:
    """Return the number, NaN for nothing, infinity for no number."""
    lower = text.lower()
    if lower in _NOTHING:
        return nan
    if lower in _TRUTH:
        return _TRUTH[lower]
    sign, digits = _unwrapped(text)
    if decimal_comma:
        digits = digits.replace(".", " ").replace(",", ".")
    if not _PLAIN.fullmatch(digits) or not any(each.isdigit() for each in digits):
        return inf
    return sign * float(re.sub("[ ,']", "", digits))


def _unwrapped(text: str) -> tuple[float, str]:
    """Take off brackets, which mean minus, and currency."""
    digits = _SPACES.sub(" ", text).strip()
    sign = 1.0
    if digits.startswith("(") and digits.endswith(")"):
        sign, digits = -1.0, digits[1:-1].strip()
    if digits.startswith(("-", "+")):
        sign, digits = (-sign if digits[0] == "-" else sign), digits[1:].strip()
    return sign, digits.removeprefix("US").removeprefix("$").removesuffix("$").removesuffix("USD").strip()

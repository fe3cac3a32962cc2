"""Compiled writing of JSON: scripts of texts and decimal numbers, written into one buffer of bytes.

A Python object for every number and every piece between two numbers costs more than the valuation they tell of, and
holds the interpreter while it is made. Everything here works on arrays and returns the position behind what it wrote.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from processor.valuation.frame import Floats, Ints
from processor.valuation.model.jit import compiled

Bytes = NDArray[np.uint8]

Texts = tuple[Bytes, Ints]
"""Texts one behind the other, and where each begins [count + 1]; the last entry is where the last one ends."""


class Script(NamedTuple):
    """What to write, step by step: ``step`` tells from which texts and which of them, or a decimal with its digits.

    ``scaled`` is the decimal of a step, a whole multiple of 10**-digits.
    """

    step: Ints
    scaled: Floats


NUMBER_BYTES: Final = 26
"""No number takes more: a sign, 19 digits and a point, or the shortest form of a double."""

_OWN: Final = 1
_SHOWN: Final = 2
_DECIMAL: Final = 3
_ZERO: Final = 48
_MINUS: Final = 45
_POINT: Final = 46
_COMMA: Final = 44
_TOO_LARGE: Final = 9e18
_FRACTION: Final = b".0"
_NULL: Final = np.frombuffer(b"null", np.uint8)


def laid_out(texts: Sequence[bytes]) -> Texts:
    """Lay texts one behind the other."""
    begins = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=begins[1:])
    return np.frombuffer(b"".join(texts), np.uint8), begins


def number_texts(numbers: Floats) -> Texts:
    """Write every number as JSON: the shortest form, no fraction where there is none, NaN as null."""
    flat = np.ascontiguousarray(numbers, dtype=np.float64).ravel() + 0.0  # -0.0 becomes 0.0
    written = np.frombuffer(orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY), np.uint8)
    return _without_fractions(written, len(flat))


@compiled
def _without_fractions(written: Bytes, count: int) -> Texts:
    """Take the numbers out of a JSON list, without fractions of ``.0``."""
    out, begins = np.empty(len(written), np.uint8), np.zeros(count + 1, np.int64)
    at = found = 0
    for i in range(1, len(written)):
        if written[i] != _COMMA and i < len(written) - 1:
            out[at] = written[i]
            at += 1
        elif found < count:
            if at - begins[found] > len(_FRACTION) and out[at - 1] == _ZERO and out[at - 2] == _POINT:
                at -= len(_FRACTION)
            found += 1
            begins[found] = at
    return out[:at], begins


@compiled
def phrase(script: Script, at: int, which: int) -> int:
    """Add a text that never changes."""
    script.step[at] = which << 2
    return at + 1


@compiled
def own(script: Script, at: int, which: int) -> int:
    """Add a text of the batch."""
    script.step[at] = (which << 2) + _OWN
    return at + 1


@compiled
def shown(script: Script, at: int, which: int) -> int:
    """Add a number that is written already."""
    script.step[at] = (which << 2) + _SHOWN
    return at + 1


@compiled
def decimal(script: Script, at: int, scaled: float, digits: int) -> int:
    """Add ``scaled`` / 10**digits, written exactly, without needless zeros; null if it is no number, or too large."""
    script.step[at] = (digits << 2) + _DECIMAL
    script.scaled[at] = scaled
    return at + 1


@compiled
def write(script: Script, steps: int, tables: tuple[Texts, Texts, Texts], out: Bytes, at: int) -> int:
    """Write the first ``steps`` of a script from the texts that never change, those of the batch and the numbers."""
    for i in range(steps):
        which, kind = script.step[i] >> 2, script.step[i] & 3
        if kind == _DECIMAL:
            at = _put_decimal(out, at, script.scaled[i], which)
        elif kind == _OWN:
            at = _put(out, at, tables[1], which)
        elif kind == _SHOWN:
            at = _put(out, at, tables[2], which)
        else:
            at = _put(out, at, tables[0], which)
    return at


@compiled
def _put(out: Bytes, at: int, texts: Texts, which: int) -> int:
    """Copy one of the texts. Unsigned positions keep the loop free of a look for negative ones: ten times faster."""
    blob, begins = texts
    to, start = np.uintp(at), np.uintp(begins[which])
    length = np.uintp(begins[which + 1]) - start
    for i in range(length):
        out[to + i] = blob[start + i]
    return at + int(length)


@compiled
def _put_decimal(out: Bytes, at: int, scaled: float, digits: int) -> int:
    if not abs(scaled) < _TOO_LARGE:
        for i in range(len(_NULL)):
            out[at + i] = _NULL[i]
        return at + len(_NULL)
    whole = int(abs(scaled))
    if scaled < 0:
        out[at] = _MINUS
        at += 1
    while digits > 0 and whole % 10 == 0:
        whole //= 10
        digits -= 1
    return _put_digits(out, at, whole, digits)


@compiled
def _put_digits(out: Bytes, at: int, whole: int, fraction: int) -> int:
    """Write a whole number with a point before its last ``fraction`` digits."""
    length, rest = 1, whole // 10
    while rest > 0:
        rest //= 10
        length += 1
    length = max(length, fraction + 1)
    end = at + length + (1 if fraction > 0 else 0)
    for place in range(length):
        end -= 1
        if fraction > 0 and place == fraction:
            out[end] = _POINT
            end -= 1
        out[end] = _ZERO + whole % 10
        whole //= 10
    return at + length + (1 if fraction > 0 else 0)

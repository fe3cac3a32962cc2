"""The parts of Kafka's record format 2 that rows come in: lengths, and headers as they lie in a record.

aiokafka's builder takes every header of every record apart into length and text; here the headers that all results of
a batch share are written once.
"""

from collections.abc import Sequence
from typing import Final

from schemas.cloudevents import TRACEPARENT

Headers = Sequence[tuple[str, bytes | None]]

_COMMON: Final = 8_192


def _varint(number: int) -> bytes:
    zigzag = number << 1 if number >= 0 else (-number << 1) - 1
    written = bytearray()
    while zigzag > 0x7F:  # noqa: PLR2004 - seven bits a byte
        written.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    written.append(zigzag)
    return bytes(written)


class _Varints(dict[int, bytes]):
    """Numbers as Kafka writes them in records; those up to ``_COMMON`` are at hand."""

    def __missing__(self, number: int) -> bytes:
        return _varint(number)


VARINTS: Final = _Varints((number, _varint(number)) for number in range(_COMMON))
_JOB_ID_LENGTH: Final = VARINTS[36]


def sized(text: bytes | None) -> bytes:
    """Return bytes with their length before them; None has the length -1."""
    return VARINTS[-1] if text is None else VARINTS[len(text)] + text


def frame(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """Return key, value and headers as they lie in a record, after its offset."""
    return b"".join((sized(key), sized(value), VARINTS[len(headers)], *map(_header, headers)))


def _header(header: tuple[str, bytes | None]) -> bytes:
    name, value = header
    return sized(name.encode()) + sized(value)


class Framing:
    """Frames results that differ in job id and value alone; the job id is the key, ``ce_id`` and ``ce_subject``."""

    __slots__ = ("_before", "_before_traced", "_between")

    def __init__(self, common: Headers) -> None:
        written = b"".join(map(_header, common)) + sized(b"ce_id") + _JOB_ID_LENGTH
        self._before, self._before_traced = (VARINTS[len(common) + more] + written for more in (2, 3))
        self._between = sized(b"ce_subject") + _JOB_ID_LENGTH

    def frame(self, job_id: str, value: bytes, trace: bytes | None = None) -> bytes:
        """Frame one result; ``job_id`` is a canonical UUID."""
        key = job_id.encode()
        if trace is None:
            return b"".join((_JOB_ID_LENGTH, key, VARINTS[len(value)], value, self._before, key, self._between, key))
        traced = _header((TRACEPARENT, trace))
        return b"".join(
            (_JOB_ID_LENGTH, key, VARINTS[len(value)], value, self._before_traced, key, self._between, key, traced)
        )

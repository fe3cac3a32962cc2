"""Structure out of any bytes, the same for the same bytes, with and without the fuzzer."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

_T = TypeVar("_T")


class Pieces:
    """Takes bytes apart: each piece begins with its length, and an end of the bytes is an empty piece."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def number(self) -> int:
        """Return the next byte as a number."""
        taken, self._left = self._left[:1], self._left[1:]
        return taken[0] if taken else 0

    def piece(self) -> bytes:
        """Return a piece."""
        length = self.number()
        taken, self._left = self._left[:length], self._left[length:]
        return taken.tobytes()

    def optional(self) -> bytes | None:
        """Return a piece, or none at all."""
        return None if self.number() % 4 == 0 else self.piece()

    def text(self) -> str:
        """Return a piece as text, without what is no UTF-8."""
        return self.piece().decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class FuzzRecord:
    """A record of the results topic."""

    value: bytes | None
    topic: str = "results"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_795_000_000_000
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def finished(work: Coroutine[Any, Any, _T]) -> _T:
    """Return what a coroutine returns that waits for nothing but its turn."""
    try:
        while True:
            work.send(None)
    except StopIteration as ended:
        value: _T = ended.value
        return value

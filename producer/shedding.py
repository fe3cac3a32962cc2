"""Turns single valuation requests away before they cost anything, once as many are in hand as can be answered soon.

Reading and refusing a request the usual way costs nearly half of what accepting it does: at twice the rate that the
gateway can take, refusals would leave it a third of its work. So a request that arrives on a resting connection is told
by its first bytes, and refused with an answer that was written when the process started.
"""

import time
from collections.abc import Callable
from typing import Final

from producer.answers import problem
from producer.errors import Overloaded
from producer.security.browsers import ALWAYS

RUN: Final = "/api/v1/valuation/run"

_RUN: Final = f"POST {RUN} HTTP/1.1\r\n".encode()
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length: "
_WAITS: Final = b"\r\nprefer:"
_CLOSES: Final = b"\r\nconnection: close"
_MOST_DIGITS: Final = 5
_WAIT_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.2
_MANY: Final = 64
"""With always so many in hand a gateway works as fast as it can: what it answers is its rate."""


class Gate:
    """Counts the single requests in hand of one gateway, from arrival to answer, and says when to take no more.

    Up to ``most`` are taken, however suddenly they come. While many are in hand all the time, only as many as were
    lately answered within half a second: so those that are taken wait about that long, on whatever machine.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = self._limit = most
        self._clock = clock
        self.in_hand = 0
        self._since = clock()
        self._answered = self._fewest = 0

    @property
    def full(self) -> bool:
        """Whether no more should be taken in hand."""
        return self.in_hand >= self._limit

    def enter(self) -> None:
        """Take a request in hand."""
        self.in_hand += 1

    def leave(self) -> None:
        """Let go of a request."""
        self.in_hand -= 1
        self._answered += 1
        self._fewest = min(self._fewest, self.in_hand)
        now = self._clock()
        if now - self._since >= _LOOK_SECONDS:
            self._limit = self._most if self._fewest < _MANY else self._bearable(self._answered / (now - self._since))
            self._since, self._answered, self._fewest = now, 0, self.in_hand

    def _bearable(self, per_second: float) -> int:
        return min(self._most, max(2 * _MANY, int(per_second * _WAIT_SECONDS)))


def lacking(data: bytes) -> int | None:
    """Return how many bytes a request for a valuation, of which ``data`` is the beginning, still lacks.

    None where ``data`` is no such request, more than one, or one whose caller waits for its result: that is neither
    counted nor turned away here, since it is in hand for longer than it costs.
    """
    if not data.startswith(_RUN):
        return None
    end = data.find(_HEAD_END)
    head = data[:end].lower()
    at = head.find(_LENGTH)
    if end < 0 or at < 0 or _WAITS in head or _CLOSES in head:
        return None
    length = head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]
    if not length.isdigit() or len(length) > _MOST_DIGITS:
        return None
    missing = end + len(_HEAD_END) + int(length) - len(data)
    return missing if missing >= 0 else None


def _overloaded() -> bytes:
    answer = problem(Overloaded("More requests are in hand than can be answered soon.", headers={"Retry-After": "1"}))
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = {**answer.headers, "Content-Length": str(len(body)), **ALWAYS}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 503 Service Unavailable\r\n{lines}\r\n".encode() + body


OVERLOADED: Final = _overloaded()
"""The answer, connection left open, to a request that is turned away."""

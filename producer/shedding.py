"""Turns single valuation requests away before they cost anything, once as many are in hand as can be answered soon.

Reading and refusing a request the usual way costs nearly half of what accepting it does: at twice the rate that the
gateway can take, refusals would leave it a third of its work. So a request that arrives on a resting connection is told
by its first bytes, and refused with an answer that was written when the process started.
"""

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


class Gate:
    """Counts the single requests in hand of one gateway, from their arrival to their answer."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.in_hand = 0

    @property
    def full(self) -> bool:
        """Whether no more should be taken in hand."""
        return self.in_hand >= self._most


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

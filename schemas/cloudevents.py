"""CloudEvents 1.0 headers, Kafka protocol binding, binary mode: what a record is, without opening it."""

from collections.abc import Iterable
from typing import Final

Header = tuple[str, bytes]

TRACEPARENT: Final = "traceparent"
"""W3C trace context; carried from a request to its result."""

_SPEC_VERSION: Final[Header] = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final[Header] = ("content-type", b"application/json")


class HeaderStamp:
    """Makes the headers of many events of one type from one source; the parts that never change are made once."""

    __slots__ = ("_constant",)

    def __init__(self, *, source: str, event_type: str) -> None:
        self._constant: tuple[Header, ...] = (
            _SPEC_VERSION,
            ("ce_source", source.encode()),
            ("ce_type", event_type.encode()),
            _CONTENT_TYPE,
        )

    def at(self, time: str) -> tuple[Header, ...]:
        """Return what all events of this type at one time have in common; each adds its id and its subject."""
        return (*self._constant, ("ce_time", time.encode()))

    def headers(
        self, *, event_id: bytes, time: bytes, subject: bytes, traceparent: bytes | None = None
    ) -> list[Header]:
        """Return one event's headers; ``time`` is RFC 3339, ``subject`` the job id."""
        made = [*self._constant, ("ce_id", event_id), ("ce_time", time), ("ce_subject", subject)]
        if traceparent is not None:
            made.append((TRACEPARENT, traceparent))
        return made


def header(headers: Iterable[tuple[str, bytes | None]], name: str) -> bytes | None:
    """Return the last value of a header, None where it is absent."""
    found = None
    for key, value in headers:
        if key == name:
            found = value
    return found

"""Event ids of the live feed: the positions of all partitions of the results topic, so that any gateway can resume.

The id is opaque text: the positions as variable-length numbers, sealed with a checksum over cluster and topic.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Final
from zlib import crc32

from producer.view.errors import BadEventId

_SEAL: Final = 4
_MORE: Final = 0x80


class EventIds:
    """Writes and reads the ids of one topic of one cluster."""

    __slots__ = ("_salt",)

    def __init__(self, cluster_id: str, topic: str) -> None:
        self._salt = crc32(f"{cluster_id}/{topic}".encode())

    def write(self, positions: Sequence[int]) -> str:
        """Return the id of the place before ``positions``, one for each partition."""
        raw = bytearray()
        for position in positions:
            rest = position
            while rest >= _MORE:
                raw.append(rest & 0x7F | _MORE)
                rest >>= 7
            raw.append(rest)
        raw += self._seal(raw)
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def read(self, event_id: str) -> list[int]:
        """Return the positions of an id.

        Raises:
            BadEventId: no view of this topic and cluster ever gave out that id.
        """
        try:
            raw = urlsafe_b64decode(event_id.encode("ascii") + b"=" * (-len(event_id) % 4))
        except (NotBase64, ValueError):
            raise BadEventId("the event id is none that this feed gave out") from None
        body, seal = raw[:-_SEAL], raw[-_SEAL:]
        if not body or seal != self._seal(body) or body[-1] >= _MORE:
            raise BadEventId("the event id is none that this feed gave out")
        positions = []
        value = shift = 0
        for byte in body:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < _MORE:
                positions.append(value)
                value = shift = 0
        return positions

    def _seal(self, body: bytes | bytearray) -> bytes:
        return crc32(body, self._salt).to_bytes(_SEAL, "big")

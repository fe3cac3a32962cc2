"""Paging cursors: where a page ended, sealed together with the listing it belongs to."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from producer.store.errors import BadCursor

_PLACE: Final = struct.Struct(">qq")
_SEAL: Final = 8


@dataclass(frozen=True, slots=True, order=True)
class End:
    """The last item of a page: when it was created, and its number among those of the same instant."""

    created_ms: int
    number: int


class Cursors:
    """Writes and reads the cursors of one listing of one store; a cursor of any other is refused."""

    __slots__ = ("_key", "_listing")

    def __init__(self, generation: str, listing: Hashable) -> None:
        self._key = generation.encode()[:64]
        self._listing = repr(listing).encode()

    def write(self, end: End) -> str:
        """Return the cursor of the page after ``end``."""
        place = _PLACE.pack(end.created_ms, end.number)
        return urlsafe_b64encode(place + self._seal(place)).decode()

    def read(self, cursor: str) -> End:
        """Return where the page before ended.

        Raises:
            BadCursor: this listing of this store never wrote that cursor.
        """
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii"))
        except (NotBase64, ValueError):
            raise BadCursor("the cursor is none that this listing gave out") from None
        place, seal = raw[: _PLACE.size], raw[_PLACE.size :]
        if len(place) != _PLACE.size or seal != self._seal(place):
            raise BadCursor("the cursor is none that this listing gave out")
        return End(*_PLACE.unpack(place))

    def _seal(self, place: bytes) -> bytes:
        return blake2b(place + self._listing, digest_size=_SEAL, key=self._key).digest()

"""Which partition a key belongs to, as Java's default partitioner has it (murmur2), quick enough for one per request.

Every writer that follows the convention puts one job id into one partition; the worker's duplicate detection rests
on that.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final

import numpy as np

_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_SEED: Final = 0x9747B28C
_WORDS: Final = tuple(Struct(f"<{words}I") for words in range(64))
_FEW: Final = 32
"""Keys up to which an array costs more than it saves."""


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of ``data`` with Kafka's seed."""
    length = len(data)
    words, tail = divmod(length, 4)
    h = _SEED ^ length
    layout = _WORDS[words] if words < len(_WORDS) else Struct(f"<{words}I")
    for word in layout.unpack_from(data):
        k = (word * _M) & _MASK
        k = ((k ^ (k >> 24)) * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if tail:
        h = ((h ^ int.from_bytes(data[-tail:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of ``key`` among ``partitions``."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def partitions_for(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Return the partition of each key; many keys of one length, as job ids are, are hashed as one array."""
    length = len(keys[0]) if keys else 0
    if len(keys) <= _FEW or length % 4 or any(len(key) != length for key in keys):
        return [partition_for(key, partitions) for key in keys]
    m, r = np.uint32(_M), np.uint32(24)
    h = np.full(len(keys), _SEED ^ length, np.uint32)
    for word in np.frombuffer(b"".join(keys), "<u4").reshape(len(keys), -1).T:
        k = word * m
        h = (h * m) ^ ((k ^ (k >> r)) * m)
    h = (h ^ (h >> np.uint32(13))) * m
    h ^= h >> np.uint32(15)
    chosen: list[int] = ((h & np.uint32(0x7FFFFFFF)) % np.uint32(partitions)).tolist()
    return chosen

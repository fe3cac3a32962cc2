"""Which partition a key belongs to, as Java's default partitioner has it (murmur2), quick enough for one per request.

Every writer that follows the convention puts one job id into one partition; the worker's duplicate detection rests
on that.
"""

from struct import Struct
from typing import Final

_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_SEED: Final = 0x9747B28C
_WORDS: Final = tuple(Struct(f"<{words}I") for words in range(64))


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

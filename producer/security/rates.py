"""How many requests each API key may make: a token bucket a key, and the fields that tell its holder.

The fields ``RateLimit`` and ``RateLimit-Policy`` are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key has left after a request. ``retry_after`` is 0 where the request was within the limit."""

    quota: int
    left: int
    full_after: int
    retry_after: int

    def fields(self) -> dict[str, str]:
        """Return the header fields that tell a client."""
        return {
            "RateLimit-Policy": f'"key";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"key";r={self.left};t={self.retry_after or self.full_after}',
        }


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Counts the requests of each key against its quota a minute, which may be used up at once and then refills."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key_id: str, quota: int) -> Allowance:
        """Count one request and return what is left; one beyond the limit is not counted."""
        now, pace = self._monotonic(), quota / WINDOW_SECONDS
        bucket = self._buckets.get(key_id)
        if bucket is None:
            bucket = self._buckets[key_id] = _Bucket(float(quota), now)
        bucket.tokens = min(float(quota), bucket.tokens + (now - bucket.at) * pace)
        bucket.at = now
        if bucket.tokens < 1:
            return Allowance(quota, 0, 0, max(1, math.ceil((1 - bucket.tokens) / pace)))
        bucket.tokens -= 1
        return Allowance(quota, int(bucket.tokens), math.ceil((quota - bucket.tokens) / pace), 0)

"""Job ids: made in order of time, read in any RFC 4122 spelling, derived where a retry must find the same job."""

import os
import random
import re
from typing import Final
from uuid import UUID, uuid5

_48: Final = (1 << 48) - 1
_HEX: Final = "[0-9a-fA-F]"
_SPELLINGS: Final = re.compile(
    rf"(?:urn:uuid:)?({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})", re.ASCII
)
_noise: Final = random.Random(os.urandom(32))  # noqa: S311 - an id names a job, it does not protect it
_IDEMPOTENCY: Final = UUID("2b1f7a52-94f1-5d0c-8f43-6f1b0f9f6f2e")
"""Namespace of the jobs that idempotency keys name."""


def new_job_id(now_ms: int) -> str:
    """Return a fresh UUIDv7 (RFC 9562): ids made later sort later, which keeps a store's index compact."""
    bits = (now_ms & _48) << 80 | 7 << 76 | _noise.getrandbits(12) << 64 | 2 << 62 | _noise.getrandbits(62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def canonical(text: str) -> str:
    """Return the lower-case hyphenated form of a UUID in an RFC 4122 spelling (any case, ``urn:uuid:`` allowed).

    Raises:
        ValueError: the text is no UUID.
    """
    found = _SPELLINGS.fullmatch(text)
    if found is None:
        raise ValueError("not a UUID")
    return found[1].lower()


def idempotency_job_id(owner: str, key: str) -> UUID:
    """Return the job id that an owner's idempotency key stands for."""
    return uuid5(_IDEMPOTENCY, f"{len(owner)}:{owner}:{key}")

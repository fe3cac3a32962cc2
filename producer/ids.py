"""Job ids: made in order of time, read in any RFC 4122 spelling, derived where a retry must find the same job."""

import os
import re
from typing import Final
from uuid import UUID, uuid5

_HEX: Final = "[0-9a-fA-F]"
_SPELLINGS: Final = re.compile(
    rf"(?:urn:uuid:)?({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})", re.ASCII
)
_VARIANTS: Final = "89ab"
_IDEMPOTENCY: Final = UUID("2b1f7a52-94f1-5d0c-8f43-6f1b0f9f6f2e")
"""Namespace of the jobs that idempotency keys name."""


def new_job_id(now_ms: int) -> str:
    """Return a fresh UUIDv7 (RFC 9562): ids made later sort later, which keeps a store's index compact."""
    time = f"{now_ms:012x}"
    noise = os.urandom(10).hex()
    return f"{time[:8]}-{time[8:12]}-7{noise[:3]}-{_VARIANTS[int(noise[3], 16) & 3]}{noise[4:7]}-{noise[7:19]}"


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

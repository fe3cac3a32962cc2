"""What a request record's headers say beside CloudEvents: the idempotency key it came with, the batch it belongs to.

The gateway writes them and its view reads them back, so that both survive the loss of the job store.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import orjson

from schemas.cloudevents import Header, header

IDEMPOTENCY_KEY: Final = "idempotency-key"
IDEMPOTENCY_FINGERPRINT: Final = "idempotency-fingerprint"
BATCH: Final = "batch"


@dataclass(frozen=True, slots=True)
class BatchNote:
    """The batch a request belongs to, as its publisher knew it when publishing began."""

    batch_id: str
    kind: Literal["batch", "reappraisal"]
    county_id: str | None
    total: int
    created_ms: int


def idempotency_headers(key_id: UUID, fingerprint: bytes) -> list[Header]:
    """Return the headers that tie a request to an idempotency key."""
    return [(IDEMPOTENCY_KEY, str(key_id).encode()), (IDEMPOTENCY_FINGERPRINT, fingerprint.hex().encode())]


def read_idempotency(headers: Iterable[Header]) -> tuple[UUID, bytes] | None:
    """Return the key id and fingerprint, None where the headers hold none that can be read."""
    kept = tuple(headers)
    key, fingerprint = header(kept, IDEMPOTENCY_KEY), header(kept, IDEMPOTENCY_FINGERPRINT)
    if key is None or fingerprint is None:
        return None
    try:
        return UUID(key.decode("ascii")), bytes.fromhex(fingerprint.decode("ascii"))
    except ValueError:
        return None


def batch_header(note: BatchNote) -> Header:
    """Return the header that describes a batch; the same bytes for every record of it."""
    return BATCH, orjson.dumps(note)


def read_batch(value: bytes) -> BatchNote | None:
    """Return the batch that a ``batch`` header describes, None where it describes none."""
    try:
        said = orjson.loads(value)
        note = BatchNote(said["batch_id"], said["kind"], said["county_id"], said["total"], said["created_ms"])
    except (ValueError, KeyError, TypeError):
        return None
    sound = (
        isinstance(note.batch_id, str)
        and note.kind in {"batch", "reappraisal"}
        and isinstance(note.county_id, str | None)
        and isinstance(note.total, int)
        and isinstance(note.created_ms, int)
    )
    return note if sound else None

"""What bounds the view: how long rows may wait to be written, how many may wait, how much is kept."""

from dataclasses import dataclass, field

from producer.store.base import Retention


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Bounds of the view; the defaults suit one gateway on one core."""

    write_interval_s: float = 0.2
    """How long rows gather before they are written; a job that ends within it is written once."""
    rows_at_once: int = 2000
    """Rows that are written without waiting for the interval."""
    rows_held: int = 20_000
    """Rows in memory beyond which reading waits for the store."""
    bytes_held: int = 64 << 20
    """Bytes in memory beyond which reading waits for the store."""
    listing_waits_s: float = 0.03
    """How long a listing waits for rows in memory to be written, so that it holds what was just read."""
    prune_interval_s: float = 60.0
    retention: Retention = field(default_factory=Retention)

"""Snapshots of the roll: the compacted topics' state as of their offsets, so that a start reads only what is newer.

A snapshot is taken while updates go on. It notes the offsets first and the state after them, and applying a record
again changes nothing, so reading on from those offsets gives the same roll. What reading on cannot give is a deletion
that Kafka has compacted away meanwhile: a snapshot older than Kafka keeps deletions for is therefore not used.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from aiokafka import TopicPartition

from processor.roll.errors import SnapshotRefused
from processor.roll.fields import STANDARD
from processor.roll.roll import PropertyRoll
from processor.roll.sections import Sections, verified, writing
from processor.roll.serving import ServingModels

FORMAT: Final = 1
"""To be raised whenever the same records would make another roll."""
_HOUR_MS: Final = 3_600_000
_RENEWED: Final = 4
"""A snapshot is renewed after this part of its life though nothing has changed."""
_ABANDONED_SECONDS: Final = 3_600

Offsets = Mapping[TopicPartition, int]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotRules:
    """Where snapshots lie, how often they are taken, and how old one may be."""

    directory: Path
    seconds: float
    max_hours: float
    least_parcels: int


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the topics were read: the next offsets, and per partition a time no earlier than what lies before."""

    next: Offsets
    latest_ms: Offsets


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class RollSnapshots:
    """The snapshot of one installation's roll; workers that share a directory share it."""

    def __init__(self, rules: SnapshotRules, *, wall_ms: Callable[[], int] = _wall_ms) -> None:
        self._rules = rules
        self._wall_ms = wall_ms
        self._last: Offsets = {}

    def path(self, identity: str) -> Path:
        """Return where the snapshot of a cluster's topics lies."""
        return self._rules.directory / f"roll-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.snapshot"

    def load(self, identity: str, roll: PropertyRoll, models: ServingModels) -> Reached | None:
        """Fill an empty roll from the snapshot; None where there is none that may be used, and the log says why.

        Raises:
            SnapshotRefused: it turned out unusable only after parts of it had been taken over; it is removed.
        """
        path, started = self.path(identity), time.monotonic()
        try:
            sections = verified(path)
            reached = self._usable(sections, identity)
        except FileNotFoundError:
            return None
        except (SnapshotRefused, OSError, ValueError) as refused:
            _log.warning("the snapshot of the roll is not used; the topics are read instead", reason=str(refused))
            return None
        try:
            roll.restore(sections)
            models.restore(sections)
        except (SnapshotRefused, OSError, ValueError, KeyError, TypeError) as refused:
            path.unlink(missing_ok=True)
            raise SnapshotRefused(f"it cannot be read: {refused!r}") from refused
        self._last = reached.next
        size, seconds = sum(roll.sizes().values()), round(time.monotonic() - started, 2)
        _log.info("the roll begins with a snapshot", properties=size, seconds=seconds)
        return reached

    def due(self, identity: str, roll: PropertyRoll, positions: Offsets) -> bool:
        """Tell whether a new snapshot is worth being taken now."""
        if sum(roll.sizes().values()) < self._rules.least_parcels:
            return False
        try:
            age_ms = self._wall_ms() - self.path(identity).stat().st_mtime * 1_000
        except OSError:
            return True
        if age_ms < self._rules.seconds * 1_000:
            return False
        return dict(positions) != dict(self._last) or age_ms > self._rules.max_hours * _HOUR_MS / _RENEWED

    def take(self, identity: str, reached: Reached, roll: PropertyRoll, models: ServingModels) -> None:
        """Write a snapshot; ``reached`` must have been noted before. Blocks, two seconds for a million parcels.

        Raises:
            OSError: it could not be written; the one before stays.
        """
        path, started, taken_ms = self.path(identity), time.monotonic(), self._wall_ms()
        _remove_abandoned(path.parent)
        with writing(path) as writer:
            writer.document("snapshot", _document(identity, taken_ms, reached))
            roll.save(writer)
            models.save(writer)
        self._last = reached.next
        size, seconds = path.stat().st_size, round(time.monotonic() - started, 2)
        _log.info("a snapshot of the roll was taken", megabytes=size >> 20, seconds=seconds)

    def _usable(self, sections: Sections, identity: str) -> Reached:
        document = sections.document("snapshot")
        if document["made_by"] != _maker():
            raise SnapshotRefused("another version of the software made it")
        if document["identity"] != identity:
            raise SnapshotRefused("it is of other topics")
        hours = (self._wall_ms() - document["taken_ms"]) / _HOUR_MS
        if hours > self._rules.max_hours:
            raise SnapshotRefused(f"it is {hours:.1f} hours old; deletions since may have been compacted away")
        return Reached(_offsets(document["next"]), _offsets(document["latest_ms"]))


def _document(identity: str, taken_ms: int, reached: Reached) -> Mapping[str, Any]:
    return {
        "made_by": _maker(),
        "identity": identity,
        "taken_ms": taken_ms,
        "next": [[*partition, offset] for partition, offset in reached.next.items()],
        "latest_ms": [[*partition, latest] for partition, latest in reached.latest_ms.items()],
    }


def _offsets(listed: list[Any]) -> Offsets:
    return {TopicPartition(topic, partition): offset for topic, partition, offset in listed}


def _maker() -> str:
    """Name what decides how records become a roll."""
    return hashlib.sha256(f"{FORMAT} {sorted(STANDARD.items())}".encode()).hexdigest()


def _remove_abandoned(directory: Path) -> None:
    """Remove what a process that was killed while writing has left."""
    for path in directory.glob(".new-*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
        except OSError:
            continue

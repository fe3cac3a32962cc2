"""Snapshots as the follower uses them: one taken up before the first read, new ones taken beside the reading."""

import asyncio
from asyncio import Task

import structlog

from processor.roll.positions import Positions
from processor.roll.roll import PropertyRoll
from processor.roll.serving import ServingModels
from processor.roll.snapshots import Reached, RollSnapshots
from processor.roll.source import Source

_log = structlog.get_logger(__name__)


class SnapshotKeeper:
    """Gives a follower its first positions, and keeps what it has read; does nothing without snapshots."""

    def __init__(self, roll: PropertyRoll, models: ServingModels, snapshots: RollSnapshots | None) -> None:
        self._roll = roll
        self._models = models
        self._snapshots = snapshots
        self._identity: str | None = None
        self._saving: Task[None] | None = None

    async def resume(self, source: Source, positions: Positions) -> None:
        """Fill the roll from the snapshot, at the first connection only.

        Raises:
            SnapshotRefused: it was unusable after all; what the roll holds must be read again.
        """
        if self._snapshots is None or self._identity is not None:
            return
        self._identity = await source.identity()
        found = await asyncio.to_thread(self._snapshots.load, self._identity, self._roll, self._models)
        if found is not None:
            positions.advance(found.next, found.latest_ms)

    async def offer(self, positions: Positions) -> None:
        """Begin to take a snapshot if one is due; everything before the positions is applied."""
        snapshots, identity = self._snapshots, self._identity
        if snapshots is None or identity is None or (self._saving is not None and not self._saving.done()):
            return
        if snapshots.due(identity, self._roll, positions.next):
            reached = Reached(dict(positions.next), dict(positions.latest_ms))
            self._saving = asyncio.create_task(self._save(snapshots, identity, reached), name="roll-snapshot")

    async def settle(self) -> None:
        """Return when no snapshot is being taken."""
        if self._saving is not None:
            await asyncio.wait([self._saving])

    async def _save(self, snapshots: RollSnapshots, identity: str, reached: Reached) -> None:
        try:
            await asyncio.to_thread(snapshots.take, identity, reached, self._roll, self._models)
        except OSError as wrong:
            _log.warning("no snapshot of the roll could be taken", reason=str(wrong))

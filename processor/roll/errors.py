"""Errors of the roll.

::

    RollError
    ├── BadRecord           a record of a compacted topic that cannot be read; it changes nothing and is counted
    ├── TopicsMissing       the topics do not exist (yet)
    ├── SnapshotRefused     a snapshot of the roll is damaged, too old or another's; the topics are read instead
    └── PositionsLost       the topics are no longer the ones that were read; they are read again from the start
"""


class RollError(Exception):
    """Base of everything this package raises on purpose."""


class BadRecord(RollError):  # noqa: N818 - it is the record that is bad
    """A record of a compacted topic cannot be read; ``reason`` is a short constant to count by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TopicsMissing(RollError):  # noqa: N818 - reads as what is the case
    """One of the followed topics does not exist."""


class SnapshotRefused(RollError):  # noqa: N818 - reads as what happened
    """A snapshot of the roll is not used; the message says why."""


class PositionsLost(RollError):  # noqa: N818 - reads as what is the case
    """What was read so far belongs to topics that are gone (deleted, created again, another cluster)."""

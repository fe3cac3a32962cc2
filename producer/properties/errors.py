"""Errors of the gateway's copy of the roll.

::

    RollCopyError
    ├── TopicsMissing     a topic of the roll does not exist yet
    └── TopicsReplaced    the topics are not those that the copy was filled from
"""


class RollCopyError(Exception):
    """Base of everything the copy raises on purpose."""


class TopicsMissing(RollCopyError):  # noqa: N818 - states the condition
    """A topic of the roll does not exist yet."""


class TopicsReplaced(RollCopyError):  # noqa: N818 - states what happened
    """The topics were deleted and made anew, or are another cluster's."""

"""Errors of the processing core.

::

    ProcessorError
    ├── EngineAnswer      an engine answered with another number of values than it was asked for
    ├── AgentGone         nobody answers batches any more: the agent died, returned, or is stuck
    ├── LanesStopped      the lanes are shutting down and take no more work
    └── LaneError         why a lane cannot go on as it is
        ├── Fenced        the partition belongs to another worker now; the lane ends quietly
        ├── Halted        too many dead letters; the lane stops and waits for people
        ├── RecordRefused the broker takes no record of that size; the batch is made again with smaller ones
        └── TryAgain      Kafka failed in a way that passes; the lane starts again from the last committed offset
"""


class ProcessorError(Exception):
    """Base of everything the processor raises on purpose."""


class EngineAnswer(ProcessorError):  # noqa: N818 - names what is wrong
    """An engine broke its promise: one answer for each subject."""


class AgentGone(ProcessorError):  # noqa: N818 - names the state
    """A batch stays unanswered; only a new process can help."""


class LanesStopped(ProcessorError):  # noqa: N818 - names the state
    """The worker is shutting down."""


class LaneError(ProcessorError):
    """Base of the reasons for which a lane leaves its loop."""


class Fenced(LaneError):  # noqa: N818 - names the state
    """Another producer holds the lane's transactional id."""


class Halted(LaneError):  # noqa: N818 - names the state
    """More dead letters than the limits allow; the message says which limit."""


class RecordRefused(LaneError):  # noqa: N818 - names the event
    """A record or record batch is larger than the broker accepts."""


class TryAgain(LaneError):  # noqa: N818 - names the reaction
    """A retriable failure; its cause is the ``__cause__``."""

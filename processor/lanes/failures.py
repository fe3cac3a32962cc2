"""What an error of the Kafka client means for a lane: it passes, the partition has moved, or it is a fault of ours."""

from typing import Final

from aiokafka import errors as kafka

from processor.errors import Fenced, LaneError, RecordRefused, TryAgain

_FENCED: Final = (kafka.ProducerFenced, kafka.InvalidProducerEpoch)
_PASSING: Final = (
    OSError,
    TimeoutError,
    kafka.KafkaConnectionError,
    kafka.NodeNotReadyError,
    kafka.ConsumerStoppedError,
    kafka.ProducerClosed,
    # The broker has forgotten the producer or lost part of its history: InitProducerId gives it a fresh start.
    kafka.OutOfOrderSequenceNumber,
    kafka.UnknownProducerId,
    kafka.InvalidProducerIdMapping,
    kafka.InvalidTxnState,
)


def translated(error: BaseException) -> LaneError | None:
    """Return what an error means for the lane; None for one that nobody foresaw.

    aiokafka wraps what its sender meets in a plain ``KafkaError``, so that the causes count as well.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LaneError):
            return cause
        meaning = _meaning(cause)
        if meaning is not None:
            meaning.__cause__ = cause
            return meaning
        cause = cause.__cause__
    return None


def _meaning(error: BaseException) -> LaneError | None:
    if isinstance(error, _FENCED):
        return Fenced(str(error))
    if isinstance(error, kafka.MessageSizeTooLargeError | kafka.RecordTooLargeError):
        return RecordRefused(str(error))
    if isinstance(error, _PASSING) or (isinstance(error, kafka.KafkaError) and error.retriable):
        return TryAgain(f"{type(error).__name__}: {error}")
    return None

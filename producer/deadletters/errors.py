# ruff: noqa: N818 - named as what went wrong, as in the tree below
"""Errors of working with dead letters.

::

    DeadLetterError
    ├── LettersUnavailable   Kafka cannot be reached, or a topic is missing
    ├── NoSuchLetter         the topic holds no letter at a position
    ├── BadFix               what is to be changed is no JSON merge patch, or would make one job of several letters
    └── ReplayTakenOver      somebody else has begun to replay meanwhile; what had been replayed stays replayed
"""


class DeadLetterError(Exception):
    """Base of everything this package raises on purpose."""


class LettersUnavailable(DeadLetterError):
    """Kafka cannot be reached, does not answer, or lacks a topic."""


class NoSuchLetter(DeadLetterError):
    """The topic holds no letter at a position; retention or a purge may have removed it."""


class BadFix(DeadLetterError):
    """What is to be changed is no JSON merge patch, or would make one job of several letters."""


class ReplayTakenOver(DeadLetterError):
    """Somebody else has begun to replay meanwhile; what had been replayed stays replayed."""

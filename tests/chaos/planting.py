"""How an anomaly is planted into a clean run, and the list of all that have been."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from tests.chaos.anomalies import Kind
from tests.chaos.clean_run import History
from tests.chaos.history import Operation

T = TypeVar("T")
Spoil = Callable[[History], None]

PLANTS: Final[list[tuple[Kind, Spoil]]] = []


def one(history: History, kind: type[T], **fields: object) -> T:
    """Return the first operation of a kind that has these fields."""
    return next(
        each
        for each in history
        if isinstance(each, kind) and all(getattr(each, name) == value for name, value in fields.items())
    )


def change(history: History, old: Operation, **changes: object) -> None:
    """Put an operation with other fields in an operation's place."""
    history[history.index(old)] = replace(old, **changes)  # type: ignore[arg-type] # any field of any operation


def plants(kind: Kind) -> Callable[[Spoil], Spoil]:
    """Enter a change as one that leaves an anomaly of this kind."""

    def register(spoil: Spoil) -> Spoil:
        PLANTS.append((kind, spoil))
        return spoil

    return register

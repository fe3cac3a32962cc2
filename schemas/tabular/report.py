"""What reading a file brought to light: rows refused, values set aside, and remarks on the file as a whole."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

_KEPT: Final = 1_000
_SHOWN: Final = 200

Effect = Literal["row rejected", "value unknown", "sale ineligible"]
_GRAVITY: Final[dict[Effect, int]] = {"row rejected": 0, "sale ineligible": 1, "value unknown": 2}


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell, or one row, that could not be taken as it is.

    ``line`` is the physical line of the file where the row begins, 1 being the header; of a Parquet file the number of
    the row.
    """

    line: int
    column: str
    value: str
    reason: str
    effect: Effect


@dataclass(slots=True)
class Report:
    """Grows while a file is read. Every problem goes to ``sink``; the first thousand of each effect are kept."""

    sink: Callable[[Problem], None] | None = None
    rows: int = 0
    """Rows read, blank lines aside."""
    rejected: int = 0
    """Rows refused; each has at least one problem."""
    superseded: int = 0
    """Rows that gave way to a later row about the same property."""
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[tuple[str, Effect]] = field(default_factory=Counter)
    """Problems by column and effect."""
    notes: list[str] = field(default_factory=list)
    _kept: Counter[Effect] = field(default_factory=Counter)

    @property
    def accepted(self) -> int:
        """Rows that came through."""
        return self.rows - self.rejected - self.superseded

    def add(self, problems: Iterable[Problem]) -> None:
        """Take problems in."""
        for problem in problems:
            self.counts[problem.column, problem.effect] += 1
            kept = self._kept[problem.effect] = self._kept[problem.effect] + 1
            if kept <= _KEPT:
                self.problems.append(problem)
            if self.sink is not None:
                self.sink(problem)

    def gravest(self, count: int) -> list[Problem]:
        """Return the first problems, those that cost a row before those that cost a value."""
        return sorted(self.problems, key=lambda each: (_GRAVITY[each.effect], each.line))[:count]

    def note(self, text: str) -> None:
        """Remark on the file as a whole, once."""
        if text not in self.notes:
            self.notes.append(text)


def shown(value: object) -> str:
    """Return a cell as a report shows it: its text, cut short where it is long."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

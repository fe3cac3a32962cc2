"""What is mutated, and the quick tests that are to notice: a mutant must cost a second or two, not a suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Module:
    """One part of the system whose tests are tested."""

    name: str
    package: str
    """The folder that is copied and mutated in."""
    files: Sequence[str]
    """Patterns of the files to mutate."""
    tests: Sequence[str]


_UNIT: Final = "tests/unit/processor"

MODULES: Final = (
    Module(
        "handler",
        "processor",
        ("processor/handler/*.py",),
        (
            f"{_UNIT}/test_handler.py",
            f"{_UNIT}/test_handler_edges.py",
            f"{_UNIT}/test_dead_letters.py",
            f"{_UNIT}/test_dead_letter_cutting.py",
        ),
    ),
    Module(
        "lanes",
        "processor",
        tuple(
            f"processor/lanes/{name}.py"
            for name in (
                *("budget", "cancellation", "chunk", "failures", "feed", "foreign", "history", "lane", "limits"),
                *("mover", "recordbatch", "turns"),
            )
        ),
        tuple(
            f"{_UNIT}/test_{name}.py"
            for name in (
                *("lane", "lane_trouble", "lane_holders", "lane_parts", "lane_ends"),
                *("history", "budget", "chunk", "feed_boundaries", "turns", "recordbatch"),
                "dead_letter_limits",
            )
        ),
    ),
    Module("dedupe", "processor", ("processor/dedupe.py",), (f"{_UNIT}/test_dedupe.py",)),
    Module(
        "checker",
        "tests",
        ("tests/chaos/checker.py",),
        ("tests/chaos/test_checker.py", "tests/chaos/test_findings.py"),
    ),
    Module(
        "ratio statistics",
        "processor",
        tuple(f"processor/ratio_study/{name}.py" for name in ("statistics", "study", "strata", "standard", "vertical")),
        ("tests/unit/ratio_study/test_statistics.py", "tests/unit/ratio_study/test_figures_by_hand.py"),
    ),
)

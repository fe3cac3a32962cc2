"""Writes docs/mutation.md's tables: the score of every module, and each survivor with the reason why it may live.

A survivor without a reason is a test that is missing: it stands in the table as such.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.mutation.modules import MODULES
from tests.mutation.running import ROOT, Mutant, noticed

RESULTS: Final = ROOT / ".local" / "reports" / "mutation.json"
PAGE: Final = ROOT / "docs" / "mutation.md"
_REASONS: Final = Path(__file__).parent / "survivors.toml"
_MARKS: Final = ("<!-- written by make mutation -->", "<!-- until here -->")
_NONE: Final = "**no reason yet: a test is missing**"

Results = Mapping[str, Sequence[Mutant]]


def keep(results: Results) -> None:
    """Put results beside those of modules that were not run this time."""
    kept = {**load(), **results}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({name: [asdict(each) for each in mutants] for name, mutants in kept.items()}))


def load() -> Results:
    """Return the results of the last runs."""
    if not RESULTS.exists():
        return {}
    kept = json.loads(RESULTS.read_text())
    return {name: [Mutant(**each) for each in mutants] for name, mutants in kept.items()}


def score(mutants: Sequence[Mutant]) -> float:
    """Return how many of the mutants were noticed, in per cent."""
    return 100 * sum(map(noticed, mutants)) / len(mutants)


def write(results: Results) -> None:
    """Put the tables into the page, between its marks."""
    text = PAGE.read_text()
    before, rest = text.split(_MARKS[0])
    after = rest.split(_MARKS[1])[1]
    tables = "\n".join([*_scores(results), "", *_survivors(results)])
    PAGE.write_text(f"{before}{_MARKS[0]}\n\n{tables}\n\n{_MARKS[1]}{after}")


def _scores(results: Results) -> Iterator[str]:
    yield "| module | mutants | killed | ran into the time limit | survived | score |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for module in MODULES:
        mutants = results.get(module.name, ())
        if mutants:
            count = Counter(mutant.status for mutant in mutants)
            missed = sum(not noticed(mutant) for mutant in mutants)
            figures = (len(mutants), len(mutants) - missed - count["timeout"], count["timeout"], missed)
            yield f"| {module.name} | {' | '.join(map(str, figures))} | {score(mutants):.1f} % |"


def _survivors(results: Results) -> Iterator[str]:
    reasons = [(re.compile(each["change"]), each["reason"]) for each in tomllib.loads(_REASONS.read_text())["survivor"]]
    for module in MODULES:
        rows = sorted({_row(mutant, reasons) for mutant in results.get(module.name, ()) if not noticed(mutant)})
        if rows:
            yield from (f"### {module.name}", "", "| where | change | why it lives |", "| --- | --- | --- |", *rows, "")


def _row(mutant: Mutant, reasons: Iterable[tuple[re.Pattern[str], str]]) -> str:
    place = ".".join(mutant.place.split(".")[-2:])
    reason = next((text for pattern, text in reasons if pattern.search(f"{place}\n{mutant.change}")), _NONE)
    taken, _, put = mutant.change.partition("\n+ ")
    change = f"`{_cell(taken.removeprefix('- '))}` becomes `{_cell(put)}`"
    return f"| `{place}` | {change} | {reason} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'")

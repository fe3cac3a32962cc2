"""Every input of the corpus, finds of earlier fuzzing among them, keeps the promises of its target."""

from pathlib import Path

import pytest

from tests.fuzz.seeds import CORPUS, SEEDS
from tests.fuzz.targets import TARGETS


def _inputs() -> list[Path]:
    return sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", _inputs(), ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.timeout(10)
def test_the_corpus_keeps_every_promise(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_little_of_everything_keeps_every_promise(name: str) -> None:
    """Each input cut off at every place, and with each of its bytes turned over."""
    for seed in SEEDS[name]():
        for at in range(len(seed)):
            TARGETS[name](seed[:at])
            TARGETS[name](seed[:at] + bytes([seed[at] ^ 0xFF]) + seed[at + 1 :])


def test_every_target_has_its_seeds_in_the_corpus() -> None:
    assert SEEDS.keys() == TARGETS.keys()
    for name, seeds in SEEDS.items():
        written = {path.read_bytes() for path in (CORPUS / name).iterdir()}
        assert written.issuperset(seeds())

"""Runs mutmut on a copy of the project, which leaves the work tree as it is, and reads what became of the mutants."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.modules import Module

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / ".local" / "mutation"
_PACKAGES: Final = ("schemas", "processor", "producer", "deploy", "tests")
_MISSED: Final = ("survived", "no tests", "suspicious", "segfault", "not checked")
_CONFIGURATION: Final = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
timeout = 120

[tool.mutmut]
source_paths = {sources}
only_mutate = {files}
also_copy = {others}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-seed=1"]
use_git_change_detection = false
timeout_multiplier = 15.0
timeout_constant = 5.0
do_not_mutate_patterns = ['_log\\.\\w+']
"""
"""Log lines are not mutated: what they say is for people."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change that was made to the code, and whether a test noticed."""

    name: str
    status: str
    change: str = ""
    """The lines taken out and put in, for a mutant that no test noticed."""

    @property
    def place(self) -> str:
        """The function that was changed."""
        return self.name.rpartition("__mutmut_")[0].replace("x\u01c1", "").replace("\u01c1", ".").replace(".x_", ".")


def run(module: Module) -> list[Mutant]:
    """Mutate a module; return what became of every mutant. Goes on where an earlier run of the same code stopped."""
    folder = WORK / module.name.replace(" ", "-")
    _prepare(folder, module)
    _mutmut(folder, "run", "--max-children", "1", quiet=False)
    statuses = _statuses(_mutmut(folder, "results", "--all", "true"))
    return [
        Mutant(name, status, _change(_mutmut(folder, "show", name)) if status in _MISSED else "")
        for name, status in statuses.items()
    ]


def noticed(mutant: Mutant) -> bool:
    """Return whether a test noticed; a mutant that never ends is noticed by the time limit."""
    return mutant.status not in _MISSED


def _prepare(folder: Path, module: Module) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for package in _PACKAGES:
        shutil.rmtree(folder / package, ignore_errors=True)
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "sources": [module.package],
        "files": list(module.files),
        "others": [package for package in _PACKAGES if package != module.package],
        "tests": list(module.tests),
    }
    text = _CONFIGURATION.format(**{name: json.dumps(value) for name, value in settings.items()})
    (folder / "pyproject.toml").write_text(text)


def _mutmut(folder: Path, *arguments: str, quiet: bool = True) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, check=not quiet, text=True, stdout=subprocess.PIPE if quiet else None)
    return done.stdout or ""


def _statuses(listing: str) -> Mapping[str, str]:
    pairs = (line.strip().rpartition(": ") for line in listing.splitlines() if "__mutmut_" in line)
    return {name: status for name, _, status in pairs}


def _change(difference: str) -> str:
    lines = [line for line in difference.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return "\n".join(line[0] + " " + line[1:].strip() for line in lines)

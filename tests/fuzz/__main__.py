"""Fuzzes the decoders with Atheris (libFuzzer): ``python -m tests.fuzz [--minutes N] [TARGET ...]``.

Inputs that reach something new gather under the reports folder and are built upon by the next run; what breaks a
promise is written beside them and named, and the command ends with an error. To keep a find for good, copy it into
``tests/fuzz/corpus``, which every test run replays.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fuzz.seeds import CORPUS
from tests.fuzz.targets import TARGETS

GATHERED: Final = Path(".local/fuzz")
_INPUT_SECONDS: Final = 10
_MOST_BYTES: Final = 4_096
_MEGABYTES: Final = 2_048


def main(arguments: Sequence[str]) -> int:
    """Fuzz each target for its share of the time; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all where none is named")
    parser.add_argument("--minutes", type=float, default=6.0, help="altogether")
    given = parser.parse_args(arguments)
    names = given.targets or list(TARGETS)
    seconds = max(1, int(60 * given.minutes / len(names)))
    failed = [name for name in names if not _fuzzed(name, seconds)]
    print("promises broken:", ", ".join(failed) or "none", flush=True)  # noqa: T201 - a command's answer
    return 1 if failed else 0


def _fuzzed(name: str, seconds: int) -> bool:
    gathered = GATHERED / name
    gathered.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "tests.fuzz.one", name),
        *(f"-max_total_time={seconds}", f"-timeout={_INPUT_SECONDS}", f"-rss_limit_mb={_MEGABYTES}"),
        *(f"-max_len={_MOST_BYTES}", f"-artifact_prefix={GATHERED / name}-", "-print_final_stats=1", "-verbosity=0"),
        *(f"-dict={Path(__file__).parent / 'json.dict'}", str(gathered), str(CORPUS / name)),
    ]
    print(f"{name}: {seconds} s", flush=True)  # noqa: T201 - progress
    return subprocess.run(command, check=False, env=os.environ).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

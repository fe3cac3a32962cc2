"""Tests the tests: changes the code in small ways, one at a time, and sees whether a test notices.

``python -m tests.mutation [MODULE ...]`` runs mutmut and writes docs/mutation.md; ``--write`` alone writes the page
anew from the last results. Minutes to an hour; not part of CI.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Final

from tests.mutation.modules import MODULES
from tests.mutation.report import keep, load, score, write
from tests.mutation.running import run

_WANTED: Final = 85.0
_TERMINATED: Final = 128 + signal.SIGTERM


def main(arguments: Sequence[str]) -> int:
    """Run the modules named, or all; return 1 where one has less than the wanted score."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # or mutmut would run on alone
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(module.name for module in MODULES)}")
    parser.add_argument("--write", action="store_true", help="run nothing")
    given = parser.parse_args(arguments)
    if not given.write:
        for module in MODULES:
            if not given.modules or module.name in given.modules:
                keep({module.name: run(module)})
    results = load()
    write(results)
    for name, mutants in results.items():
        print(f"{name}: {score(mutants):.1f} % of {len(mutants)} mutants noticed")  # noqa: T201 - the answer
    return 0 if all(score(mutants) >= _WANTED for mutants in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

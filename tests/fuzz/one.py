"""Runs libFuzzer on one target; a process each, since libFuzzer ends its process. Started by ``tests.fuzz``."""

import sys

import atheris

with atheris.instrument_imports(include=["schemas", "processor", "producer"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()

"""``python -m bench NAME``: run one benchmark, or where no name is given those that take some 15 minutes together."""

import importlib
import signal
import sys
import time

MODULES = {
    "engine": "engine",
    "valuations": "valuations",
    "peers": "comparison",
    "pipeline": "pipeline",
    "latency": "latency",
    "gateway": "gateway",
    "overload": "overload",
    "batches": "batches",
    "job_list": "job_list",
    "listeners": "listeners",
    "neighbours": "neighbours",
    "stores": "stores",
    "reappraisal": "reappraisal",
    "roll": "roll",
    "sizing": "sizing",
}
_BY_NAME_ONLY = {"pipeline", "latency", "job_list", "reappraisal", "roll", "sizing"}
"""The first two ``peers`` measures too, and not of this system alone; the others take minutes each."""


def main(arguments: list[str]) -> int:
    """Run the named benchmark with the remaining arguments; returns the exit status."""
    if arguments and arguments[0] not in MODULES:
        sys.stderr.write(f"no such benchmark: {arguments[0]}; there are {', '.join(MODULES)}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    for name in arguments[:1] or [name for name in MODULES if name not in _BY_NAME_ONLY]:
        began = time.monotonic()
        importlib.import_module(f"bench.{MODULES[name]}").main(arguments[1:])
        sys.stderr.write(f"{name} took {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

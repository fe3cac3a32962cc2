"""``python -m bench NAME``: run one benchmark, or all of them where no name is given."""

import importlib
import sys

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
_WITHOUT_A_NAME = [name for name in MODULES if name not in {"pipeline", "latency"}]
"""``peers`` measures what those two do, and not of this system alone."""


def main(arguments: list[str]) -> int:
    """Run the named benchmark with the remaining arguments; returns the exit status."""
    if arguments and arguments[0] not in MODULES:
        sys.stderr.write(f"no such benchmark: {arguments[0]}; there are {', '.join(MODULES)}\n")
        return 2
    for name in arguments[:1] or _WITHOUT_A_NAME:
        importlib.import_module(f"bench.{MODULES[name]}").main(arguments[1:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

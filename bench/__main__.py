"""``python -m bench NAME``: run one benchmark, or all of them where no name is given."""

import importlib
import sys

NAMES = (
    "engine",
    "valuations",
    "pipeline",
    "latency",
    "gateway",
    "batches",
    "job_list",
    "listeners",
    "neighbours",
    "stores",
    "reappraisal",
)


def main(arguments: list[str]) -> int:
    """Run the named benchmark with the remaining arguments; returns the exit status."""
    if arguments and arguments[0] not in NAMES:
        sys.stderr.write(f"no such benchmark: {arguments[0]}; there are {', '.join(NAMES)}\n")
        return 2
    for name in arguments[:1] or NAMES:
        importlib.import_module(f"bench.{name}").main(arguments[1:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""What the Helm chart must know of the topics, made from the topics table: the topics, and what each user may do.

``python -m deploy.kubernetes`` writes it into the chart; ``--check`` proves that it is current.
"""

import sys
from pathlib import Path
from typing import Any, Final

import orjson

from processor.settings import ProcessorSettings
from schemas.topics import Topics, topics

FILE: Final = Path(__file__).parent / "helm" / "terrafusion" / "files" / "topics.json"
_READ: Final = ["Read", "Describe", "DescribeConfigs"]
_WRITE: Final = ["Write", "Describe"]
_BOTH: Final = ["Read", "Write", "Describe", "DescribeConfigs"]


def document() -> dict[str, Any]:
    """Return the topics with their settings, and the users with the operations that each needs and no more."""
    table = topics()
    listed = [
        {
            "name": topic.name,
            "partitions": topic.partitions,
            "settings": dict(topic.settings),
            "requests": topic is table.requests,
        }
        for topic in table
    ]
    return {"topics": listed, "users": [_gateway(table), _processor(table), _operator(table)]}


def _gateway(table: Topics) -> dict[str, Any]:
    both = (table.requests, table.property_records, table.property_sales)
    read = (table.results, table.models)
    return {
        "name": "gateway",
        "topics": {topic.name: _BOTH for topic in both} | {topic.name: _READ for topic in read},
    }


def _processor(table: Topics) -> dict[str, Any]:
    read = (table.requests, table.property_records, table.property_sales, table.models)
    written = (table.results, table.dead_letters)
    return {
        "name": "processor",
        "topics": {topic.name: _READ for topic in read} | {topic.name: _WRITE for topic in written},
        "group": ProcessorSettings.model_fields["group"].default,
    }


def _operator(table: Topics) -> dict[str, Any]:
    """Return who imports, trains and replays: the user of the command line."""
    return {
        "name": "operator",
        "topics": {topic.name: [*_BOTH, "Delete"] for topic in table},
        "transactions": f"{table.requests.name}.replay",
    }


def rendered() -> bytes:
    """Return what the chart's file should hold."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` say whether it is current; returns the exit status."""
    if "--check" not in arguments:
        FILE.write_bytes(rendered())
        return 0
    current = FILE.exists() and FILE.read_bytes() == rendered()
    if not current:
        sys.stderr.write(f"{FILE.name} of the chart is stale; run python -m deploy.kubernetes\n")
    return int(not current)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

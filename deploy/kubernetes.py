"""What the Helm chart must know of Kafka, made from the topics table and the rights of the roles.

``python -m deploy.kubernetes`` writes it into the chart; ``--check`` proves that it is current.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson

from deploy.access import Kind, Pattern, rules_for
from schemas.topics import topics

FILE: Final = Path(__file__).parent / "helm" / "terrafusion" / "files" / "topics.json"
PREFIX: Final = "@PREFIX@"
GROUP: Final = "@GROUP@"
"""What the chart replaces by its values."""
_USERS: Final = {
    "gateway": ("gateway",),
    "processor": ("worker",),
    "operator": ("operator", "importer", "trainer"),
}
"""The chart's users and the roles that each has; the operator is who uses the command line."""
_TYPES: Final[dict[Kind, str]] = {"topic": "topic", "group": "group", "transactional-id": "transactionalId"}
_PATTERNS: Final[dict[Pattern, str]] = {"literal": "literal", "prefixed": "prefix"}


def document() -> dict[str, Any]:
    """Return the topics with their settings, and the users with what each may do, in Strimzi's words."""
    table = topics(PREFIX)
    listed = [
        {
            "name": topic.name,
            "partitions": topic.partitions,
            "settings": dict(topic.settings),
            "requests": topic is table.requests,
        }
        for topic in table
    ]
    return {"topics": listed, "users": [{"name": name, "acls": _acls(roles)} for name, roles in _USERS.items()]}


def _acls(roles: Iterable[str]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], set[str]] = {}
    for rule in rules_for(PREFIX, GROUP, [f"{role}=User:{role}" for role in roles]):
        found.setdefault((_TYPES[rule.kind], rule.name, _PATTERNS[rule.pattern]), set()).add(rule.operation)
    return [
        {"resource": {"type": kind, "name": name, "patternType": pattern}, "operations": sorted(operations)}
        for (kind, name, pattern), operations in sorted(found.items())
    ]


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

"""Who needs what on a Kafka with an authorizer: the least for each role, made from the topics table."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal

from deploy.errors import UnknownRole
from processor.settings import ProcessorSettings
from schemas.topics import Topic, Topics, topics

READERS: Final = "valuation-reader"
"""Groups of readers begin so."""

Kind = Literal["topic", "group", "transactional-id"]
Pattern = Literal["literal", "prefixed"]
_OPTIONS: Final[dict[Kind, str]] = {
    "topic": "--topic",
    "group": "--group",
    "transactional-id": "--transactional-id",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission of one principal, on one resource or on all whose names begin so. Nothing is denied by rules."""

    role: str
    principal: str
    operation: str
    kind: Kind
    name: str
    pattern: Pattern = "literal"

    def as_dict(self) -> dict[str, str]:
        """Return the rule as JSON has it."""
        return asdict(self)

    def as_command(self) -> str:
        """Return the command that adds the rule; the options to reach the cluster are left to say."""
        words = ["kafka-acls.sh", "--bootstrap-server", "$BOOTSTRAP", "--command-config", "$ADMIN_CONFIG", "--add"]
        words += ["--allow-principal", shlex.quote(self.principal), "--operation", self.operation]
        words += [_OPTIONS[self.kind], shlex.quote(self.name), "--resource-pattern-type", self.pattern]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class _Need:
    operation: str
    kind: Kind
    name: str
    pattern: Pattern = "literal"


ROLES: Final = ("gateway", "worker", "reader", "importer", "trainer", "operator")
"""gateway: the HTTP gateway, dead letters included. worker: `python -m processor`. reader: who reads results.

importer: `terrafusion import`. trainer: `terrafusion train`. operator: `terrafusion topics apply` and `dlq`.
"""


def rules_for(prefix: str, group: str | None, principals: Iterable[str]) -> list[Rule]:
    """Return every rule of the named roles, each ``ROLE=PRINCIPAL``; of all roles as ``User:ROLE`` where none is named.

    Raises:
        UnknownRole: something else is named.
    """
    named = [_named(each) for each in principals] or [(role, f"User:{role}") for role in ROLES]
    table = topics(prefix)
    group = group or ProcessorSettings().group
    return [
        Rule(role, principal, need.operation, need.kind, need.name, need.pattern)
        for role, principal in named
        for need in _needs(role, table, group)
    ]


def _named(stated: str) -> tuple[str, str]:
    role, equals, principal = stated.partition("=")
    if role not in ROLES or not equals or ":" not in principal:
        raise UnknownRole(f"{stated} names no role.", hint=f"Write ROLE=User:NAME; roles are {', '.join(ROLES)}.")
    return role, principal


def _needs(role: str, table: Topics, group: str) -> Iterator[_Need]:
    match role:
        case "gateway":
            yield from _reads(table.requests, table.results, table.property_records, table.models)
            yield from _writes(table.requests, table.property_records, table.property_sales)
            yield from _works_on_dead_letters(table)
        case "worker":
            yield from _reads(table.requests, table.property_records, table.property_sales, table.models)
            yield from _writes(table.results, table.dead_letters)
            yield _Need("Read", "group", group)
            yield from _transacts(f"{group}.{table.requests.name}.", "prefixed")
        case "reader":
            yield from _reads(table.results)
            yield _Need("Read", "group", READERS, "prefixed")
        case "importer":
            yield from _writes(table.property_records, table.property_sales)
        case "trainer":
            yield from _reads(table.property_records, table.property_sales)
            yield from _writes(table.models)
        case _:
            for topic in table:
                for operation in ("Create", "Describe", "DescribeConfigs", "AlterConfigs"):
                    yield _Need(operation, "topic", topic.name)
            yield from _writes(table.requests)
            yield from _works_on_dead_letters(table)


def _works_on_dead_letters(table: Topics) -> Iterator[_Need]:
    """Look, replay (needs to write requests too) and purge."""
    yield from _reads(table.dead_letters, table.replays)
    yield from _writes(table.replays)
    yield _Need("Delete", "topic", table.dead_letters.name)
    yield from _transacts(f"{table.requests.name}.replay", "literal")


def _reads(*read: Topic) -> Iterator[_Need]:
    """To read is to be told of; Kafka counts Describe in."""
    return (_Need("Read", "topic", topic.name) for topic in read)


def _writes(*written: Topic) -> Iterator[_Need]:
    return (_Need("Write", "topic", topic.name) for topic in written)


def _transacts(name: str, pattern: Pattern) -> Iterator[_Need]:
    yield _Need("Write", "transactional-id", name, pattern)

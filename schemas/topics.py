"""The topics of the system in one table: whatever needs a topic's name, partitions or settings reads it here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final

_DAY_MS: Final = 86_400_000
_PARTITIONS: Final = 12


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name, its partition count, its broker settings, and what its keys and values are."""

    name: str
    partitions: int
    settings: Mapping[str, str]
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one installation."""

    requests: Topic
    results: Topic
    dead_letters: Topic
    property_records: Topic
    property_sales: Topic
    models: Topic
    replays: Topic

    def __iter__(self) -> Iterator[Topic]:
        """Iterate over the topics in the order of the table."""
        return (getattr(self, field.name) for field in fields(self))


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}


_COMPACTED: Final = {"cleanup.policy": "compact"}


def topics(prefix: str = "") -> Topics:
    """Return the topics table, every name preceded by ``prefix``.

    The prefix lets several installations, or tests, share one cluster; the product itself runs without one.
    """

    def topic(name: str, partitions: int, settings: Mapping[str, str], key: str, value: str) -> Topic:
        return Topic(f"{prefix}{name}", partitions, settings, key, value)

    return Topics(
        requests=topic("valuation.requests", _PARTITIONS, _kept(7), "job_id", "RequestEvent"),
        results=topic("valuation.results", _PARTITIONS, _kept(30), "job_id", "ResultEvent"),
        dead_letters=topic("valuation.dead-letters", _PARTITIONS, _kept(30), "the original key", "the original bytes"),
        property_records=topic(
            "property.records", _PARTITIONS, _COMPACTED, "COUNTY/property_id", "PropertyRecord, null deletes"
        ),
        property_sales=topic("property.sales", _PARTITIONS, _COMPACTED, "COUNTY/sale_id", "SaleRecord, null deletes"),
        models=topic("valuation.models", 1, _COMPACTED, "COUNTY", "ModelRecord"),
        replays=topic(
            "valuation.replays",
            1,
            _COMPACTED,
            "partition:offset:timestamp of a dead letter",
            "the job it has become, null deletes",
        ),
    )

"""Imports a county's file: reads it with its mapping, and publishes what came through."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka.errors import KafkaError

from producer.importing.errors import ImportFailed
from producer.importing.publishing import publish
from producer.importing.reports import ReportFile, report_file
from schemas.records import record_key
from schemas.tabular import Kind, Properties, Reading, Report, TableMapping
from schemas.topics import Topics

_SHOWN: Final = 20

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, how to read it, and where the report of problems goes."""

    path: Path
    mapping: TableMapping
    kind: Kind
    report: Path


@dataclass(frozen=True, slots=True)
class Target:
    """The topics to publish to, and the connection keywords of the cluster."""

    topics: Topics
    client_options: Mapping[str, Any]


def import_file(order: Order, target: Target | None, progress: Progress = lambda _count: None) -> dict[str, object]:
    """Read the file and publish its records, or only read it where there is no target; returns the summary.

    Bad rows are reported and never fatal. Importing the same file again changes nothing.

    Raises:
        TabularError: the file cannot be used, or not with this mapping; nothing is published.
        ImportFailed: Kafka cannot be reached, or refuses; part may have been published.
    """
    with report_file(order.report) as problems:
        reading = Reading(order.path, order.mapping, order.kind, sink=problems.add)
        tables: Iterable[Properties] = reading.sales() if order.kind is Kind.SALES else reading.properties()
        records = _encoded(tables, order.kind)
        if target is None:
            accepted, count = sum(1 for _ in _counted(records, progress)), 0
        else:
            accepted = count = _publish(records, order.kind, target, progress)
    return {"rows": reading.report.rows, "accepted": accepted, "published": count} | _summary(
        order, reading.report, problems
    )


def _publish(records: Iterator[tuple[bytes, bytes]], kind: Kind, target: Target, progress: Progress) -> int:
    """Publish records; the first is read before Kafka is asked for anything."""
    first = next(records, None)
    if first is None:
        return 0
    topic = target.topics.property_sales if kind is Kind.SALES else target.topics.property_records
    try:
        return asyncio.run(publish(topic.name, chain([first], records), target.client_options, progress))
    except (KafkaError, OSError) as error:
        servers = target.client_options.get("bootstrap_servers")
        raise ImportFailed(f"cannot publish to {topic.name} at {servers}: {error}") from error


def _encoded(tables: Iterable[Properties], kind: Kind) -> Iterator[tuple[bytes, bytes]]:
    id_field = "sale_id" if kind is Kind.SALES else "property_id"
    for table in tables:
        for record in table.records():
            yield record_key(table.county_id, record[id_field]), orjson.dumps(record)


def _counted(records: Iterator[tuple[bytes, bytes]], progress: Progress) -> Iterator[tuple[bytes, bytes]]:
    for number, record in enumerate(records, 1):
        if number % 1000 == 0:
            progress(number)
        yield record


def _summary(order: Order, report: Report, problems: ReportFile) -> dict[str, object]:
    return {
        "rejected": report.rejected,
        "superseded": report.superseded,
        "county_id": order.mapping.county_id,
        "kind": order.kind.value,
        "report": None if problems.path is None else str(problems.path),
        "problems": [asdict(problem) for problem in report.gravest(_SHOWN)],
        "problem_counts": [
            {"column": column, "effect": effect, "count": number}
            for (column, effect), number in report.counts.most_common()
        ],
        "notes": report.notes + (["no row came through"] if report.rows and not report.accepted else []),
    }

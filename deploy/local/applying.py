"""`topics apply`: bring the topics of the cluster in use to what the table says, and report it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from deploy.errors import NotRunning
from deploy.local.settings import LocalSettings
from deploy.local.topics import TopicReport, apply_topics, refuse_differences
from schemas.settings import KafkaSettings
from schemas.topics import topics


def bring_topics_up(settings: LocalSettings, kafka: KafkaSettings, *, alter: bool = True) -> list[TopicReport]:
    """Apply the topics table to the cluster in use.

    Raises:
        NotRunning: the cluster cannot be reached or refuses.
    """
    options = kafka.client_options(settings.data_dir)
    try:
        return asyncio.run(apply_topics(topics(settings.topic_prefix), options, alter=alter))
    except (KafkaError, TimeoutError) as error:
        raise NotRunning(
            f"The Kafka at {options['bootstrap_servers']} cannot be used: {error or error!r}",
            hint="Start the stack (make run) or a Kafka (terrafusion kafka start), or check the KAFKA_ variables.",
        ) from error


def apply(settings: LocalSettings, kafka: KafkaSettings, console: Console, *, alter: bool, as_json: bool) -> None:
    """Apply the topics table and print what was done, or with ``alter=False`` would be.

    Raises:
        NotRunning: the cluster cannot be reached or refuses.
        TopicsDiffer: a partition count differs; everything else was done.
    """
    reports = bring_topics_up(settings, kafka, alter=alter)
    if as_json:
        console.out(json.dumps({"applied": alter, "topics": [asdict(report) for report in reports]}))
    else:
        console.print(_table(reports))
    refuse_differences(reports)


def _table(reports: Sequence[TopicReport]) -> Table:
    table = Table("topic", "outcome", "found -> wanted")
    for report in reports:
        changes = ", ".join(f"{each.what}: {each.found} -> {each.wanted}" for each in report.differences)
        table.add_row(report.topic, report.outcome, changes)
    return table

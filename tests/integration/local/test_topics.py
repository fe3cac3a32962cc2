from dataclasses import replace

import pytest

from deploy.errors import TopicsDiffer
from deploy.local.topics import Difference, Outcome, apply_topics, refuse_differences
from tests.kafka import create_topics


async def test_all_topics_of_the_table_are_created_once(kafka: str) -> None:
    table = await create_topics(kafka)
    again = await apply_topics(table, {"bootstrap_servers": kafka})
    assert [report.outcome for report in again] == [Outcome.UNCHANGED] * len(list(table))
    assert [report.topic for report in again] == [topic.name for topic in table]


async def test_a_changed_setting_is_altered_and_said(kafka: str) -> None:
    table = await create_topics(kafka)
    longer = replace(table.requests, settings={**table.requests.settings, "retention.ms": "1234567"})
    [report] = await apply_topics([longer], {"bootstrap_servers": kafka})
    assert report.outcome is Outcome.ALTERED
    assert report.differences == (Difference("retention.ms", "604800000", "1234567"),)
    [report] = await apply_topics([longer], {"bootstrap_servers": kafka})
    assert report.outcome is Outcome.UNCHANGED


async def test_settings_the_table_does_not_name_stay(kafka: str) -> None:
    table = await create_topics(kafka)
    operator = replace(table.requests, settings={**table.requests.settings, "max.message.bytes": "2000000"})
    await apply_topics([operator], {"bootstrap_servers": kafka})
    ours = replace(table.requests, settings={"retention.ms": "99999"})
    await apply_topics([ours], {"bootstrap_servers": kafka})
    [report] = await apply_topics(
        [replace(operator, settings={"max.message.bytes": "2000000"})], {"bootstrap_servers": kafka}
    )
    assert report.outcome is Outcome.UNCHANGED


async def test_another_partition_count_is_reported_and_left_alone(kafka: str) -> None:
    table = await create_topics(kafka)
    more = replace(table.models, partitions=5)
    reports = await apply_topics([more], {"bootstrap_servers": kafka})
    assert reports[0].outcome is Outcome.DIFFERS
    assert reports[0].differences == (Difference("partitions", "1", "5"),)
    with pytest.raises(TopicsDiffer, match="has 1 partitions, not 5"):
        refuse_differences(reports)
    [unchanged] = await apply_topics([table.models], {"bootstrap_servers": kafka})
    assert unchanged.outcome is Outcome.UNCHANGED


async def test_looking_only_changes_nothing(kafka: str) -> None:
    table = await create_topics(kafka)
    other = replace(table.requests, settings={**table.requests.settings, "retention.ms": "7"})
    absent = replace(table.requests, name=f"{table.requests.name}.absent")
    reports = await apply_topics([other, absent], {"bootstrap_servers": kafka}, alter=False)
    assert [report.outcome for report in reports] == [Outcome.ALTERED, Outcome.CREATED]
    again = await apply_topics([other, absent], {"bootstrap_servers": kafka}, alter=False)
    assert again == reports

"""Bring a cluster's topics to what the topics table says, and say what was done and what cannot be done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from deploy.errors import TopicsDiffer
from schemas.topics import Topic

_SET_ON_TOPIC: Final = 1  # the source of a setting that somebody made on the topic itself (Kafka's ConfigSource)
_GROUP: Final = 0  # kinds of coordinators in Kafka's protocol
_TRANSACTION: Final = 1
_SETTLE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05


class Outcome(StrEnum):
    """What became of a topic."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    ALTERED = "altered"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """A property of a topic that is not what the table says."""

    what: str
    found: str
    wanted: str


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What became of one topic. ``DIFFERS``: the partition count is another, which is never changed silently."""

    topic: str
    outcome: Outcome
    differences: tuple[Difference, ...] = field(default=())


async def apply_topics(
    topics: Iterable[Topic], client_options: Mapping[str, Any], *, alter: bool = True
) -> list[TopicReport]:
    """Create the missing topics and alter settings that differ; with ``alter=False`` only say what would be done.

    Safe to repeat, and for several at once. Returns when every topic's partitions have leaders. Settings that the table
    does not name stay as they are, and so do partition counts: another count moves keys to other partitions.

    Raises:
        KafkaError: the cluster cannot be reached or refuses.
    """
    wanted = {topic.name: topic for topic in topics}
    async with _admin(client_options) as admin:
        found = {each["topic"]: len(each["partitions"]) for each in await _existing(admin, list(wanted))}
        absent = [topic for name, topic in wanted.items() if name not in found]
        if alter and absent:
            await _create(admin, absent)
        settings = await _settings(admin, list(found))
        reports = {topic.name: TopicReport(topic.name, Outcome.CREATED) for topic in absent}
        for name, partitions in found.items():
            reports[name] = _compare(wanted[name], partitions, settings[name])
        if alter:
            await _alter(admin, [wanted[name] for name in found if _has_other_settings(reports[name])], settings)
    return [reports[name] for name in wanted]


async def wake_coordinators(client_options: Mapping[str, Any]) -> None:
    """Have a new cluster create its topics of offsets and transactions, and return when it has.

    It does so when first asked for a coordinator, which fails meanwhile: better here than in every worker.
    """
    async with _admin(client_options) as admin:
        for kind in (_GROUP, _TRANSACTION):
            await _settled(partial(_has_coordinator, admin, kind))


def refuse_differences(reports: Iterable[TopicReport]) -> None:
    """Raise `TopicsDiffer` when a topic has another partition count than the table says."""
    wrong = [
        f"{report.topic} has {difference.found} partitions, not {difference.wanted}"
        for report in reports
        for difference in report.differences
        if difference.what == "partitions"
    ]
    if wrong:
        raise TopicsDiffer(
            "; ".join(wrong) + ".",
            hint="Keys would move to other partitions: drain the topic, delete it and run `terrafusion topics apply`.",
        )


@asynccontextmanager
async def _admin(client_options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options, request_timeout_ms=15_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _has_coordinator(admin: AIOKafkaAdminClient, kind: int) -> bool:
    try:
        await admin.find_coordinator("terrafusion", kind)
    except GroupCoordinatorNotAvailableError:
        return False
    return True


async def _existing(admin: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
    described = await admin.describe_topics(names)
    for each in described:
        if each["error_code"] not in (0, UnknownTopicOrPartitionError.errno):
            _raise_for(each["error_code"], each["topic"])
    return [each for each in described if each["error_code"] == 0]


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    new = [
        NewTopic(topic.name, topic.partitions, min(3, brokers), topic_configs=dict(topic.settings)) for topic in topics
    ]
    answer = await admin.create_topics(new)
    for name, code, message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            _raise_for(code, f"{name}: {message}")
    await _settled(lambda: _all_led(admin, topics))


async def _all_led(admin: AIOKafkaAdminClient, topics: list[Topic]) -> bool:
    described = await admin.describe_topics([topic.name for topic in topics])
    return all(
        each["error_code"] == 0 and each["partitions"] and all(part["leader"] >= 0 for part in each["partitions"])
        for each in described
    )


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return for each topic its settings: value, and whether it was set on the topic itself."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found = {}
    for code, message, _kind, name, entries in (each for answer in answers for each in answer.resources):
        if code:
            _raise_for(code, f"{name}: {message}")
        found[name] = {entry[0]: (entry[1], entry[3] == _SET_ON_TOPIC) for entry in entries}
    return found


def _compare(topic: Topic, partitions: int, settings: Mapping[str, tuple[str, bool]]) -> TopicReport:
    differences = [
        Difference(setting, settings.get(setting, ("", False))[0], value)
        for setting, value in topic.settings.items()
        if settings.get(setting, ("", False))[0] != value
    ]
    outcome = Outcome.ALTERED if differences else Outcome.UNCHANGED
    if partitions != topic.partitions:
        differences.append(Difference("partitions", str(partitions), str(topic.partitions)))
        outcome = Outcome.DIFFERS
    return TopicReport(topic.name, outcome, tuple(differences))


def _has_other_settings(report: TopicReport) -> bool:
    return any(difference.what != "partitions" for difference in report.differences)


async def _alter(
    admin: AIOKafkaAdminClient, topics: list[Topic], settings: Mapping[str, Mapping[str, tuple[str, bool]]]
) -> None:
    """Set the table's settings; the request replaces all of a topic's settings, so the others are sent along."""
    if not topics:
        return
    resources = []
    for topic in topics:
        kept = {name: value for name, (value, own) in settings[topic.name].items() if own}
        resources.append(ConfigResource(ConfigResourceType.TOPIC, topic.name, kept | dict(topic.settings)))
    for answer in await admin.alter_configs(resources):
        for code, message, _kind, name in answer.resources:
            if code:
                _raise_for(code, f"{name}: {message}")
    await _settled(lambda: _all_set(admin, topics))


async def _all_set(admin: AIOKafkaAdminClient, topics: list[Topic]) -> bool:
    settings = await _settings(admin, [topic.name for topic in topics])
    return all(settings[topic.name][name][0] == value for topic in topics for name, value in topic.settings.items())


async def _settled(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when every broker asked has heard of a change; the controller answers before they have."""
    async with asyncio.timeout(_SETTLE_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(_POLL_SECONDS)


def _raise_for(code: int, what: str) -> None:
    error: type[KafkaError] = for_code(code)
    raise error(what)

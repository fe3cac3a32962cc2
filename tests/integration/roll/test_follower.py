"""The follower against real Kafka: every offset that no record has, and topics that are not what they were."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from processor.roll import PropertyRoll, RollFollower, ServingModels
from processor.roll.errors import PositionsLost
from processor.roll.source import Source
from schemas.topics import Topic, Topics
from schemas.topics import topics as table
from tests.kafka import create_topics
from tests.unit.roll.builders import property_record, sale_record

Record = tuple[bytes | None, bytes | None]


async def publish(kafka: str, topic: Topic, records: Iterable[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        for key, value in records:
            await producer.send(topic.name, value, key)
        await producer.flush()
    finally:
        await producer.stop()


async def publish_in_transactions(kafka: str, topic: Topic, records: Iterable[Record], *, commit: bool) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"t-{topic.name}-{commit}")
    await producer.start()
    try:
        await producer.begin_transaction()
        for key, value in records:
            await producer.send_and_wait(topic.name, value, key)
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


class CountingRoll(PropertyRoll):
    def __init__(self) -> None:
        super().__init__()
        self.reloads = 0

    def begin_reload(self) -> None:
        self.reloads += 1
        super().begin_reload()


class Followed:
    def __init__(self, kafka: str, topics: Topics, check_seconds: float = 10) -> None:
        self.roll = CountingRoll()
        self.models = ServingModels()
        self.follower = RollFollower(
            self.roll, self.models, topics, {"bootstrap_servers": kafka}, check_seconds=check_seconds
        )

    def ids(self) -> set[str]:
        county = self.roll.county("BENTON")
        return set() if county is None else set(county.property_ids())


@asynccontextmanager
async def following(kafka: str, topics: Topics, check_seconds: float = 10) -> AsyncIterator[Followed]:
    followed = Followed(kafka, topics, check_seconds)
    await followed.follower.start()
    try:
        yield followed
    finally:
        await followed.follower.stop()


async def settle(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the broker
            await asyncio.sleep(0.02)


async def test_everything_published_before_is_there_when_ready(kafka: str) -> None:
    topics = await create_topics(kafka)
    await publish(kafka, topics.property_records, [property_record(f"P{n}", bedrooms=n) for n in range(500)])
    await publish(kafka, topics.property_sales, [sale_record(f"S{n}") for n in range(20)])
    model = {"county_id": "BENTON", "version": "v1", "uri": "u", "sha256": "0" * 64, "trained_at": "now"}
    await publish(kafka, topics.models, [(b"BENTON", orjson.dumps(model)), (b"YAKIMA", b"junk")])
    async with following(kafka, topics) as followed:
        await asyncio.wait_for(followed.follower.wait_ready(), 20)
        assert followed.follower.ready
        assert len(followed.ids()) == 500
        assert len(followed.roll.sales("BENTON")) == 20
        serving = followed.models.get("BENTON")
        assert serving is not None
        assert serving.version == "v1"
        assert followed.roll.rejected == {"model:no_model": 1}


async def test_empty_topics_are_caught_up_at_once(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with following(kafka, topics) as followed:
        await asyncio.wait_for(followed.follower.wait_ready(), 10)
        await asyncio.wait_for(followed.follower.catch_up(), 2)


async def test_what_was_published_before_catch_up_was_called_is_found_after_it(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with following(kafka, topics) as followed:
        for n in range(10):
            await publish(kafka, topics.property_records, [property_record(f"P{n}")])
            await asyncio.wait_for(followed.follower.catch_up(), 5)
            assert f"P{n}" in followed.ids()
        await publish(kafka, topics.property_records, [(b"BENTON/P3", None)])
        await asyncio.wait_for(followed.follower.catch_up(), 5)
        assert "P3" not in followed.ids()


async def test_many_who_catch_up_at_once_are_all_served(kafka: str) -> None:
    topics = await create_topics(kafka)
    await publish(kafka, topics.property_records, [property_record("P1")])
    async with following(kafka, topics) as followed:
        await asyncio.wait_for(asyncio.gather(*(followed.follower.catch_up() for _ in range(500))), 10)
        assert followed.ids() == {"P1"}


@pytest.mark.parametrize("commit", [True, False])
async def test_a_log_that_ends_in_control_records_is_caught_up(kafka: str, *, commit: bool) -> None:
    topics = await create_topics(kafka)
    await publish(kafka, topics.property_records, [property_record("P1")])
    await publish_in_transactions(kafka, topics.property_records, [property_record("P2")], commit=commit)
    async with following(kafka, topics, check_seconds=0.1) as followed:
        await asyncio.wait_for(followed.follower.wait_ready(), 10)
        assert followed.ids() == ({"P1", "P2"} if commit else {"P1"})
        await asyncio.sleep(0.5)  # long enough for several checks, which must not take the markers for another topic
        await asyncio.wait_for(followed.follower.catch_up(), 5)
        assert followed.roll.reloads == 0


async def test_a_follower_started_before_kafka_has_the_topics_waits_for_them(kafka: str) -> None:
    name = f"late{uuid4().hex}."
    async with following(kafka, table(name)) as followed:
        await asyncio.sleep(0.3)
        assert not followed.follower.ready
        topics = await create_topics(kafka, name)
        await publish(kafka, topics.property_records, [property_record("P1")])
        await asyncio.wait_for(followed.follower.catch_up(), 20)
        assert followed.ids() == {"P1"}


async def recreate(kafka: str, topic: Topic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic.name])
        async with asyncio.timeout(20):
            while topic.name in await admin.list_topics():  # noqa: ASYNC110 - the broker deletes when it likes
                await asyncio.sleep(0.02)
            answer = await admin.create_topics([NewTopic(topic.name, topic.partitions, 1)])
            while answer.topic_errors[0][1]:
                await asyncio.sleep(0.02)
                answer = await admin.create_topics([NewTopic(topic.name, topic.partitions, 1)])
    finally:
        await admin.close()


@pytest.mark.parametrize("refill", [0, 3, 200])
async def test_a_topic_created_again_is_read_again_and_what_is_gone_goes(kafka: str, refill: int) -> None:
    topics = await create_topics(kafka)
    await publish(kafka, topics.property_records, [property_record(f"P{n}") for n in range(100)])
    async with following(kafka, topics, check_seconds=0.2) as followed:
        await asyncio.wait_for(followed.follower.wait_ready(), 20)
        await recreate(kafka, topics.property_records)
        await publish(kafka, topics.property_records, [property_record(f"Q{n}") for n in range(refill)])
        await settle(lambda: followed.ids() == {f"Q{n}" for n in range(refill)})
        await asyncio.wait_for(followed.follower.wait_ready(), 20)


async def test_a_defect_ends_the_follower_aloud(kafka: str) -> None:
    class BrokenRoll(PropertyRoll):
        def apply_properties(self, records: Iterable[Record]) -> None:
            raise RuntimeError(f"cannot apply {len(list(records))}")

    topics = await create_topics(kafka)
    follower = RollFollower(BrokenRoll(), ServingModels(), topics, {"bootstrap_servers": kafka})
    await follower.start()
    await publish(kafka, topics.property_records, [property_record("P1")])
    with pytest.raises(RuntimeError, match="cannot apply 1"):
        await asyncio.wait_for(follower.catch_up(), 10)
    assert isinstance(follower.failure, RuntimeError)
    with pytest.raises(RuntimeError, match="cannot apply 1"):
        await follower.catch_up()
    await follower.stop()


async def test_records_younger_than_what_was_read_before_our_position_betray_another_topic(kafka: str) -> None:
    topics = await create_topics(kafka)
    before = time.time_ns() // 1_000_000 - 1
    await publish(kafka, topics.property_records, [property_record(f"P{n}") for n in range(200)])
    async with Source.open(topics, {"bootstrap_servers": kafka}) as source:
        ends = await source.ends()
        after = time.time_ns() // 1_000_000
        await source.check(ends, dict.fromkeys(ends, after))
        with pytest.raises(PositionsLost, match="younger"):
            await source.check(ends, dict.fromkeys(ends, before))
        with pytest.raises(PositionsLost, match="end before"):
            await source.check({partition: end + 1 for partition, end in ends.items()}, {})
        with pytest.raises(PositionsLost, match="gone"):
            await source.check({TopicPartition("another", 0): 1}, {})

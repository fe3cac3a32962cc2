"""Kafka away, slow, or refusing: callers hear of it in time, nothing piles up, and everything resumes by itself."""

import asyncio
import time
from functools import partial

import orjson
import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from producer.acknowledged import Acknowledged
from producer.errors import KafkaUnavailable, Overloaded
from producer.lane import Record
from producer.publisher import Bounds, Publisher
from schemas.topics import topics
from tests.unit.gateway.conftest import RUN, Served
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.waiting import comes_true

GOOD = {"property_id": "P", "county_id": "BENTON"}
TOPIC = topics().requests
came = partial(comes_true, seconds=5)


def record(name: str = "k", size: int = 10) -> Record:
    return Record(name.encode(), b"x" * size, 1_795_000_000_000, [])


async def connected(kafka: FakeKafka, bounds: Bounds | None = None) -> Publisher:
    publisher = Publisher(lambda: kafka, topics(), bounds or Bounds(seconds=0.3))
    await publisher.start()
    assert await came(lambda: publisher.ready)
    return publisher


async def test_a_request_that_kafka_does_not_acknowledge_is_a_503_that_names_its_job(served: Served) -> None:
    served.kafka.hanging = True
    started = time.monotonic()
    answer = await served.client.post(RUN, json=GOOD)
    problem = await answer.json()
    assert answer.status == 503
    assert time.monotonic() - started < 2
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert len(problem["job_id"]) == 36


async def test_a_retry_with_the_named_job_id_makes_one_job(served: Served) -> None:
    served.kafka.hanging = True
    job_id = (await (await served.client.post(RUN, json=GOOD)).json())["job_id"]
    served.kafka.come_back()
    answer = await served.client.post(RUN, json=GOOD | {"job_id": job_id})
    assert answer.status == 202
    keys = {each.key.decode() for each in served.kafka.records(served.requests)}
    assert keys == {job_id}


async def test_while_kafka_hangs_further_requests_of_its_partition_fail_at_once(served: Served) -> None:
    served.kafka.partitions = 1
    served.kafka.hanging = True
    own = GOOD | {"job_id": "8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1"}
    assert (await served.client.post(RUN, json=own)).status == 503
    started = time.monotonic()
    assert (await served.client.post(RUN, json=own)).status == 503
    assert time.monotonic() - started < 0.2
    assert (await served.client.get("/readyz")).status == 503
    served.kafka.come_back()
    async with asyncio.timeout(5):
        while (await served.client.get("/readyz")).status != 200:
            pass
    assert (await served.client.post(RUN, json=own)).status == 202


async def test_records_that_were_never_handed_over_are_dropped_with_their_callers() -> None:
    kafka = FakeKafka(partitions=1, hanging=False)
    publisher = await connected(kafka)
    kafka.hanging = True
    first = asyncio.create_task(publisher.publish(TOPIC, record("sent")))
    assert await came(lambda: kafka.waiting)
    second = asyncio.create_task(publisher.publish(TOPIC, record("queued")))
    for call in (first, second):
        with pytest.raises(KafkaUnavailable):
            await call
    kafka.come_back()
    await publisher.stop(1)
    assert [each.key for each in kafka.records(TOPIC.name)] == [b"sent"]
    assert (publisher.in_flight, publisher.in_flight_bytes) == (0, 0)


async def test_the_gateway_starts_without_kafka_and_is_ready_once_kafka_is() -> None:
    kafka = FakeKafka(up=False)
    publisher = Publisher(lambda: kafka, topics(), Bounds(seconds=0.3))
    await publisher.start()
    with pytest.raises(KafkaUnavailable):
        await publisher.publish(TOPIC, record())
    assert not publisher.ready
    kafka.up = True
    assert await came(lambda: publisher.ready)
    await publisher.publish(TOPIC, record())
    await publisher.stop(1)


async def test_a_producer_that_can_go_no_further_is_replaced() -> None:
    kafka = FakeKafka()
    publisher = await connected(kafka)
    kafka.refusal = OutOfOrderSequenceNumber()
    with pytest.raises(KafkaUnavailable, match="OutOfOrderSequenceNumber"):
        await publisher.publish(TOPIC, record())
    kafka.refusal = None
    assert await came(lambda: kafka.starts == 2 and publisher.ready)
    await publisher.publish(TOPIC, record())
    await publisher.stop(1)


async def test_it_is_replaced_though_kafka_leaves_a_question_unanswered() -> None:
    kafka = FakeKafka()
    publisher = await connected(kafka)
    kafka.silent, kafka.refusal = True, OutOfOrderSequenceNumber()
    assert await came(lambda: kafka.unanswered)
    with pytest.raises(KafkaUnavailable):
        await publisher.publish(TOPIC, record())
    kafka.silent, kafka.refusal = False, None
    assert await came(lambda: kafka.starts == 2 and publisher.ready)
    await publisher.publish(TOPIC, record())
    await publisher.stop(1)


@pytest.mark.parametrize("bounds", [Bounds(records=3, seconds=0.3), Bounds(total_bytes=40, seconds=0.3)])
async def test_beyond_its_bounds_the_publisher_takes_nothing(bounds: Bounds) -> None:
    kafka = FakeKafka()
    publisher = await connected(kafka, bounds)
    kafka.hanging = True
    waiting = [asyncio.create_task(publisher.publish(TOPIC, record(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await publisher.publish(TOPIC, record("one more"))
    kafka.come_back()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await publisher.publish(TOPIC, record("room again"))
    await publisher.stop(1)
    published = len([result for result in results if result is None]) + 1
    assert len(kafka.records(TOPIC.name)) == published
    assert b"one more" not in {each.key for each in kafka.records(TOPIC.name)}


async def test_overload_is_a_503_with_nothing_published(served: Served) -> None:
    served.gateway.publisher.in_flight = 10**9
    answer = await served.client.post(RUN, json=GOOD)
    assert (answer.status, (await answer.json())["title"]) == (503, "Overloaded")
    served.gateway.publisher.in_flight = 0
    assert not served.kafka.log


async def test_order_within_a_partition_holds_over_many_small_batches() -> None:
    kafka = FakeKafka(partitions=1, room=3)
    publisher = await connected(kafka, Bounds(seconds=30))
    await publisher.publish_many(TOPIC, [Record(b"k", str(number).encode(), 0, []) for number in range(5000)])
    await publisher.stop(1)
    assert [int(each.value or b"") for each in kafka.records(TOPIC.name)] == list(range(5000))


async def test_stopping_waits_for_what_is_in_flight() -> None:
    kafka = FakeKafka()
    publisher = await connected(kafka, Bounds(seconds=5))
    kafka.hanging = True
    call = asyncio.create_task(publisher.publish(TOPIC, record()))
    assert await came(lambda: kafka.waiting)
    stopping = asyncio.create_task(publisher.stop(5))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    kafka.come_back()
    await stopping
    await call


async def test_a_view_that_cannot_catch_up_never_says_404(served: Served) -> None:
    served.view.reachable = False
    answer = await served.client.get("/api/v1/valuation/status/8f14e45f-ceea-467f-a8f5-6ac0d0c5d3b1")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert orjson.loads(await answer.read())["title"] == "Job view behind"


async def test_partitions_that_a_topic_gains_get_their_share() -> None:
    kafka = FakeKafka(partitions=2)
    publisher = await connected(kafka, Bounds(seconds=30))
    kafka.partitions = 6
    assert await came(lambda: len(publisher._lanes[TOPIC.name]) == 6)
    await publisher.publish_many(TOPIC, [record(str(number)) for number in range(200)])
    await publisher.stop(1)
    assert {partition for partition, _ in kafka.log[TOPIC.name]} == set(range(6))


async def test_how_far_a_partition_reaches_is_known_from_the_acknowledgements() -> None:
    kafka, acknowledged = FakeKafka(partitions=1, room=2), Acknowledged()
    publisher = Publisher(lambda: kafka, topics(), Bounds(seconds=5.0), acknowledged=acknowledged)
    await publisher.start()
    assert await came(lambda: publisher.ready)
    place = TOPIC.name, 0
    await publisher.publish_all(TOPIC, [record(f"k{number}") for number in range(5)])
    assert acknowledged.reach({place: 0}) == {place: 5}
    await publisher.publish(TOPIC, record())
    assert acknowledged.reach({place: 0}) == {place: 6}
    await publisher.stop()

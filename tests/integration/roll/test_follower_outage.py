"""The follower while its Kafka is away, and when another Kafka comes back in its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.kafka import LocalKafka, Plan
from deploy.local.ports import free_ports
from schemas.topics import topics
from tests.integration.roll.test_follower import Followed, following, publish, settle
from tests.kafka import create_topics
from tests.unit.roll.builders import property_record


@asynccontextmanager
async def broker(port: int) -> AsyncIterator[LocalKafka]:
    cluster = await asyncio.to_thread(LocalKafka(Plan(port=port)).__enter__)
    try:
        yield cluster
    finally:
        await asyncio.to_thread(cluster.stop)


async def caught_up(followed: Followed, seconds: float = 40) -> set[str]:
    await asyncio.wait_for(followed.follower.catch_up(), seconds)
    return followed.ids()


async def test_the_roll_stays_while_kafka_is_away_and_goes_on_when_it_returns() -> None:
    [port] = free_ports(1)
    async with broker(port) as cluster:
        table = await create_topics(cluster.bootstrap_servers)
        await publish(cluster.bootstrap_servers, table.property_records, [property_record("P1"), property_record("P2")])
        async with following(cluster.bootstrap_servers, table, check_seconds=0.5) as followed:
            assert await caught_up(followed) == {"P1", "P2"}
            cluster.kill(0)
            waiting = asyncio.create_task(followed.follower.catch_up())
            await asyncio.sleep(1)  # an outage has to last
            assert not waiting.done()
            assert followed.ids() == {"P1", "P2"}
            await asyncio.to_thread(cluster.restart, 0)
            await asyncio.wait_for(waiting, 40)
            await publish(
                cluster.bootstrap_servers, table.property_records, [property_record("P3"), (b"BENTON/P1", None)]
            )
            assert await caught_up(followed) == {"P2", "P3"}
            assert followed.follower.ready


async def test_another_cluster_at_the_same_address_is_read_from_the_start() -> None:
    [port] = free_ports(1)
    async with broker(port) as first:
        servers = first.bootstrap_servers
        table = await create_topics(servers, "same.")
        await publish(servers, table.property_records, [property_record(f"P{n}") for n in range(40)])
        followed = Followed(servers, table, check_seconds=0.5)
        await followed.follower.start()
        assert len(await caught_up(followed)) == 40
    async with broker(port) as second:
        assert second.bootstrap_servers == servers
        await create_topics(servers, "same.")
        await publish(servers, table.property_records, [property_record(f"Q{n}") for n in range(400)])
        await settle(lambda: followed.ids() == {f"Q{n}" for n in range(400)}, 40)
        await asyncio.wait_for(followed.follower.wait_ready(), 20)
        await followed.follower.stop()


async def test_a_follower_started_before_kafka_waits_for_it() -> None:
    [port] = free_ports(1)
    table = topics("early.")
    followed = Followed(f"127.0.0.1:{port}", table)
    await followed.follower.start()
    await asyncio.sleep(0.5)  # long enough to have tried
    assert not followed.follower.ready
    assert followed.follower.failure is None
    async with broker(port) as cluster:
        await create_topics(cluster.bootstrap_servers, "early.")
        await publish(cluster.bootstrap_servers, table.property_records, [property_record("P1")])
        assert await caught_up(followed) == {"P1"}
        await followed.follower.stop()

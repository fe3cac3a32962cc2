"""The ledger against a real Kafka: generations of the group, transactions left open, atomic writes."""

import asyncio

import pytest

from deploy.local.kafka import LocalKafka
from processor.errors import Fenced, RecordRefused, TryAgain
from processor.lanes.committed import Unstable
from processor.lanes.protocol import Tenure
from tests.integration.processor.members import Seen, error_of, holds_offset, member_of, values_of, write
from tests.integration.processor.workers import following
from tests.kafka import create_topics


async def test_who_has_lost_the_partition_writes_nothing_more(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as first:
        zombie = await first.holding()
        await write(zombie, topics, 1, b"a")
        await first.leave()
        async with member_of(kafka, topics) as second:
            assert isinstance(await error_of(write(zombie, topics, 2, b"zombie")), Fenced)
            assert await second.committed() == 1
            heir = await second.holding()
            for _ in range(3):
                assert isinstance(await error_of(write(zombie, topics, 2, b"zombie")), TryAgain | Fenced)
            assert isinstance(await error_of(write(zombie, topics, 2, b"zombie")), Fenced)
            await write(heir, topics, 2, b"b")
            assert await holds_offset(second, 2)
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 2) == [b"a", b"b"]


async def test_what_a_holder_that_is_gone_had_open_is_never_seen_and_holds_nobody_up(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as first:
        await first.holding()
        await first.leave_open(b"half", 7)
        await first.writer.close()
        await first.leave()
        async with member_of(kafka, topics) as second, asyncio.timeout(20):
            with pytest.raises(Unstable):
                await second.committed()
            heir = await second.holding()
            assert await holds_offset(second, 0)
            await write(heir, topics, 1, b"whole")
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 1) == [b"whole"]


async def test_a_holder_that_lives_ends_its_own_transactions(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as first:
        await first.holding()
        await first.leave_open(b"slow", 7)
        producer = first.writer._producer
        assert producer is not None
        async with member_of(kafka, topics) as second:
            ledger = second.ledger()
            ledger._group = Seen(second, frozenset({first.name, second.name}))
            await ledger.start()
            with pytest.raises(Unstable):
                await second.committed()
            await first.writer._end(producer)
            assert await holds_offset(second, 7)
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 1) == [b"slow"]


async def test_who_was_taken_for_gone_begins_anew_and_goes_on(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as first, member_of(kafka, topics) as other:
        first.tenure = Tenure(first.coordinator.generation, first.coordinator.member_id, None)
        ledger = await first.holding()
        await other.writer.end(first.name)
        assert isinstance(await error_of(write(ledger, topics, 1, b"a")), TryAgain)
        await first.journal.sound()
        await write(first.ledger(), topics, 1, b"b")
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 1) == [b"b"]


async def test_partitions_commit_together(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as member:
        ledgers = await asyncio.gather(*(member.holding(number) for number in range(12)))
        await asyncio.gather(*(write(ledger, topics, 5, b"%d" % at) for at, ledger in enumerate(ledgers)))
        assert all([await holds_offset(member, 5, number) for number in range(12)])
    with following(kafka, topics.results.name) as results:
        assert sorted(values_of(results, 12), key=str) == sorted((b"%d" % at for at in range(12)), key=str)
        assert {record.partition(): record.value() for record in results.records} == {
            at: b"%d" % at for at in range(12)
        }


async def test_thousands_of_rows_of_all_sizes_arrive_whole_and_in_order(kafka: str) -> None:
    topics = await create_topics(kafka)
    values = [b"%d:" % number + b"x" * (number * 37 % 2_000) for number in range(4_000)]
    async with member_of(kafka, topics) as member:
        ledger = await member.holding()
        await write(ledger, topics, 1, *values)
        await write(ledger, topics, 2, b"last")
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 4_001) == [*values, b"last"]


async def test_a_record_that_the_broker_refuses_is_told_from_other_failures(kafka: str) -> None:
    topics = await create_topics(kafka)
    async with member_of(kafka, topics) as member:
        large, small = await member.holding(0, 8_000_000), await member.holding(1)
        outcomes = await asyncio.gather(
            error_of(write(large, topics, 1, b"small", b"x" * 2_000_000)), error_of(write(small, topics, 1, b"other"))
        )
        assert [type(outcome) for outcome in outcomes] == [RecordRefused, TryAgain]
        await write(large, topics, 1, b"next")
    with following(kafka, topics.results.name) as results:
        assert values_of(results, 1) == [b"next"]


async def test_a_journal_stops_while_the_broker_is_away() -> None:
    with LocalKafka() as cluster:
        topics = await create_topics(cluster.bootstrap_servers)
        async with member_of(cluster.bootstrap_servers, topics) as member:
            ledger = await member.holding()
            cluster.kill(0)
            writing = asyncio.create_task(write(ledger, topics, 1, b"a"))
            await asyncio.wait({writing}, timeout=1)
            async with asyncio.timeout(15):
                await member.journal.stop()
            writing.cancel()
            await asyncio.wait({writing})

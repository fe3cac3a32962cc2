"""What is PostgreSQL's own: several gateways on one database, a server that goes away, texts it cannot hold."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from producer.store.base import Changes, JobFilter
from producer.store.errors import StoreReplaced, StoreUnavailable
from producer.store.postgres.store import PostgresStore
from tests.unit.store.rows import REQUESTS, RESULTS, Jobs, positions_after, uuid_of, write


@pytest.fixture
async def pair(postgres: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    schema = f"t{uuid4().hex}"
    one, other = PostgresStore(postgres, schema), PostgresStore(postgres, schema)
    await asyncio.gather(one.open(), other.open())
    yield one, other
    await one.close()
    await other.close()


async def test_what_two_gateways_write_of_the_same_topics_is_stored_once(
    pair: tuple[PostgresStore, PostgresStore],
) -> None:
    one, other = pair
    jobs = Jobs()
    rows = [row for _ in range(150) for row in (jobs.requested(batch_id="b"), jobs.ended(batch_id="b"))]
    mark = await one.bookmark()

    async def follow(store: PostgresStore, step: int) -> None:
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            await store.apply(Changes(mark.generation, REQUESTS, RESULTS, positions_after(some), some))

    await asyncio.gather(follow(one, 14), follow(other, 22))
    assert (await other.jobs(JobFilter(limit=1000))).count == 300
    batch = await one.batch("b")
    assert batch is not None
    assert (batch.published, batch.completed) == (300, 150)
    assert (await one.bookmark()).positions == {(REQUESTS, 0): 150, (RESULTS, 0): 150}


async def test_what_one_gateway_has_written_another_reads(pair: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = pair
    row = Jobs().ended()
    await write(one, row)
    assert await other.job(uuid_of(row)) == row.job
    page = await one.jobs(JobFilter(limit=1))
    assert page == await other.jobs(JobFilter(limit=1))


async def test_a_gateway_learns_that_another_has_emptied_the_store(pair: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = pair
    mark = await one.bookmark()
    await other.reset("new")
    with pytest.raises(StoreReplaced):
        await one.apply(Changes(mark.generation, REQUESTS, RESULTS, {}))


async def test_a_server_that_is_away_is_said_and_comes_back(postgres: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    store = PostgresStore(f"postgresql://test@127.0.0.1:{port}/postgres")
    with pytest.raises(StoreUnavailable, match="PostgreSQL"):
        await store.open()
    await store.close()
    store = PostgresStore(postgres, f"t{uuid4().hex}")
    await store.open()
    await store._pool.expire_connections()
    with pytest.raises(StoreUnavailable):
        await _lose_connection(store)
    row = Jobs().requested()
    await write(store, row)
    assert await store.job(uuid_of(row)) == row.job
    await store.close()


async def _lose_connection(store: PostgresStore) -> None:
    async with store._connection() as connection, store._connection() as other:
        await connection.execute("SELECT pg_terminate_backend($1)", other.get_server_pid())
        await other.execute("SELECT 1")


async def test_a_text_with_character_zero_stops_nothing(pair: tuple[PostgresStore, PostgresStore]) -> None:
    store, _ = pair
    row = Jobs().requested(batch_id="a\0b")
    await write(store, row)
    assert await store.job(uuid_of(row)) == row.job
    assert (await store.jobs(JobFilter(batch_id="a\0b"))).count == 1
    assert await store.batch("a\0b") is not None

"""Real Kafka for the tests: one local broker for the whole session, and topics of their own for whoever asks."""

import asyncio
import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from deploy.local.kafka import LocalKafka
from deploy.local.topics import apply_topics, wake_coordinators
from schemas.topics import Topics, topics


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of a real Kafka: KAFKA_BOOTSTRAP_SERVERS where set, else a broker of this session."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with LocalKafka() as cluster:
        asyncio.run(wake_coordinators({"bootstrap_servers": cluster.bootstrap_servers}))
        yield cluster.bootstrap_servers


async def create_topics(bootstrap: str, prefix: str | None = None) -> Topics:
    """Create a set of all topics under a prefix that no other test uses."""
    table = topics(f"t{uuid4().hex[:10]}." if prefix is None else prefix)
    await apply_topics(table, {"bootstrap_servers": bootstrap})
    return table


@pytest.fixture
def own_topics(kafka: str) -> Topics:
    """A set of all topics of this test's own, for tests that run no event loop yet; others await `create_topics`."""
    return asyncio.run(create_topics(kafka))

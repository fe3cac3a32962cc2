"""aiokafka's clients as the view uses them: how they read, and how they are made to let go."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from producer.store.base import Place
from producer.view.errors import LogUnavailable

FETCH_WAIT_MS: Final = 500
ANSWER_S: Final = 5.0
_PARTITION_FETCH_BYTES: Final = 1 << 20
_STOP_S: Final = 2.0
_METADATA_AGE_MS: Final = 10_000


def reader(options: Mapping[str, Any], auto_offset_reset: str = "none") -> AIOKafkaConsumer:
    """Return a consumer of committed records, of no group, that is not started yet."""
    return AIOKafkaConsumer(
        **options,
        client_id="terrafusion-view",
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset=auto_offset_reset,
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
        metadata_max_age_ms=_METADATA_AGE_MS,
        request_timeout_ms=int(ANSWER_S * 1000),
        retry_backoff_ms=50,
    )


def partitions_in(described: Sequence[Mapping[str, Any]], topics: Sequence[str]) -> list[TopicPartition]:
    """Return the partitions of the topics; raises LogUnavailable where one of them is missing."""
    found = {topic["topic"]: topic["partitions"] for topic in described if not topic["error_code"]}
    missing = [topic for topic in topics if not found.get(topic)]
    if missing:
        raise LogUnavailable(f"no topic {', '.join(missing)} yet")
    return [TopicPartition(topic, each["partition"]) for topic in topics for each in found[topic]]


def places(offsets: Mapping[TopicPartition, int]) -> dict[Place, int]:
    """Return offsets by topic and partition number."""
    return {(at.topic, at.partition): offset for at, offset in offsets.items()}


async def stop_client(client: AIOKafkaConsumer | AIOKafkaAdminClient | None) -> None:
    """Disconnect a client, telling it twice if need be.

    A client that is only just connecting may miss being told to stop (under Python 3.11 ``asyncio.wait_for``, which
    aiokafka uses, swallows a cancellation that comes with its answer), or raise a CancelledError of its own (a
    group-less coordinator that has not run yet).
    """
    if client is None:
        return
    first = client.close if isinstance(client, AIOKafkaAdminClient) else client.stop
    for stop in (first, client._client.close):  # noqa: SLF001 - there is no public second try
        try:
            async with asyncio.timeout(_STOP_S):
                await stop()
                return
        except (KafkaError, OSError, TimeoutError):
            pass
        except asyncio.CancelledError:
            if cancelled():
                raise


def cancelled() -> bool:
    """Whether the running task itself is being cancelled, and not something that it waits for."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


def said(wrong: BaseException) -> str:
    """Return what an error says, its type where it says nothing."""
    return str(wrong) or type(wrong).__name__

"""Removes dead letters for good: everything of a partition up to a position, as Kafka can remove."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from producer.deadletters.errors import LettersUnavailable
from producer.deadletters.reading import marks
from schemas.topics import Topics

_REQUEST_MS: Final = 15_000


async def purge(options: Mapping[str, Any], table: Topics, before: Mapping[int, int]) -> dict[int, int]:
    """Remove every letter of the named partitions before the named offsets; return where the partitions begin then.

    The marks of replays of what is gone go as well; where that fails they lie about and mean nothing.

    Raises:
        LettersUnavailable: Kafka cannot be reached or refuses.
    """
    admin = AIOKafkaAdminClient(**options, client_id="terrafusion-dead-letters", request_timeout_ms=_REQUEST_MS)
    topic = table.dead_letters.name
    try:
        await admin.start()
        wanted = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
        begin = {at.partition: low for at, low in (await admin.delete_records(wanted)).items()} if wanted else {}
    except (KafkaError, OSError) as wrong:
        raise LettersUnavailable(f"The dead letters cannot be removed: {wrong or repr(wrong)}") from wrong
    finally:
        await admin.close()
    with suppress(KafkaError, OSError, LettersUnavailable):
        await _forget(options, table.replays.name, begin)
    return begin


async def _forget(options: Mapping[str, Any], topic: str, begin: Mapping[int, int]) -> None:
    gone = [mark for mark in await marks(options, topic) if _is_before(mark, begin)]
    if not gone:
        return
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        for mark in gone:
            await producer.send(topic, None, mark.encode(), partition=0)
        await producer.flush()
    finally:
        await producer.stop()


def _is_before(mark: str, begin: Mapping[int, int]) -> bool:
    partition, offset, _ = mark.split(":")
    return int(offset) < begin.get(int(partition), 0)

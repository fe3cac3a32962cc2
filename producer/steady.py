"""Publishes a batch in the background, share by share, through outages of Kafka and until somebody cancels it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from producer.batching import batch_records
from producer.cancelling import Cancelling
from producer.errors import Unavailable
from producer.headers import BatchNote
from producer.lane import Record
from producer.orders import Order
from producer.publisher import Publisher
from producer.store.base import JobFilter
from producer.view.base import View
from schemas.cloudevents import Header
from schemas.logs import get_logger
from schemas.topics import Topic

SHARE: Final = 1_000
_RETRY_SECONDS: Final = 1.0
_PAGE: Final = 1_000
_log = get_logger(__name__)


async def publish_steadily(  # noqa: PLR0913, PLR0917 - what is published, and where
    view: View,
    publisher: Publisher,
    topic: Topic,
    note: BatchNote,
    shares: Iterable[Sequence[Order]],
    first: Sequence[Header] = (),
) -> bool:
    """Publish shares of a batch one after the other; returns False where the batch was cancelled meanwhile.

    The first record bears the headers ``first`` as well.
    """
    watched = Cancelling(view, note.batch_id)
    for share in shares:
        if await watched.cancelled():
            return False
        await _publish(publisher, topic, note.batch_id, batch_records(note, share, first))
        first = ()
    return True


async def _publish(publisher: Publisher, topic: Topic, batch_id: str, records: Sequence[Record]) -> None:
    while True:
        try:
            await publisher.publish_all(topic, records)
        except Unavailable as wrong:
            _log.info("a batch waits for kafka", batch_id=batch_id, cause=str(wrong))
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def published_jobs(view: View, batch_id: str) -> set[str]:
    """Return the job ids of a batch's requests that the view has seen on the topic."""
    done: set[str] = set()
    cursor = None
    while True:
        page = await view.jobs(JobFilter(batch_id=batch_id, limit=_PAGE, cursor=cursor))
        done |= {job["job_id"] for job in orjson.loads(page.items)}
        cursor = page.next
        if cursor is None:
            return done

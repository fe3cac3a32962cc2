"""Whether the brokers of a run have everything there is: the state in which one of them may be broken without loss."""

import asyncio
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.chaos.breaking import Process

_ANSWER_SECONDS: Final = 2.0


class Cluster:
    """Asks the brokers which replicas are in sync."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 3000})

    async def in_sync(self) -> bool:
        """Return whether every replica of every partition is; False also while the brokers do not say."""
        return await asyncio.to_thread(self._in_sync)

    def _in_sync(self) -> bool:
        try:
            topics = self._admin.list_topics(timeout=_ANSWER_SECONDS).topics.values()
        except KafkaException:
            return False
        return all(
            len(partition.isrs) == len(partition.replicas)
            for topic in topics
            for partition in topic.partitions.values()
        )


@dataclass(frozen=True, slots=True)
class Replicated(Process):
    """A broker as a target: ready when it lacks nothing that the others have, and they nothing of its."""

    cluster: Cluster

    async def ready(self) -> bool:
        """Return whether it runs, serves, and all replicas are in sync."""
        return await Process.ready(self) and await self.cluster.in_sync()

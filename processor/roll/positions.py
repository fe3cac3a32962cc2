"""How far the compacted topics were read, and who waits for which positions."""

from asyncio import Future
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

Ends = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class _Waiter:
    ends: Ends
    futures: list[Future[None]]


class Positions:
    """The next offset to read of each partition, the latest timestamp read, and waiters for positions.

    Offsets are compared with the broker's word on where the next fetch continues, never with the last record seen:
    control records, aborted transactions and compaction leave offsets that no record has.
    """

    def __init__(self) -> None:
        self.next: dict[TopicPartition, int] = {}
        self.latest_ms: dict[TopicPartition, int] = {}
        self._waiters: list[_Waiter] = []

    def advance(self, positions: Ends, latest_ms: Ends) -> None:
        """Take over how far each partition is applied, and wake whoever waited for it.

        ``latest_ms`` is, per partition, a time no earlier than any timestamp before its position.
        """
        self.next.update(positions)
        for partition, latest in latest_ms.items():
            self.latest_ms[partition] = max(latest, self.latest_ms.get(partition, 0))
        still: list[_Waiter] = []
        for waiter in self._waiters:
            if self.reached(waiter.ends):
                _wake(waiter.futures)
            else:
                still.append(waiter)
        self._waiters = still

    def wait_for(self, ends: Ends, futures: list[Future[None]]) -> None:
        """Wake the futures once everything before ``ends`` is applied, at once where it is already."""
        if self.reached(ends):
            _wake(futures)
        else:
            self._waiters.append(_Waiter(ends, futures))

    def reached(self, ends: Ends) -> bool:
        """Tell whether everything before ``ends`` is applied."""
        return all(self.next.get(partition, 0) >= end for partition, end in ends.items())

    def reset(self) -> list[Future[None]]:
        """Forget everything; returns the futures that waited, whose ends mean nothing any more."""
        self.next.clear()
        self.latest_ms.clear()
        waiting = [future for waiter in self._waiters for future in waiter.futures]
        self._waiters = []
        return waiting


def _wake(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)

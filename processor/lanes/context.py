"""What all lanes of a worker share: their collaborators, limits, and whom to tell."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import TopicPartition

from processor.batch import Batch, Outcomes, Row
from processor.lanes.budget import Budget
from processor.lanes.committed import Committed
from processor.lanes.limits import DeadLetterLimits
from processor.lanes.turns import Turns
from processor.pace import Pace


class Book(Protocol):
    """What a lane needs of its ledger."""

    async def start(self) -> None:
        """Fence every earlier holder of the partition, and wait until its last transaction has ended either way."""
        ...

    async def write(self, rows: Mapping[str, Sequence[Row]], next_offset: int, mark: str) -> None:
        """Write rows and commit the offset, marked, in one transaction; when this raises, the outcome is unknown."""
        ...

    async def discard(self) -> None:
        """Give the connections up, whatever is in flight."""
        ...


class Submit(Protocol):
    """Where batches are answered."""

    async def submit(self, batch: Batch) -> Outcomes:
        """Return a batch's outcomes."""
        ...


@dataclass(frozen=True, slots=True)
class LaneContext:
    """What a lane works with."""

    desk: Submit
    budget: Budget
    pace: Pace
    limits: DeadLetterLimits
    results: str
    """Name of the results topic."""
    dead_letters: str
    """Name of the dead letters topic."""
    record_limit: int
    max_records: int
    commit_seconds: float
    turns: Turns
    book: Callable[[TopicPartition, int], Book]
    """Makes the ledger of a partition, given the most bytes of a record batch."""
    committed: Callable[[TopicPartition], Awaitable[Committed | None]]
    """Asks for what was committed last of a partition."""
    bounds: Callable[[TopicPartition], Awaitable[tuple[int, int]]]
    """Asks for the first offset of a partition and the one after its last."""
    count: Callable[[Sequence[Outcomes], float], None]
    """Counts what a committed transaction settled, and how long it took."""
    aborted: Callable[[str], None]
    """Counts a lane's interruption, by reason."""
    fatal: Callable[[BaseException], None]
    """Ends the process: an error that nobody foresaw."""

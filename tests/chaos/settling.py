"""When a run is over: everything accepted is answered, every dead letter written, the view as far as the topics."""

import time
from collections.abc import Sequence
from typing import Final

from schemas.topics import topics
from tests.chaos.audit import audit_view
from tests.chaos.history import Asked, End, Operation, Outcome, Result, Sent, Viewed
from tests.chaos.sending import Sender
from tests.chaos.watching import Watcher
from tests.records import committed_records
from tests.waiting import holds

_VIEW_SECONDS: Final = 60.0


async def all_answered(sending: Sender, watcher: Watcher, quiet_seconds: float) -> None:
    """Return when every accepted job has a result, or when no result has come for a while: the checker will tell."""
    received = -1
    while received != len(watcher.jobs):
        received = len(watcher.jobs)

        async def moved(before: int = received) -> bool:
            return len(watcher.jobs) > before or watcher.jobs.issuperset(sending.accepted)

        await holds(moved, quiet_seconds)


def dead_letters_written(bootstrap: str, journal: Sequence[Operation], seconds: float) -> None:
    """Return when there are as many dead letters as were asked for, or when the time is over."""
    dead = {each.token for each in journal if isinstance(each, Asked) and each.end in (End.POISON, End.INVALID)}
    wanted = {
        (each.partition, each.offset)
        for each in journal
        if isinstance(each, Sent) and each.outcome is Outcome.ACKNOWLEDGED and each.token in dead
    }
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sum(1 for _ in committed_records(bootstrap, topics().dead_letters.name)) >= len(wanted):
            return


async def listed_by_view(url: str, journal: Sequence[Operation]) -> list[Operation]:
    """Return the jobs that the view lists once it lists an end for every result, or when the time is over."""
    results = {each.job_id for each in journal if isinstance(each, Result)}
    end = time.monotonic() + _VIEW_SECONDS
    while True:
        listed = await audit_view(url)
        ended = {each.job_id for each in listed if isinstance(each, Viewed) and each.status in ("COMPLETED", "FAILED")}
        if ended >= results or time.monotonic() > end:
            return listed

"""How the view shares the loop: it rests after what it read, but not on its way to being ready."""

from pathlib import Path
from uuid import uuid4

from producer.store.sqlite.store import SqliteStore
from producer.view.view import JobView
from tests.unit.view.conftest import QUICK
from tests.unit.view.fakes import TOPICS, Cluster, MemoryLog
from tests.waiting import holds


class NotedLog(MemoryLog):
    """Notes the rests, and whether the view was ready then."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster, at_once=500)
        self.rests: list[float] = []

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        await super().rest(0)


async def test_the_view_does_not_rest_on_a_backlog_and_then_rests_by_what_it_read(path: Path, cluster: Cluster) -> None:
    backlog = [uuid4() for _ in range(3000)]
    for job_id in backlog:
        cluster.request(job_id)
    log = NotedLog(cluster)
    view = JobView(SqliteStore(path), log, TOPICS, QUICK)
    await view.start()

    async def ready() -> bool:
        return view.ready

    assert await holds(ready, 10)
    assert len(log.rests) <= 1, "only the last poll, which reached the end, may be followed by a rest"
    late = uuid4()
    cluster.request(late)
    assert await view.catch_up(5)
    assert log.rests[-1] <= 0.02
    for job_id in (backlog[0], backlog[-1], late):
        assert await view.job(job_id) is not None
    await view.stop()

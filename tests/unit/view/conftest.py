"""A view over topics in memory and a real SQLite store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from producer.store.base import JobStore
from producer.store.sqlite.store import SqliteStore
from producer.view.settings import ViewSettings
from producer.view.view import JobView
from tests.unit.view.fakes import TOPICS, Cluster, MemoryLog
from tests.waiting import holds

QUICK = ViewSettings(write_interval_s=0.01, listing_waits_s=5.0)
Start = Callable[..., "object"]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@asynccontextmanager
async def running(
    cluster: Cluster, store: JobStore, settings: ViewSettings = QUICK, *, ready: bool = True
) -> AsyncIterator[JobView]:
    """Run a view; stop it at the end whatever happens."""
    view = JobView(store, MemoryLog(cluster), TOPICS, settings)
    async with AsyncExitStack() as stack:
        await view.start()
        stack.push_async_callback(view.stop)
        if ready:
            assert await holds(_ready(view), 5), view.trouble
        yield view


def _ready(view: JobView):  # type: ignore[no-untyped-def]  # noqa: ANN202
    async def ready() -> bool:
        return view.ready

    return ready


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture
async def view(cluster: Cluster, path: Path) -> AsyncIterator[JobView]:
    async with running(cluster, SqliteStore(path)) as made:
        yield made

"""Every kind of job store, behind one fixture: the same suite holds them all to the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from producer.store.base import JobStore
from producer.store.sqlite.store import SqliteStore


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[JobStore]:
    assert request.param == "sqlite"
    made = SqliteStore(tmp_path / "jobs.sqlite")
    await made.open()
    yield made
    await made.close()

"""Every kind of job store, behind one fixture: the same suite holds them all to the same promises."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from producer.store.base import JobStore
from producer.store.postgres.store import PostgresStore
from producer.store.sqlite.store import SqliteStore
from tests.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[JobStore]:
    made: JobStore
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "jobs.sqlite")
    else:
        made = PostgresStore(request.getfixturevalue("postgres"), schema_name=f"t{uuid4().hex}")
    await made.open()
    yield made
    await made.close()

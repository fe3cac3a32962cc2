"""JOB_STORE_URL names the job store."""

from pathlib import Path

import pytest

from producer.store.choice import job_store
from producer.store.postgres.store import PostgresStore
from producer.store.sqlite.store import SqliteStore
from schemas.errors import SettingsError

HERE = Path("jobs.sqlite")


def test_sqlite_in_the_data_directory_is_the_default() -> None:
    store = job_store(None, HERE)
    assert isinstance(store, SqliteStore)
    assert store._path == HERE


@pytest.mark.parametrize(("url", "path"), [("sqlite:///a/b.db", "a/b.db"), ("sqlite:////a/b.db", "/a/b.db")])
def test_a_sqlite_url_names_a_file(url: str, path: str) -> None:
    store = job_store(url, HERE)
    assert isinstance(store, SqliteStore)
    assert store._path == Path(path)


@pytest.mark.parametrize("url", ["postgresql://user@host/jobs", "postgres://host/jobs?sslmode=require"])
def test_a_postgresql_url_names_a_server(url: str) -> None:
    assert isinstance(job_store(url, HERE), PostgresStore)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "mysql://host/jobs", "jobs.sqlite"])
def test_anything_else_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(SettingsError, match="JOB_STORE_URL"):
        job_store(url, HERE)

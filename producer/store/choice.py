"""Chooses the job store that ``JOB_STORE_URL`` names."""

from pathlib import Path

from producer.store.base import JobStore
from producer.store.sqlite.store import SqliteStore
from schemas.errors import SettingsError

_POSTGRES = ("postgresql://", "postgres://")
_SQLITE = "sqlite:///"


def job_store(url: str | None, default: Path) -> JobStore:
    """Return the store of a URL, SQLite in ``default`` where there is none; nothing is opened yet.

    ``sqlite:///jobs.sqlite`` is relative to the working directory, ``sqlite:////var/jobs.sqlite`` is not.

    Raises:
        SettingsError: there is no store of that kind, or its driver is not installed.
    """
    if url is None:
        return SqliteStore(default)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SqliteStore(Path(url.removeprefix(_SQLITE)))
    if not url.startswith(_POSTGRES):
        raise SettingsError("JOB_STORE_URL must be sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    try:
        from producer.store.postgres.store import PostgresStore  # noqa: PLC0415 - its driver is an optional dependency
    except ImportError as missing:
        raise SettingsError("JOB_STORE_URL names PostgreSQL: install terrafusion-sync[postgresql]") from missing
    return PostgresStore(url)

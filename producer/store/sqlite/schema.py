"""The SQLite file: its tables, its indexes, and the settings every connection needs.

A job's row never moves once written, so that the main table, the indexes by county and by outcome, and the one by job
id (for ids that grow with time) are appended to. The index by property is split into buckets of consecutive jobs:
inserting then touches the few pages of the newest bucket instead of one random page for each job.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from producer.store.errors import StoreUnavailable

VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE state(
    generation TEXT NOT NULL, cluster_id TEXT, next_chunk INTEGER NOT NULL, result_bytes INTEGER NOT NULL);
CREATE TABLE positions(
    topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(topic, partition)
) WITHOUT ROWID;
CREATE TABLE jobs(
    seq INTEGER PRIMARY KEY, job_id BLOB NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    outcome INTEGER NOT NULL, county_id TEXT NOT NULL, property_id TEXT NOT NULL, batch_id TEXT,
    bucket INTEGER NOT NULL, chunk INTEGER, start INTEGER, length INTEGER, job BLOB NOT NULL);
CREATE UNIQUE INDEX jobs_by_id ON jobs(job_id);
CREATE INDEX jobs_by_outcome ON jobs(outcome, created_ms);
CREATE INDEX jobs_by_county ON jobs(county_id, outcome, created_ms);
CREATE INDEX jobs_by_property ON jobs(bucket, property_id, county_id, outcome, created_ms);
CREATE INDEX jobs_by_batch ON jobs(batch_id, county_id, outcome, created_ms) WHERE batch_id IS NOT NULL;
CREATE TABLE buckets(
    bucket INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, jobs INTEGER NOT NULL);
CREATE TABLE chunks(
    chunk INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, results INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE idempotency(
    key_id BLOB PRIMARY KEY, job_id BLOB NOT NULL, fingerprint BLOB NOT NULL, created_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_by_creation ON idempotency(created_ms);
CREATE TABLE batches(
    number INTEGER PRIMARY KEY, batch_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, county_id TEXT, total INTEGER,
    cancelled INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    first_result_ms INTEGER, parameters BLOB);
CREATE INDEX batches_by_creation ON batches(created_ms);
CREATE TABLE batch_outcomes(
    batch_id TEXT NOT NULL, outcome INTEGER NOT NULL, jobs INTEGER NOT NULL, PRIMARY KEY(batch_id, outcome)
) WITHOUT ROWID;
"""
_TABLES: Final = ("positions", "jobs", "buckets", "chunks", "idempotency", "batches", "batch_outcomes", "state")

_BUSY_SECONDS: Final = 5.0
_WRITER_CACHE_KIB: Final = 64 * 1024
_READER_CACHE_KIB: Final = 16 * 1024
_CHECKPOINT_PAGES: Final = 4096
_WAL_LIMIT_BYTES: Final = 64 << 20


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the file to write, making it and its tables where they are not there yet.

    A file that SQLite cannot read, or of another version, is set aside: the topics fill a new one.

    Raises:
        StoreUnavailable: the file cannot be made or opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(path)
        except sqlite3.DatabaseError as broken:
            if isinstance(broken, sqlite3.OperationalError):
                raise
            _set_aside(path)
            return _prepared(path)
    except (OSError, sqlite3.Error) as wrong:
        raise StoreUnavailable(f"the job store {path} cannot be opened: {wrong}") from wrong


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file to read only; a writer must have opened it before."""
    connection = _connect(path, _READER_CACHE_KIB)
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the body in one write transaction, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def empty(connection: sqlite3.Connection, cluster_id: str | None) -> str:
    """Forget everything within the open transaction and return the new generation."""
    (next_chunk,) = connection.execute("SELECT coalesce(max(next_chunk), 1) FROM state").fetchone()
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of the schema above
    generation = uuid4().hex
    connection.execute("INSERT INTO state VALUES (?, ?, ?, 0)", (generation, cluster_id, next_chunk))
    return generation


def _prepared(path: Path) -> sqlite3.Connection:
    connection = _connect(path, _WRITER_CACHE_KIB)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version != 0:
            raise sqlite3.DatabaseError(f"the file is of version {version}, this program writes {VERSION}")
        for statement in _SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        empty(connection, None)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _connect(path: Path, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _set_aside(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.replace(path.with_name(f"{path.name}.unreadable{suffix}"))

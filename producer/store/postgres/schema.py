"""The tables, in a schema named after their version, so that an older gateway and a newer one do not share tables.

The state row is locked by every writer: gateways that share the store write one after the other, and what one has
written the next leaves out. Texts are compared byte by byte, as they are in SQLite.
"""

from typing import Any, Final
from uuid import uuid4

VERSION: Final = 1
SCHEMA: Final = f"terrafusion_jobs_v{VERSION}"

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS state(
    one boolean PRIMARY KEY DEFAULT true CHECK (one), generation text NOT NULL, cluster_id text,
    next_chunk bigint NOT NULL, result_bytes bigint NOT NULL);
CREATE TABLE IF NOT EXISTS positions(
    topic text COLLATE "C", partition int, position bigint NOT NULL, PRIMARY KEY(topic, partition));
CREATE TABLE IF NOT EXISTS jobs(
    job_id bytea PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL, outcome smallint NOT NULL, county_id text COLLATE "C" NOT NULL,
    property_id text COLLATE "C" NOT NULL, batch_id text COLLATE "C", chunk bigint, start int, length int,
    job bytea NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_seq ON jobs(seq);
CREATE INDEX IF NOT EXISTS jobs_by_outcome ON jobs(outcome, created_ms, seq);
CREATE INDEX IF NOT EXISTS jobs_by_county ON jobs(county_id, outcome, created_ms, seq);
CREATE INDEX IF NOT EXISTS jobs_by_property ON jobs(property_id, county_id, outcome, created_ms, seq);
CREATE INDEX IF NOT EXISTS jobs_by_batch ON jobs(batch_id, county_id, outcome, created_ms, seq)
    WHERE batch_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS chunks(
    chunk bigint PRIMARY KEY, created_ms bigint NOT NULL, results int NOT NULL, data bytea NOT NULL);
ALTER TABLE chunks ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS idempotency(
    key_id bytea PRIMARY KEY, job_id bytea NOT NULL, fingerprint bytea NOT NULL, created_ms bigint NOT NULL);
CREATE INDEX IF NOT EXISTS idempotency_by_creation ON idempotency(created_ms);
CREATE TABLE IF NOT EXISTS batches(
    number bigint GENERATED ALWAYS AS IDENTITY, batch_id text COLLATE "C" PRIMARY KEY, kind text NOT NULL,
    county_id text, total int, cancelled boolean NOT NULL DEFAULT false, created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL, first_result_ms bigint, parameters bytea);
CREATE INDEX IF NOT EXISTS batches_by_creation ON batches(created_ms, number);
CREATE TABLE IF NOT EXISTS batch_outcomes(
    batch_id text COLLATE "C", outcome smallint, jobs bigint NOT NULL, PRIMARY KEY(batch_id, outcome));
"""
_EMPTIED: Final = "positions, jobs, chunks, idempotency, batches, batch_outcomes"
_ONE_AT_A_TIME: Final = 7_237_123_014_566_201_857
"""Number of the lock that gateways which start together take in turn."""


async def create(connection: Any, schema: str) -> None:
    """Make the schema and its tables where they are not there yet."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await connection.execute(_TABLES)
        await connection.execute(
            "INSERT INTO state(generation, next_chunk, result_bytes) VALUES ($1, 1, 0) ON CONFLICT DO NOTHING",
            uuid4().hex,
        )


async def empty(connection: Any, cluster_id: str | None) -> None:
    """Forget everything within the open transaction, under a new generation."""
    await connection.execute("SELECT 1 FROM state FOR UPDATE")
    await connection.execute(f"TRUNCATE {_EMPTIED}")
    await connection.execute(
        "UPDATE state SET generation = $1, cluster_id = $2, result_bytes = 0", uuid4().hex, cluster_id
    )

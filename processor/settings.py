"""Settings of a worker: ``PROCESSOR_*`` in the environment, beside the common ones and Kafka's."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessorSettings(BaseSettings):
    """How one worker works."""

    model_config = SettingsConfigDict(
        env_prefix="PROCESSOR_", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    host: str = Field("127.0.0.1", description="where a worker serves its metrics and health")
    port: int = Field(8001, ge=1, le=65_535, description="port of the first worker; worker n of `make run` adds n")
    group: str = Field("valuation-processor", min_length=1, description="consumer group that the workers share")
    instance_id: str | None = Field(
        None,
        description="static group membership: a restart within the session timeout moves no partition; "
        "unique in the group",
    )
    session_timeout_ms: int = Field(10_000, ge=6_000, description="a silent worker loses its partitions after this")
    engine: Literal["county", "constant"] = Field(
        "county", description="`county`: the engines of the counties; `constant`: one fixed value, for benchmarks only"
    )
    max_records: int = Field(8_000, ge=1, description="most requests in one transaction, with a backlog")
    batch_seconds: float = Field(0.15, gt=0, description="batches are sized so that valuing one takes about this long")
    records_in_hand: int = Field(16_000, ge=1, description="most requests in hand at a time, over all partitions")
    window: int = Field(100_000, ge=1, description="requests of a partition within which a repeated job is recognised")
    record_limit: int = Field(1_000_000, ge=16_384, description="bytes that the broker accepts in one record batch")
    consecutive_dead_letters: int = Field(
        1_000, ge=1, description="a partition stops when more records in a row than this are no requests"
    )
    dead_letter_percent: float = Field(
        50.0, gt=0, le=100, description="a partition stops when more of its last records than this are no requests"
    )
    dead_letter_sample: int = Field(10_000, ge=1, description="how many records `dead_letter_percent` looks back")
    stall_seconds: float = Field(
        60.0, gt=0, description="no progress for this long though there is lag: /livez fails, then the worker exits"
    )
    stop_seconds: float = Field(10.0, gt=0, description="time to finish after SIGTERM; then the worker exits anyway")
    roll_snapshot_dir: Path | None = Field(
        None,
        description="where workers keep snapshots of the property roll, which they may share; DATA_DIR/roll when unset",
    )
    roll_snapshot_seconds: float = Field(600.0, gt=0, description="a changed roll is kept anew after this long")
    roll_snapshot_max_hours: float = Field(
        12.0,
        gt=0,
        description="older snapshots are not used: at most half of the topics' `delete.retention.ms`, a day by default",
    )
    roll_snapshot_parcels: int = Field(
        50_000, ge=0, description="smaller rolls are not kept: reading their topics takes a second"
    )
    commits_at_once: int = Field(3, ge=1, description="partitions that commit at a time; the others gather meanwhile")
    commit_turn_seconds: float = Field(0.5, gt=0, description="seconds after which the next partition waits no more")
    commit_seconds: float = Field(
        30.0, gt=0, description="a transaction that takes longer is given up and its batch valued again"
    )

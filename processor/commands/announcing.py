"""The commands' way to Kafka: announce a model, and read a county's sales where no file is given."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from processor.roll import PropertyRoll, RollFollower, ServingModels
from processor.valuation.frame import Sales
from processor.valuation.model.bundle import Bundle
from schemas.records import ModelRecord
from schemas.settings import CommonSettings, KafkaSettings, StackRecord
from schemas.topics import Topics, topics

_SECONDS_TO_ANNOUNCE: Final = 10.0
_SECONDS_TO_READ: Final = 120.0
_STUDY_SUMMARY: Final = ("n", "median_ratio", "cod", "prd", "prb", "vei", "mdape", "within_10", "r2", "coverage_90")


def reachable(common: CommonSettings, kafka: KafkaSettings) -> bool:
    """Tell whether a cluster is named at all: by the environment, or by a local stack that runs."""
    return kafka.bootstrap_servers is not None or StackRecord.read(common.data_dir) is not None


def record_of(bundle: Bundle) -> ModelRecord:
    """Return the announcement of a bundle; its URI is relative to the model store."""
    study = bundle.manifest["study"]
    return ModelRecord(
        county_id=bundle.model.county_id,
        version=bundle.version,
        uri=f"{bundle.model.county_id}/{bundle.version}",
        sha256=bundle.manifest["sha256"],
        trained_at=bundle.manifest["trained_at"],
        study={name: study[name] for name in _STUDY_SUMMARY} | bundle.manifest.get("portrait", {}),
        market_index=bundle.manifest.get("market_index", []),
    )


def announce(bundle: Bundle, common: CommonSettings, kafka: KafkaSettings) -> None:
    """Tell the workers that a bundle serves its county from now on; returns once Kafka has acknowledged.

    Raises:
        KafkaError, TimeoutError: the cluster could not be told.
    """
    table, options = topics(common.topic_prefix), kafka.client_options(common.data_dir)
    asyncio.run(asyncio.wait_for(_send(record_of(bundle), table, options), _SECONDS_TO_ANNOUNCE))


async def _send(record: ModelRecord, table: Topics, options: dict[str, Any]) -> None:
    producer = AIOKafkaProducer(**options, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(
            table.models.name, orjson.dumps(record.model_dump(mode="json")), key=record.county_id.encode()
        )
    finally:
        await producer.stop()


def sales_on_topic(county_id: str, common: CommonSettings, kafka: KafkaSettings) -> Sales:
    """Read a county's sales from the topics, characteristics joined from the roll.

    Raises:
        KafkaError, TimeoutError: the topics could not be read.
    """
    return asyncio.run(_read(county_id, topics(common.topic_prefix), kafka.client_options(common.data_dir)))


async def _read(county_id: str, table: Topics, options: dict[str, Any]) -> Sales:
    roll = PropertyRoll()
    follower = RollFollower(roll, ServingModels(), table, options)
    await follower.start()
    try:
        await asyncio.wait_for(follower.wait_ready(), _SECONDS_TO_READ)
    finally:
        with suppress(KafkaError):
            await follower.stop()
    return roll.sales(county_id)

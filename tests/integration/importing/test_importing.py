"""Files on their way to real Kafka, and from there into a roll."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError
from typer.testing import CliRunner

from deploy.sample import sample_county
from deploy.sample.publishing import publish_sample_county
from processor.roll import PropertyRoll, RollFollower, ServingModels
from producer.commands import import_app
from producer.importing.publishing import publish
from schemas.topics import Topics
from tests.kafka import create_topics

MAPPING = """
county_id = "Yakima County"
[columns]
property_id = "id"
sale_id = ["id", "date"]
sale_date = "date"
sale_price = "price"
living_area_sqft = "sqft"
[features]
categorical = ["zone"]
"""


async def roll_of(kafka: str, topics: Topics) -> PropertyRoll:
    roll = PropertyRoll()
    follower = RollFollower(roll, ServingModels(), topics, {"bootstrap_servers": kafka})
    await follower.start()
    await asyncio.wait_for(follower.wait_ready(), 30)
    await follower.stop()
    assert not roll.rejected
    return roll


def run(arguments: list[str]) -> dict[str, Any]:
    result = CliRunner().invoke(import_app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    summary: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return summary


def test_an_imported_file_is_in_the_roll(
    kafka: str, own_topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = own_topics.models.name.removesuffix("valuation.models")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("TOPIC_PREFIX", prefix)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / "map.toml").write_text(MAPPING)
    rows = [f"00{n},2026-01-{1 + n % 28:02d},{300_000 + n},{1500 + n},R-{n % 3}" for n in range(3000)]
    rows[17] = "0017,never,1,1,R-1"
    (tmp_path / "sales.csv").write_text("\n".join(["id,date,price,sqft,zone", *rows]))
    options = [str(tmp_path / "sales.csv"), "--mapping", str(tmp_path / "map.toml")]
    sales, properties = run(["sales", *options]), run(["properties", *options])
    assert (sales["rows"], sales["published"], sales["rejected"]) == (3000, 2999, 1)
    assert (properties["published"], properties["rejected"]) == (3000, 0)
    roll = asyncio.run(roll_of(kafka, own_topics))
    county = roll.county("YAKIMA")
    assert county is not None
    assert len(county) == 3000
    rows_found, frame = county.lookup(["0017", "17"])
    assert rows_found[1] == -1
    assert frame.number("living_area_sqft")[0] == 1.0
    assert frame.words("zone")[0] == "R-1"
    assert len(roll.sales("YAKIMA")) == 2999


async def test_the_sample_county_is_published_once(kafka: str) -> None:
    topics, options = await create_topics(kafka), {"bootstrap_servers": kafka}
    heard: list[tuple[str, int, int]] = []
    first = await publish_sample_county(topics, options, progress=lambda *heard_of: heard.append(heard_of))
    second = await publish_sample_county(topics, options)
    assert (first.properties, first.published, second.published) == (5000, True, False)
    assert heard[-1][0] == "sales"
    roll = await roll_of(kafka, topics)
    assert roll.sizes() == {"BENTON": 5000}
    assert len(roll.sales("BENTON")) == first.sales == len(sample_county().sales)


async def test_an_interrupted_sample_county_is_completed(kafka: str) -> None:
    topics, options = await create_topics(kafka), {"bootstrap_servers": kafka}

    class Interrupted(Exception):  # noqa: N818 - stands for a Ctrl-C
        pass

    def interrupt(what: str, _done: int, _of: int) -> None:
        if what == "sales":
            raise Interrupted

    with pytest.raises(Interrupted):
        await publish_sample_county(topics, options, progress=interrupt)
    assert (await publish_sample_county(topics, options)).published


async def test_publishing_to_a_topic_that_is_not_there_says_so_soon(kafka: str) -> None:
    async with asyncio.timeout(15):
        with pytest.raises(UnknownTopicOrPartitionError, match="terrafusion topics apply"):
            await publish("no.such.topic", [(b"k", b"v")], {"bootstrap_servers": kafka})


async def test_publishing_to_nobody_is_an_error_soon() -> None:
    async with asyncio.timeout(20):
        with pytest.raises(KafkaConnectionError):
            await publish("property.records", [(b"k", b"v")], {"bootstrap_servers": "127.0.0.1:1"})

"""An appraisal on real Kafka makes the engine of a county that comes while it serves before anybody asks for it."""

from pathlib import Path

from processor.appraisal import CountyAppraisal
from schemas.settings import CommonSettings
from tests.integration.roll.test_follower import publish
from tests.kafka import create_topics
from tests.unit.roll.builders import property_record, sale_record
from tests.waiting import holds


async def test_a_county_that_comes_after_the_start_has_its_engine_before_its_first_request(
    kafka: str, tmp_path: Path
) -> None:
    topics = await create_topics(kafka)
    serving = CountyAppraisal(topics, {"bootstrap_servers": kafka}, CommonSettings(data_dir=tmp_path))
    await serving.start()
    try:
        await serving.wait_ready()
        assert (serving.ready, dict(serving.versions())) == (True, {})
        await publish(kafka, topics.property_records, [property_record()])
        await publish(kafka, topics.property_sales, [sale_record()])

        async def made() -> bool:
            return "BENTON" in serving.versions()

        assert await holds(made, 30)
        assert serving.ready
    finally:
        await serving.stop()

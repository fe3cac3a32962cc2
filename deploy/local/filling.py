"""What a new cluster is given, so that the first request finds something to value: the sample county."""

import asyncio

from deploy.local.settings import LocalSettings
from deploy.local.view import View
from schemas.settings import KafkaSettings
from schemas.topics import topics


def fill(kafka: KafkaSettings, settings: LocalSettings, view: View) -> None:
    """Publish the sample county unless the topics hold it already."""
    from deploy.sample.publishing import publish_sample_county  # noqa: PLC0415 - start-up time

    options = kafka.client_options(settings.data_dir)
    with view.step("Loading the sample county") as advance:
        asyncio.run(
            publish_sample_county(
                topics(settings.topic_prefix), options, progress=lambda _what, done, total: advance(done, total)
            )
        )

"""What a new cluster is given, so that the first request finds something to value: the sample county and its model."""

import asyncio
import os
import sys
from typing import Final

from deploy.local.child import Child, Command
from deploy.local.settings import LocalSettings
from deploy.local.view import View
from schemas.settings import KafkaSettings
from schemas.topics import topics

_SAMPLE_COUNTY: Final = "BENTON"
_TRAIN: Final = (sys.executable, "-c", "from deploy.cli import main; main()", "train", "--county", _SAMPLE_COUNTY)
_POLL_SECONDS: Final = 1.0


def fill(kafka: KafkaSettings, settings: LocalSettings, view: View) -> None:
    """Publish the sample county unless the topics hold it already, and train its model unless there is one."""
    from deploy.sample.publishing import publish_sample_county  # noqa: PLC0415 - start-up time

    options = kafka.client_options(settings.data_dir)
    with view.step("Loading the sample county") as advance:
        asyncio.run(
            publish_sample_county(
                topics(settings.topic_prefix), options, progress=lambda _what, done, total: advance(done, total)
            )
        )
    if settings.model_store_url is None and not (settings.data_dir / "models" / _SAMPLE_COUNTY).exists():
        _train(kafka, settings, view)


def _train(kafka: KafkaSettings, settings: LocalSettings, view: View) -> None:
    """Train the sample county's model; without one the county is valued by its comparables, so a failure only warns."""
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers or "",
        "DATA_DIR": str(settings.data_dir.resolve()),
    }
    log = settings.logs_directory / "train.log"
    with view.step("Training the sample county's model (about half a minute, once)"):
        training = Child(Command(_TRAIN, log, environment))
        try:
            while not training.wait(_POLL_SECONDS):
                pass
        finally:
            training.kill()
    if training.exit_code:
        view.warn(f"The model was not trained, values rest on comparable sales alone; {log} says why.")

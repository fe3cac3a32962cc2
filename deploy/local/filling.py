"""What a new cluster is given, so that the first request finds something to value: the sample county."""

from deploy.local.settings import LocalSettings
from deploy.local.view import View
from schemas.settings import KafkaSettings


def fill(kafka: KafkaSettings, settings: LocalSettings, view: View) -> None:
    """Publish the sample county unless its records are on the topics already."""

"""Two models of the sample county, to be swapped while requests are answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from deploy.sample.county import sample_county
from processor.commands.announcing import record_of
from processor.roll import PropertyRoll
from processor.training.train import train
from processor.valuation.model.bundle import Bundle
from processor.valuation.model.store import ModelStore
from schemas.records import record_key
from tests.chaos.workload import COUNTY

_EVERY: Final = 6
"""One sale in so many is learned from: a model that is made in a few seconds."""
_TRAINED_AT: Final = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A record for the models topic, and the version that results name once it serves."""

    version: str
    value: bytes

    @classmethod
    def of(cls, bundle: Bundle) -> "Announcement":
        """Return the announcement of a bundle."""
        return cls(bundle.version, orjson.dumps(record_of(bundle).model_dump(mode="json")))


def two_models(root: Path) -> Sequence[Announcement]:
    """Put two models of the sample county into a model store at ``root``."""
    county = sample_county()
    roll = PropertyRoll()
    roll.apply_sales((record_key(COUNTY, str(sale["sale_id"])), orjson.dumps(sale)) for sale in county.sales[::_EVERY])
    trained = train(COUNTY, roll.sales(COUNTY))
    papers = {**trained.papers, "objections": []}
    other = replace(trained.county, share=(1 + trained.county.share) / 2)
    store = ModelStore(root)
    return [Announcement.of(store.write(model, papers, _TRAINED_AT)) for model in (trained.county, other)]

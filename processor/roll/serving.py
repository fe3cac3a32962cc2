"""Which model serves which county, as announced on ``valuation.models``."""

import orjson
from pydantic import ValidationError

from processor.roll.errors import BadRecord
from processor.roll.sections import Sections, Writer
from schemas.counties import normalise_county
from schemas.records import ModelRecord


class ServingModels:
    """The last model announced for each county. Replacing an entry is atomic; any thread may read."""

    def __init__(self) -> None:
        self.changes = 0
        """Grows with every announcement; cheap to compare between batches."""
        self._models: dict[str, ModelRecord] = {}
        self._seen: set[str] | None = None

    def get(self, county_id: str) -> ModelRecord | None:
        """Return the model to serve a county with, None where none was announced."""
        return self._models.get(county_id)

    def all(self) -> dict[str, ModelRecord]:
        """Return every county's model."""
        return dict(self._models)

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; null withdraws the county's model.

        Raises:
            BadRecord: the record names no county, or is no model record.
        """
        county_id = _county(key, value)
        if self._seen is not None:
            self._seen.add(county_id)
        if value is None:
            self._models.pop(county_id, None)
        else:
            self._models[county_id] = _model(value)
        self.changes += 1

    def save(self, writer: Writer) -> None:
        """Write the announcements as a section."""
        writer.document("models", {county_id: model.model_dump(mode="json") for county_id, model in self.all().items()})

    def restore(self, sections: Sections) -> None:
        """Take over what ``save`` has written."""
        for county_id, document in sections.document("models").items():
            self._models[county_id] = ModelRecord.model_validate(document)
        self.changes += 1

    def begin_reload(self) -> None:
        """Start to note which counties come again."""
        self._seen = set()

    def finish_reload(self) -> None:
        """Withdraw the models that did not come again."""
        for county_id in self._models.keys() - (self._seen or set()):
            del self._models[county_id]
            self.changes += 1
        self._seen = None


def _county(key: bytes | None, value: bytes | None) -> str:
    try:
        if key:
            return normalise_county(key.decode())
        body = orjson.loads(value or b"null")
        return normalise_county(body["county_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRecord("no_county") from None


def _model(value: bytes) -> ModelRecord:
    try:
        return ModelRecord.model_validate_json(value)
    except ValidationError:
        raise BadRecord("no_model") from None

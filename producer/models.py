"""Bodies that exist over HTTP only, as pydantic models: pages, counts, and records whose path names their ids."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr
from pydantic.json_schema import SkipJsonSchema

from schemas.events import Batch, Job, MethodHint
from schemas.records import Characteristics, CountyId, Number, PropertyId, PropertyRecord, SaleRecord


class Shown(BaseModel):
    """Base of what only the gateway shows."""

    model_config = ConfigDict(frozen=True)


class JobPage(Shown):
    """One page of jobs."""

    items: list[Job]
    next: str | None = Field(description="cursor of the next page, null on the last one")


class BatchPage(Shown):
    """One page of batches."""

    items: list[Batch]
    next: str | None = Field(description="cursor of the next page, null on the last one")


class PropertyBody(Characteristics):
    """What is known of one property; the path names it, and ids stated here as well must agree with the path."""

    property_id: SkipJsonSchema[PropertyId | None] = None
    county_id: SkipJsonSchema[CountyId | None] = None


class PropertyRow(PropertyBody):
    """One property of a bulk call; the path names the county, and one stated here as well must agree with it."""

    property_id: PropertyId


class SaleRow(SaleRecord):
    """One sale of a bulk call; the path names the county, and one stated here as well must agree with it."""

    county_id: SkipJsonSchema[CountyId | None] = None  # type: ignore[assignment] # stated by the path instead


class PropertyList(Shown):
    """One page of properties."""

    items: list[PropertyRecord]
    next: str | None = Field(description="cursor of the next page, null on the last one")


class County(Shown):
    """A county and its roll."""

    county_id: str
    properties: int = Field(ge=0, description="properties on the roll")
    model_version: str | None = Field(description="version of the model in service, null where there is none")


class CountyList(Shown):
    """The counties that the system knows."""

    items: list[County]


class BulkAccepted(Shown):
    """What a bulk call accepted."""

    county_id: str
    accepted: int = Field(ge=1)


class BatchAccepted(Shown):
    """A batch that was accepted."""

    batch_id: str
    total: int = Field(ge=1)
    state: str


class Study(Shown):
    """The ratio study of the model in service."""

    county_id: str
    version: str
    trained_at: str
    study: dict[str, Any]


class Health(Shown):
    """That the gateway is well."""

    status: str
    view_lag: int | None = Field(None, description="records on the topics that the job view has not read yet")


class Bounds(BaseModel):
    """Bounds of a number, both inclusive."""

    model_config = ConfigDict(frozen=True)

    min: Number | None = None
    max: Number | None = None


class ReappraisalBody(BaseModel):
    """Which properties of a county to value anew, as of when and how."""

    model_config = ConfigDict(frozen=True)

    county_id: CountyId = Field(examples=["BENTON"])
    valuation_date: date | None = Field(None, description="the day to value at; today where absent")
    valuation_method_hint: MethodHint | None = None
    filters: dict[
        Annotated[str, Field(min_length=1, max_length=128)],
        Annotated[StrictStr, Field(max_length=256)] | Number | Bounds,
    ] = Field(
        default_factory=dict,
        max_length=32,
        description="conditions on characteristics: a value that must be equal, or the bounds of a number",
        examples=[{"neighborhood": "NORTH RIDGE", "year_built": {"max": 1980}}],
    )

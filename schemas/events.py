"""Events and job objects as outsiders see them: the models behind the JSON Schema, OpenAPI and AsyncAPI documents.

They validate at the edges (bodies that a person may have typed). The hot path reads and writes the same shapes with
``schemas.codec``; a test holds the two together.
"""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictStr

from schemas.reasons import FailureReason, JobStatus
from schemas.records import Characteristic, CountyId, PropertyId

REQUESTED: Final = "com.terrafusion.valuation.requested.v1"
COMPLETED: Final = "com.terrafusion.valuation.completed.v1"
FAILED: Final = "com.terrafusion.valuation.failed.v1"

MethodHint = Annotated[StrictStr, Field(max_length=64)]
BatchId = Annotated[StrictStr, Field(min_length=1, max_length=128)]


class Event(BaseModel):
    """Base of everything on the wire: unknown members are ignored, so that older readers survive newer writers."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ValuationRequest(Event):
    """A request to value one property, as posted to the gateway."""

    property_id: PropertyId = Field(examples=["PROP123"])
    county_id: CountyId = Field(examples=["BENTON"])
    valuation_method_hint: MethodHint | None = Field(
        None, description="the method to report first where it can be applied", examples=["sales_comparison"]
    )
    valuation_date: date | None = Field(
        None, description="the day to value at; the day of the request where absent", examples=["2026-01-01"]
    )
    characteristics: dict[Annotated[str, Field(min_length=1, max_length=128)], Characteristic] | None = Field(
        None, max_length=512, description="what-if: characteristics that replace those on the roll"
    )
    job_id: UUID | None = Field(None, description="the caller's own id; a retry with the same id yields one job")


class RequestEvent(ValuationRequest):
    """A request on the topic ``valuation.requests``; only the two ids are needed."""

    batch_id: BatchId | None = None
    created_at: AwareDatetime | None = Field(None, description="when the request was accepted; else the record's time")


class Job(Event):
    """Where a job stands."""

    job_id: UUID
    property_id: str
    county_id: str
    status: JobStatus
    message: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    failure_reason: FailureReason | None
    batch_id: str | None
    valuation_method_hint: str | None


class Adjustment(Event):
    """One line of a comparable's grid: what the difference in one feature is worth, in dollars."""

    feature: str
    amount: float


class Comparable(Event):
    """A sale beside the subject: price + time adjustment + line items = adjusted price, in dollars."""

    sale_id: str
    property_id: str | None = Field(None, description="what was sold; absent in results of earlier versions")
    document_number: str | None
    sale_date: date
    sale_price: float
    time_adjustment: float
    adjustments: list[Adjustment]
    adjusted_price: float
    distance: float = Field(description="dimensionless distance in the scaled space of comparables")
    weight: float = Field(ge=0, le=1)


class Contribution(Event):
    """What one feature of the subject adds to the base value, in dollars."""

    feature: str
    value: float | str | None
    dollars: float


class Approach(Event):
    """One approach to value and how much it counts."""

    value: float
    weight: float
    evidence: str


class MarketIndex(Event):
    """The state of the market that the value rests on."""

    model_config = ConfigDict(extra="allow", frozen=True)

    month: str = Field(description="month of the valuation date, YYYY-MM")
    level: float = Field(description="price level of that month, 1 at the index's base month")
    extrapolated: bool = Field(description="whether the date lies outside the months with sales")


class Valuation(Event):
    """One explained value: base value + contributions + local correction = unrounded value, to the cent."""

    estimated_value: float = Field(description="dollars, rounded to 100")
    unrounded_value: float
    value_low: float
    value_high: float
    interval_level: float
    confidence_score: float = Field(ge=0, le=1)
    fsd: float = Field(ge=0, description="forecast standard deviation: half-width of the 68 % interval over the value")
    valuation_method_used: str
    valuation_date: date
    comparables_used: list[str]
    comparables: list[Comparable]
    base_value: float
    contributions: list[Contribution]
    local_correction: float
    approaches: dict[str, Approach]
    land_value: float | None
    improvement_value: float | None
    market_index: MarketIndex
    model_version: str
    inputs_hash: str
    inputs_imputed: list[str]
    flags: list[str]
    notice: str


class ResultEvent(Job):
    """The one final event of a job on ``valuation.results``: every field of the job object, and the result."""

    status: Literal[JobStatus.COMPLETED, JobStatus.FAILED]
    result: Valuation | None


class JobWithResult(Job):
    """A job object with its result, null until the job is completed."""

    result: Valuation | None


class Batch(Event):
    """Where a batch of requests stands."""

    batch_id: str
    county_id: str | None
    kind: Literal["batch", "reappraisal"]
    state: Literal["PUBLISHING", "RUNNING", "COMPLETED", "CANCELLED"]
    total: int
    published: int
    completed: int
    failed: int
    failed_by_reason: dict[str, int]
    progress: float = Field(ge=0, le=100)
    rate: float | None = Field(description="results a second")
    eta_seconds: float | None
    created_at: AwareDatetime
    updated_at: AwareDatetime

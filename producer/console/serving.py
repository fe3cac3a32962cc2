"""The model that serves a county, with its study in the form that charts need; whatever is missing is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from producer.gateway import Gateway
from schemas.records import ModelRecord


class Shown(BaseModel):
    """Base of what is read out of a study."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Group(Shown):
    """The ratios of one group of sales."""

    group: str
    n: int
    median: float
    q25: float
    q75: float
    median_ci: tuple[float, float] | None = None
    price_low: float | None = None
    price_high: float | None = None
    cod: float | None = None


class Bars(Shown):
    """A histogram of ratios in steps of ``width`` from ``start``."""

    start: float = Field(alias="from")
    width: Annotated[float, Field(gt=0)]
    counts: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=200)]


class Study(Shown):
    """A ratio study: statistics, and the groups behind its charts where the model's announcement has them."""

    n: int | None = None
    median_ratio: float | None = None
    cod: float | None = None
    prd: float | None = None
    prb: float | None = None
    vei: float | None = None
    mdape: float | None = None
    within_10: float | None = None
    r2: float | None = None
    coverage_90: float | None = None
    by_decile: list[Group] = Field(default_factory=list)
    by_month: list[Group] = Field(default_factory=list)
    by_neighborhood: list[Group] = Field(default_factory=list)
    histogram: Bars | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """A model in service and its study."""

    record: ModelRecord
    study: Study


@dataclass(frozen=True, slots=True)
class Verdict:
    """One statistic beside the limits of the IAAO Standard on Ratio Studies; ``met`` is None where it is unknown."""

    label: str
    value: float | None
    digits: int
    low: float
    high: float
    meaning: str

    @property
    def met(self) -> bool | None:
        """Return whether the statistic lies within the limits."""
        return None if self.value is None else self.low <= self.value <= self.high


_LEVEL: Final = "typical value over price; 1 means on the mark"
_COD: Final = "how far values lie from prices, on average, in percent; below 5 suggests chased sales"
_PRD: Final = "above the range, cheap properties are valued higher than dear ones"
_PRB: Final = "change of the ratio when the worth doubles"
_VEI: Final = "dearest against cheapest properties, in percent"


def verdicts(study: Study) -> Sequence[Verdict]:
    """Return a study beside the standard's limits for single-family homes."""
    return (
        Verdict("Level (median ratio)", study.median_ratio, 3, 0.90, 1.10, _LEVEL),
        Verdict("Uniformity (COD)", study.cod, 1, 5.0, 15.0, _COD),
        Verdict("Price-related differential (PRD)", study.prd, 3, 0.98, 1.03, _PRD),
        Verdict("Price-related bias (PRB)", study.prb, 3, -0.05, 0.05, _PRB),
        Verdict("Vertical equity (VEI)", study.vei, 1, -10.0, 10.0, _VEI),
    )


async def serving(gateway: Gateway, county_id: str) -> Serving | None:
    """Return the model that serves a county, None where none does."""
    found = (await gateway.properties.models()).get(county_id)
    if found is None:
        return None
    try:
        record = ModelRecord.model_validate_json(found)
    except ValidationError:
        return None
    try:
        return Serving(record, Study.model_validate(record.study))
    except ValidationError:
        return Serving(record, Study())

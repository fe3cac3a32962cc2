"""The limits of the IAAO Standard on Ratio Studies for single-family homes, and how a study stands against them."""

from dataclasses import dataclass
from typing import Final

from processor.ratio_study.study import Study


@dataclass(frozen=True, slots=True)
class Limit:
    """One statistic and the range that the standard asks for."""

    statistic: str
    label: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic of a study against its limit; ``met`` is None where it could not be computed."""

    limit: Limit
    value: float | None
    met: bool | None


LIMITS: Final = (
    Limit("median_ratio", "Level (median ratio)", 0.90, 1.10, "typical value over price"),
    Limit("cod", "COD, %", 5.0, 15.0, "how far ratios lie from the median ratio; below 5 suggests chased sales"),
    Limit("prd", "PRD", 0.98, 1.03, "above the range cheap properties are valued higher than dear ones"),
    Limit("prb", "PRB", -0.05, 0.05, "change of the ratio when the worth doubles"),
    Limit("vei", "VEI, %", -10.0, 10.0, "dearest against cheapest group of properties"),
)


def verdicts(study: Study) -> list[Verdict]:
    """Hold a study against the limits.

    A VEI beyond its limit is still in order where the groups' intervals lie no further apart than the limit.
    """
    found = []
    for limit in LIMITS:
        value: float | None = getattr(study, limit.statistic)
        met = None if value is None else limit.low <= value <= limit.high
        if limit.statistic == "vei" and met is False and study.vei_significance is not None:
            met = study.vei_significance <= limit.high
        found.append(Verdict(limit, value, met))
    return found

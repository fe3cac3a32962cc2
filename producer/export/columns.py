"""The columns of the tables: one line a job, and of its result what fits a cell; lists are joined with spaces."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final

Job = dict[str, Any]


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    NUMBER = auto()
    MOMENT = auto()


_JOB: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("job_id", "property_id", "county_id", "status", "message"), Kind.TEXT),
    **dict.fromkeys(("created_at", "updated_at", "started_at", "completed_at"), Kind.MOMENT),
    **dict.fromkeys(("failure_reason", "batch_id", "valuation_method_hint"), Kind.TEXT),
}
_RESULT: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("estimated_value", "value_low", "value_high", "interval_level"), Kind.NUMBER),
    **dict.fromkeys(("confidence_score", "fsd", "base_value", "land_value", "improvement_value"), Kind.NUMBER),
    **dict.fromkeys(("valuation_method_used", "valuation_date", "model_version", "inputs_hash"), Kind.TEXT),
    **dict.fromkeys(("comparables_used", "inputs_imputed", "flags"), Kind.TEXT),
}
COLUMNS: Final[Mapping[str, Kind]] = {**_JOB, **_RESULT}
"""Columns in order."""


def cells(job: Job) -> Job:
    """Return a job's cells by column; what it does not say, or says in another type, is None."""
    result = job.get("result") or {}
    return {
        **{name: _cell(job.get(name), kind) for name, kind in _JOB.items()},
        **{name: _cell(result.get(name), kind) for name, kind in _RESULT.items()},
    }


def _cell(value: object, kind: Kind) -> float | str | None:
    if kind is Kind.NUMBER:
        return float(value) if isinstance(value, int | float) else None
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else None

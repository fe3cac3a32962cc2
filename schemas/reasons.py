"""How a job stands, why it failed, and the sentences that say so: three closed sets fixed by the contract."""

from enum import StrEnum
from typing import Final

_DETAIL_LIMIT: Final = 250

ACCEPTED: Final = "Valuation job accepted and queued."
COMPLETED: Final = "Valuation completed successfully."
SIMULATED: Final = "Simulated processing failure."
SIMULATED_FAILURE_PROPERTY: Final = "PROP_FAIL_SIMULATION"
"""A property with this id exists to make a failure visible end to end; it always fails, after it has been found."""


class JobStatus(StrEnum):
    """States of a job; the last two are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class FailureReason(StrEnum):
    """Why a job ended without a value."""

    PROPERTY_NOT_FOUND = "property_not_found"
    SIMULATED_PROCESSING_ERROR = "simulated_processing_error"
    PROCESSING_EXCEPTION = "processing_exception"
    JOB_NOT_FOUND_IN_BG = "job_not_found_in_bg"
    """Kept for compatibility with readers of older events; never emitted."""
    INVALID_REQUEST = "invalid_request"
    INSUFFICIENT_DATA = "insufficient_data"
    CANCELLED = "cancelled"


def property_not_found(property_id: str, county_id: str) -> str:
    """Return the message of a job whose property the county's roll does not hold."""
    return f"Property {property_id} not found in county {county_id}."


def processing_error(detail: object) -> str:
    """Return the message of a job that raised: the first 250 characters of what it said."""
    return f"Processing error: {str(detail)[:_DETAIL_LIMIT]}"

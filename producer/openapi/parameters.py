"""The parameters of the operations, each described once."""

from typing import Any, Final

from producer.export.formats import Format
from producer.openapi.examples import JOB_ID as JOB_ID_EXAMPLE
from producer.routes.table import Parameter
from schemas.reasons import FailureReason, JobStatus
from schemas.records import NAMING, PRINTABLE

_UUID: Final[dict[str, Any]] = {"type": "string", "format": "uuid"}
_COUNTY_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    **NAMING,
}
_ID_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    **PRINTABLE,
}
_CURSOR_SCHEMA: Final = _ID_SCHEMA | {"maxLength": 1024}


def _limit(default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": 1000, "default": default}


JOB_ID: Final = Parameter("job_id", "path", "The job's id.", _UUID, JOB_ID_EXAMPLE)
COUNTY: Final = Parameter(
    "county",
    "path",
    "The county, in any spelling: `benton`, `benton_wa` and `BENTON` are one.",
    _COUNTY_SCHEMA,
    "BENTON",
)
PROPERTY: Final = Parameter("property_id", "path", "The county's own parcel number.", _ID_SCHEMA, "PROP123")
PREFER: Final = Parameter(
    "Prefer",
    "header",
    "`wait=N`: answer with the result if it comes within N seconds, 30 at most (RFC 7240).",
    {"type": "string"},
    "wait=5",
)
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "header",
    "The same key with the same body is accepted once, however often it is sent.",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]([ -~]*[!#-~])?$"},
)
"""Described beside the operations, not as a parameter of theirs: whether a key is good depends on the body before."""
TRACEPARENT: Final = Parameter(
    "traceparent", "header", "W3C trace context, carried through to the result.", {"type": "string"}
)
COUNTY_FILTER: Final = Parameter("county_id", "query", "Only this county.", _COUNTY_SCHEMA, "BENTON")
PROPERTY_FILTER: Final = Parameter("property_id", "query", "Only this property.", _ID_SCHEMA, "PROP123")
STATUS: Final = Parameter("status", "query", "Only jobs that stand so.", {"type": "string", "enum": list(JobStatus)})
FAILURE_REASON: Final = Parameter(
    "failure_reason", "query", "Only jobs that failed for this reason.", {"type": "string", "enum": list(FailureReason)}
)
BATCH_ID: Final = Parameter("batch_id", "query", "Only jobs of this batch.", _ID_SCHEMA)
CREATED_AFTER: Final = Parameter(
    "created_after",
    "query",
    "Only jobs created after this instant.",
    {"type": "string", "format": "date-time"},
    "2026-11-23T09:00:00Z",
)
LIMIT: Final = Parameter("limit", "query", "Items on a page.", _limit(100))
CURSOR: Final = Parameter("cursor", "query", "The `next` of the page before.", _CURSOR_SCHEMA)
SEARCH: Final = Parameter(
    "q", "query", "Only properties whose id begins with this or whose address contains it.", _ID_SCHEMA, "PROP"
)
BATCH: Final = Parameter("batch_id", "path", "The batch's id.", _ID_SCHEMA, JOB_ID_EXAMPLE)
JOB_FILTER: Final = Parameter("job_id", "query", "Only this job.", _UUID)
LAST_EVENT_ID: Final = Parameter("Last-Event-ID", "header", "Go on right after this event.", {"type": "string"})
LAST_EVENT_ID_QUERY: Final = Parameter(
    "last_event_id", "query", "The same, for clients that cannot set headers.", {"type": "string", "minLength": 1}
)
AFTER: Final = Parameter("cursor", "query", "The `next` of the page before.", _ID_SCHEMA)
FORMAT: Final = Parameter(
    "format",
    "query",
    "How the file is written; the first that `Accept` names where this is absent, else NDJSON.",
    {"type": "string", "enum": [kind.value for kind in Format]},
)

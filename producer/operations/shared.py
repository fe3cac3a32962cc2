"""What several operations have in common."""

from typing import Any, Final

from pydantic import BaseModel

from producer.export.formats import Format
from producer.routes.table import Answer, Content, Many

VALUATION: Final = "/api/v1/valuation"
COUNTY: Final = "/api/v1/counties/{county}"
BODY_ERRORS: Final = (400, 408, 413, 415, 422, 503)
"""Statuses that any operation with a body may answer with."""

REPEATABLE: Final = (
    "With the header `Idempotency-Key` (`#/components/parameters/IdempotencyKey`) the same key with the same body is "
    "accepted once, however often it is sent, and the answer to a repetition bears `Idempotency-Replayed: true`; the "
    "same key with another body is a 422. A schema cannot say the latter, so the header is none of the parameters."
)
"""What operations say that take an idempotency key."""

TEXT: Final[dict[str, Any]] = {"type": "string"}


def many(model: type[BaseModel], example: dict[str, Any]) -> tuple[Content, ...]:
    """Return the contents of a bulk body: an array of a model."""
    return (Content(Many(model), [example]),)


def exported() -> Answer:
    """Return the answer of an export: one file in any of the formats."""
    kinds = [kind.media_type for kind in Format]
    return Answer(
        200,
        "Jobs with their results, newest first: all of it a line of NDJSON each, or what fits a table's cells.",
        tuple(Content({"contentMediaType": kind}, media_type=kind) for kind in kinds),
        {"Content-Disposition": "A name for the file."},
    )

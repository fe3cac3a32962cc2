"""What several operations have in common."""

from typing import Any, Final

from pydantic import BaseModel

from producer.routes.table import Content, Many

VALUATION: Final = "/api/v1/valuation"
COUNTY: Final = "/api/v1/counties/{county}"
BODY_ERRORS: Final = (400, 408, 413, 415, 422, 503)
"""Statuses that any operation with a body may answer with."""

TEXT: Final[dict[str, Any]] = {"type": "string"}


def many(model: type[BaseModel], example: dict[str, Any]) -> tuple[Content, ...]:
    """Return the contents of a bulk body: an array of a model."""
    return (Content(Many(model), [example]),)

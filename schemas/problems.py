"""Errors over HTTP: RFC 9457 problem details with one entry for each thing that is wrong."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_JSON: Final = "application/problem+json"


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(
        description='JSON pointer (RFC 6901) into the body, "" for the whole', examples=["/property_id"]
    )
    message: str


class Problem(BaseModel):
    """A problem document; ``type`` is about:blank where the status says it all."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    errors: list[ProblemError] = Field(default_factory=list)

"""The gateway itself: health, metrics, documents."""

from typing import Any, Final

from producer import models
from producer.openapi import examples
from producer.operations.shared import TEXT
from producer.routes import documents, health
from producer.routes.table import Answer, Content, Handler, Operation, Parameter

_OBJECT: Final[dict[str, Any]] = {"type": "object"}
METRICS: Final = "/metrics"
"""Open to all, unless a setting asks for a key."""


def _page(name: str, path: str, summary: str, media_type: str, handler: Handler) -> Operation:
    answer = Answer(200, summary, (Content(TEXT, media_type=media_type),))
    return Operation("GET", path, name, summary, "documents", handler, (answer,), public=True)


_ASSET: Final = Parameter("name", "path", "Name of a file.", {"type": "string", "enum": list(documents.ASSETS)})
SERVICE: Final = (
    Operation(
        "GET",
        "/livez",
        "livez",
        "Whether the gateway serves requests",
        "operations",
        health.livez,
        (Answer(200, "It does.", (Content(models.Health, examples.ALIVE),)),),
        public=True,
    ),
    Operation(
        "GET",
        "/readyz",
        "readyz",
        "Whether requests would be accepted and jobs found",
        "operations",
        health.readyz,
        (Answer(200, "They would.", (Content(models.Health, examples.READY),)),),
        errors=(503,),
        public=True,
    ),
    _page("metrics", METRICS, "Metrics in Prometheus' text format", "text/plain", health.metrics),
    Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "This document",
        "documents",
        documents.openapi_json,
        (Answer(200, "OpenAPI 3.1.", (Content(_OBJECT),)),),
        public=True,
    ),
    Operation(
        "GET",
        "/asyncapi.json",
        "asyncapi",
        "The topics",
        "documents",
        documents.asyncapi_json,
        (Answer(200, "AsyncAPI 3.", (Content(_OBJECT),)),),
        public=True,
    ),
    _page("docs", "/docs", "The interface, to try out", "text/html", documents.docs),
    Operation(
        "GET",
        "/docs/assets/{name}",
        "docsAsset",
        "A file of the documentation page",
        "documents",
        documents.docs_asset,
        (
            Answer(
                200,
                "The file.",
                tuple(Content({}, media_type=kind) for kind in dict.fromkeys(documents.ASSETS.values())),
            ),
        ),
        parameters=(_ASSET,),
        errors=(404,),
        documented=False,
        public=True,
    ),
)

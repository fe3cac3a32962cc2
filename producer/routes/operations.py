"""Every operation of the gateway, in the order of the contract: the application and the OpenAPI document come of it."""

from typing import Any, Final

from pydantic import BaseModel

from producer import models
from producer.openapi import examples, parameters
from producer.routes import counties, documents, health, jobs, properties, run
from producer.routes.table import NDJSON, Answer, Content, Handler, Many, Operation, Parameter
from schemas.events import Job, JobWithResult, ValuationRequest
from schemas.records import ModelRecord, PropertyRecord

_VALUATION: Final = "/api/v1/valuation"
_COUNTY: Final = "/api/v1/counties/{county}"
_BODY_ERRORS: Final = (400, 408, 413, 415, 422, 503)
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_OBJECT: Final[dict[str, Any]] = {"type": "object"}
_ACCEPTED: Final = {
    "Location": "Where the job's status is found.",
    "Retry-After": "Seconds after which to look.",
    "Preference-Applied": "The wait that was honoured.",
    "Idempotency-Replayed": "`true` where this key or job id was accepted before.",
}


def _many(model: type[BaseModel], example: dict[str, Any]) -> tuple[Content, ...]:
    lines = '{"property_id": "…"}\n{"property_id": "…"}\n'
    return (Content(Many(model), [example]), Content(_TEXT, lines, NDJSON))


def _page(name: str, path: str, summary: str, media_type: str, handler: Handler) -> Operation:
    answer = Answer(200, summary, (Content(_TEXT, media_type=media_type),))
    return Operation("GET", path, name, summary, "documents", handler, (answer,))


_JOBS: Final = (
    Operation(
        "POST",
        f"{_VALUATION}/run",
        "runValuation",
        "Request a valuation",
        "valuations",
        run.run,
        (
            Answer(202, "Accepted: Kafka holds the request.", (Content(Job, examples.JOB),), _ACCEPTED),
            Answer(200, "Ended within the preferred wait.", (Content(JobWithResult),), _ACCEPTED),
        ),
        "Answered when Kafka holds the request. With `Prefer: wait=N` answered with the result if it comes in time.",
        (parameters.PREFER, parameters.IDEMPOTENCY_KEY, parameters.TRACEPARENT),
        (Content(ValuationRequest, examples.REQUEST),),
        _BODY_ERRORS,
    ),
    Operation(
        "GET",
        f"{_VALUATION}/status/{{job_id}}",
        "getStatus",
        "Where a job stands",
        "valuations",
        jobs.status,
        (Answer(200, "The job.", (Content(Job, examples.JOB),)),),
        "Unknown is answered only after every request accepted so far has been read.",
        (parameters.JOB_ID,),
        errors=(400, 404, 503),
    ),
    Operation(
        "GET",
        f"{_VALUATION}/results/{{job_id}}",
        "getResults",
        "A job with its result",
        "valuations",
        jobs.results,
        (Answer(200, "The job; `result` is null until it is completed.", (Content(JobWithResult),)),),
        parameters=(parameters.JOB_ID,),
        errors=(400, 404, 503),
    ),
    Operation(
        "GET",
        f"{_VALUATION}/jobs",
        "listJobs",
        "Jobs, newest first",
        "valuations",
        jobs.jobs,
        (Answer(200, "One page.", (Content(models.JobPage),)),),
        parameters=(
            parameters.COUNTY_FILTER,
            parameters.PROPERTY_FILTER,
            parameters.STATUS,
            parameters.FAILURE_REASON,
            parameters.BATCH_ID,
            parameters.CREATED_AFTER,
            parameters.LIMIT,
            parameters.CURSOR,
        ),
        errors=(400, 503),
    ),
)
_ROLLS: Final = (
    Operation(
        "GET",
        f"{_COUNTY}/properties",
        "listProperties",
        "Properties of a county, by id",
        "rolls",
        properties.list_properties,
        (Answer(200, "One page.", (Content(models.PropertyList),)),),
        parameters=(parameters.COUNTY, parameters.SEARCH, parameters.LIMIT, parameters.CURSOR),
        errors=(400, 404, 503),
    ),
    Operation(
        "POST",
        f"{_COUNTY}/properties",
        "postProperties",
        "Put many properties on the roll",
        "rolls",
        properties.post_properties,
        (Answer(202, "Accepted: Kafka holds all of them.", (Content(models.BulkAccepted),)),),
        "All are checked before any is published.",
        (parameters.COUNTY,),
        _many(models.PropertyRow, examples.PROPERTY),
        (*_BODY_ERRORS, 404),
    ),
    Operation(
        "GET",
        f"{_COUNTY}/properties/{{property_id}}",
        "getProperty",
        "One property",
        "rolls",
        properties.get_property,
        (Answer(200, "The property.", (Content(PropertyRecord, examples.PROPERTY),)),),
        parameters=(parameters.COUNTY, parameters.PROPERTY),
        errors=(404, 503),
    ),
    Operation(
        "PUT",
        f"{_COUNTY}/properties/{{property_id}}",
        "putProperty",
        "Put one property on the roll",
        "rolls",
        properties.put_property,
        (Answer(202, "Accepted: Kafka holds it.", (Content(PropertyRecord, examples.PROPERTY),)),),
        "A request for the property that follows finds it.",
        (parameters.COUNTY, parameters.PROPERTY),
        (Content(models.PropertyBody, examples.PROPERTY),),
        (*_BODY_ERRORS, 404),
    ),
    Operation(
        "POST",
        f"{_COUNTY}/sales",
        "postSales",
        "Add many sales",
        "rolls",
        properties.post_sales,
        (Answer(202, "Accepted: Kafka holds all of them.", (Content(models.BulkAccepted),)),),
        "All are checked before any is published.",
        (parameters.COUNTY,),
        _many(models.SaleRow, examples.SALE),
        (*_BODY_ERRORS, 404),
    ),
    Operation(
        "GET",
        "/api/v1/counties",
        "listCounties",
        "Counties with properties or a model",
        "rolls",
        counties.counties,
        (Answer(200, "All of them.", (Content(models.CountyList),)),),
        errors=(503,),
    ),
    Operation(
        "GET",
        f"{_COUNTY}/model",
        "getModel",
        "The model that serves a county",
        "rolls",
        counties.model,
        (Answer(200, "The model.", (Content(ModelRecord),)),),
        parameters=(parameters.COUNTY,),
        errors=(404, 503),
    ),
    Operation(
        "GET",
        f"{_COUNTY}/ratio-study",
        "getRatioStudy",
        "The ratio study of the model that serves a county",
        "rolls",
        counties.ratio_study,
        (Answer(200, "The study.", (Content(models.Study),)),),
        parameters=(parameters.COUNTY,),
        errors=(404, 503),
    ),
)
_ASSET: Final = Parameter("name", "path", "Name of a file.", {"type": "string", "enum": list(documents.ASSETS)})
_REST: Final = (
    Operation(
        "GET",
        "/livez",
        "livez",
        "Whether the gateway serves requests",
        "operations",
        health.livez,
        (Answer(200, "It does.", (Content(models.Health),)),),
    ),
    Operation(
        "GET",
        "/readyz",
        "readyz",
        "Whether requests would be accepted and jobs found",
        "operations",
        health.readyz,
        (Answer(200, "They would.", (Content(models.Health),)),),
        errors=(503,),
    ),
    _page("metrics", "/metrics", "Metrics in Prometheus' text format", "text/plain", health.metrics),
    Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "This document",
        "documents",
        documents.openapi_json,
        (Answer(200, "OpenAPI 3.1.", (Content(_OBJECT),)),),
    ),
    Operation(
        "GET",
        "/asyncapi.json",
        "asyncapi",
        "The topics",
        "documents",
        documents.asyncapi_json,
        (Answer(200, "AsyncAPI 3.", (Content(_OBJECT),)),),
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
    ),
    _page("landing", "/", "Where things are", "text/html", documents.landing),
)

OPERATIONS: Final = (*_JOBS, *_ROLLS, *_REST)
"""All of them."""

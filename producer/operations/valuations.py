"""Valuations: request one, follow it, listen to all."""

from typing import Final

from producer import models
from producer.openapi import examples, parameters
from producer.operations.shared import BODY_ERRORS, REPEATABLE, TEXT, VALUATION, exported
from producer.routes import events, exports, jobs, run
from producer.routes.table import Answer, Content, Operation
from schemas.events import Job, JobWithResult, ValuationRequest

_ACCEPTED: Final = {
    "Location": "Where the job's status is found.",
    "Retry-After": "Seconds after which to look.",
    "Preference-Applied": "The wait that was honoured.",
    "Idempotency-Replayed": "`true` where this key or job id was accepted before.",
}

VALUATIONS: Final = (
    Operation(
        "POST",
        f"{VALUATION}/run",
        "runValuation",
        "Request a valuation",
        "valuations",
        run.run,
        (
            Answer(202, "Accepted: Kafka holds the request.", (Content(Job, examples.JOB),), _ACCEPTED),
            Answer(
                200, "Ended within the preferred wait.", (Content(JobWithResult, examples.COMPLETED_JOB),), _ACCEPTED
            ),
        ),
        "Answered when Kafka holds the request. With `Prefer: wait=N` answered with the result if it comes in time. "
        + REPEATABLE,
        (parameters.PREFER, parameters.TRACEPARENT),
        (Content(ValuationRequest, examples.REQUEST),),
        (409, *BODY_ERRORS),
    ),
    Operation(
        "GET",
        f"{VALUATION}/status/{{job_id}}",
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
        f"{VALUATION}/results/{{job_id}}",
        "getResults",
        "A job with its result",
        "valuations",
        jobs.results,
        (
            Answer(
                200,
                "The job; `result` is null until it is completed. To who prefers HTML, the printable valuation report.",
                (Content(JobWithResult, examples.COMPLETED_JOB), Content(TEXT, media_type="text/html")),
            ),
        ),
        parameters=(parameters.JOB_ID,),
        errors=(400, 404, 503),
    ),
    Operation(
        "GET",
        f"{VALUATION}/jobs",
        "listJobs",
        "Jobs, newest first",
        "valuations",
        jobs.jobs,
        (Answer(200, "One page.", (Content(models.JobPage, examples.JOB_PAGE),)),),
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
        errors=(400, 404, 503),
    ),
    Operation(
        "GET",
        f"{VALUATION}/results",
        "exportResults",
        "The results of many jobs as one file",
        "valuations",
        exports.results,
        (exported(),),
        "Streamed; the filters are those of the job list.",
        (
            parameters.COUNTY_FILTER,
            parameters.PROPERTY_FILTER,
            parameters.STATUS,
            parameters.FAILURE_REASON,
            parameters.BATCH_ID,
            parameters.CREATED_AFTER,
            parameters.FORMAT,
        ),
        errors=(400, 503),
    ),
    Operation(
        "GET",
        f"{VALUATION}/events",
        "listen",
        "Results as they are committed",
        "valuations",
        events.events,
        (Answer(200, "Server-sent events without end.", (Content(TEXT, examples.EVENTS, "text/event-stream"),)),),
        "`data` is a result event, `id` resumes right after it. Heartbeats every 15 s carry an `id` too.",
        (
            parameters.COUNTY_FILTER,
            parameters.BATCH_ID,
            parameters.JOB_FILTER,
            parameters.LAST_EVENT_ID,
            parameters.LAST_EVENT_ID_QUERY,
        ),
        errors=(400, 404, 503),
    ),
)

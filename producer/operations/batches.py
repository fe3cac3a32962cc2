"""Batches and reappraisals."""

from typing import Final

from producer import models
from producer.openapi import examples, parameters
from producer.operations.shared import BODY_ERRORS, REPEATABLE, VALUATION, exported, many
from producer.routes import batches, exports
from producer.routes.table import Answer, Content, Operation
from schemas.events import Batch, ValuationRequest

_BATCH_ANSWERS: Final = {"Location": "Where the batch is found.", "Retry-After": "Seconds after which to look."}
_BULK: Final = (
    "At most 16 MiB and 50,000 requests, as a JSON array or, with `application/x-ndjson`, one a line. "
    "All are checked before any is published; a refusal names each fault by the place of its request."
)

BATCHES: Final = (
    Operation(
        "POST",
        f"{VALUATION}/batch",
        "postBatch",
        "Request many valuations",
        "batches",
        batches.post_batch,
        (Answer(202, "Accepted: Kafka holds all of them.", (Content(Batch, examples.BATCH),), _BATCH_ANSWERS),),
        f"{_BULK} {REPEATABLE}",
        (),
        many(ValuationRequest, examples.REQUEST),
        BODY_ERRORS,
    ),
    Operation(
        "POST",
        f"{VALUATION}/reappraisals",
        "postReappraisal",
        "Value every property of a county anew",
        "batches",
        batches.post_reappraisal,
        (
            Answer(
                202,
                "Accepted; publishing goes on in the background.",
                (Content(Batch, examples.BATCH),),
                _BATCH_ANSWERS,
            ),
        ),
        f"Goes on where it was after a crash of the gateway; each property is valued once. {REPEATABLE}",
        (),
        (Content(models.ReappraisalBody, {"county_id": "BENTON"}),),
        (404, *BODY_ERRORS),
    ),
    Operation(
        "GET",
        f"{VALUATION}/batches",
        "listBatches",
        "Batches, newest first",
        "batches",
        batches.list_batches,
        (Answer(200, "One page.", (Content(models.BatchPage, examples.BATCH_PAGE),)),),
        parameters=(parameters.COUNTY_FILTER, parameters.LIMIT, parameters.CURSOR),
        errors=(400, 404, 503),
    ),
    Operation(
        "GET",
        f"{VALUATION}/batches/{{batch_id}}",
        "getBatch",
        "Where a batch stands",
        "batches",
        batches.get_batch,
        (Answer(200, "The batch.", (Content(Batch, examples.BATCH),)),),
        parameters=(parameters.BATCH,),
        errors=(404, 503),
    ),
    Operation(
        "DELETE",
        f"{VALUATION}/batches/{{batch_id}}",
        "cancelBatch",
        "Cancel what has not been published",
        "batches",
        batches.delete_batch,
        (Answer(200, "How the batch stands now; one that is completed stays so.", (Content(Batch, examples.BATCH),)),),
        parameters=(parameters.BATCH,),
        errors=(404, 503),
    ),
    Operation(
        "GET",
        f"{VALUATION}/batches/{{batch_id}}/results",
        "exportBatch",
        "The results of a batch as one file",
        "batches",
        exports.batch_results,
        (exported(),),
        "Streamed. Text that a spreadsheet would take for a formula is set behind an apostrophe in CSV.",
        (parameters.BATCH, parameters.FORMAT),
        errors=(400, 404, 503),
    ),
)

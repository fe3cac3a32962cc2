"""Dead letters."""

from typing import Any, Final

from producer.openapi.models_of_letters import (
    DeadLetter,
    DeadLetterGroups,
    DeadLetterPage,
    Purged,
    PurgeOrder,
    Replayed,
    ReplayOrder,
)
from producer.operations.shared import BODY_ERRORS
from producer.routes import deadletters
from producer.routes.table import Answer, Content, Operation, Parameter
from producer.security.scopes import Scope
from schemas.reasons import FailureReason

_PATH: Final = "/api/v1/dead-letters"
_POSITION: Final[dict[str, Any]] = {"type": "string", "pattern": "^[0-9]{1,9}:[0-9]{1,18}$"}
_JOB: Final = "6f0f1c5e-6d6b-5f0e-9c7f-2d1b8c1d7a10"
_BRIEF: Final[dict[str, Any]] = {
    "position": "3:17",
    "partition": 3,
    "offset": 17,
    "timestamp": "2026-11-23T09:00:00.000Z",
    "reason": "invalid_request",
    "message": "county_id is missing",
    "origin": {
        "topic": "valuation.requests",
        "partition": 3,
        "offset": 4711,
        "timestamp": "2026-11-23T08:59:59.000Z",
    },
    "attempts": 1,
    "size": 25,
    "preview": '{"property_id":"PROP123"}',
    "truncated": False,
    "replayed": None,
}
_WHOLE: Final[dict[str, Any]] = {
    **_BRIEF,
    "key": None,
    "key_base64": None,
    "value": '{"property_id":"PROP123"}',
    "value_base64": "eyJwcm9wZXJ0eV9pZCI6IlBST1AxMjMifQ==",
    "headers": [{"name": "error.attempts", "value": "1", "value_base64": "MQ=="}],
}
_GROUPS: Final[dict[str, Any]] = {
    "total": 1,
    "replayed": 0,
    "groups": [
        {
            "reason": "invalid_request",
            "message": "county_id is missing",
            "count": 1,
            "replayed": 0,
            "first_at": "2026-11-23T09:00:00.000Z",
            "last_at": "2026-11-23T09:00:00.000Z",
            "partitions": [3],
            "example": "3:17",
        }
    ],
}
_DONE: Final[dict[str, Any]] = {"letters": [{"position": "3:17", "outcome": "replayed", "job_id": _JOB, "detail": ""}]}

DEAD_LETTERS: Final = (
    Operation(
        "GET",
        _PATH,
        "listDeadLetters",
        "Dead letters, newest first",
        "dead letters",
        deadletters.list_letters,
        (Answer(200, "One page.", (Content(DeadLetterPage, {"items": [_BRIEF], "next": None}),)),),
        parameters=(
            Parameter(
                "limit",
                "query",
                "Items on a page.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": deadletters.MAX_LIMIT,
                    "default": deadletters.DEFAULT_LIMIT,
                },
            ),
            Parameter(
                "cursor",
                "query",
                "The `next` of the page before.",
                {
                    "type": "string",
                    "maxLength": 4096,
                    "pattern": r"^[0-9]{1,9}:[0-9]{1,18}(\.[0-9]{1,9}:[0-9]{1,18})*$",
                },
            ),
            Parameter(
                "reason", "query", "Only letters with this reason.", {"type": "string", "enum": list(FailureReason)}
            ),
        ),
        errors=(400, 503),
    ),
    Operation(
        "GET",
        f"{_PATH}/groups",
        "groupDeadLetters",
        "Dead letters by reason and message",
        "dead letters",
        deadletters.groups,
        (Answer(200, "All of them, summed up.", (Content(DeadLetterGroups, _GROUPS),)),),
        "Messages that differ in numbers only are one group. Reads the whole topic.",
        errors=(503,),
    ),
    Operation(
        "GET",
        f"{_PATH}/{{position}}",
        "getDeadLetter",
        "One dead letter",
        "dead letters",
        deadletters.one,
        (Answer(200, "The letter, with its original key, bytes and headers.", (Content(DeadLetter, _WHOLE),)),),
        parameters=(Parameter("position", "path", "`partition:offset` on the topic.", _POSITION, "3:17"),),
        errors=(404, 503),
    ),
    Operation(
        "POST",
        f"{_PATH}/replay",
        "replayDeadLetters",
        "Publish dead letters again",
        "dead letters",
        deadletters.replay,
        (Answer(200, "What became of each.", (Content(Replayed, _DONE),)),),
        "Each letter is published at most once, however often this is called; `already` names the job it has become. "
        "`fix` is a JSON merge patch (RFC 7396) for the bytes.",
        body=(Content(ReplayOrder, {"positions": ["3:17"], "fix": {"county_id": "BENTON"}}),),
        errors=(404, 409, *BODY_ERRORS),
        scope=Scope.ADMIN,
    ),
    Operation(
        "POST",
        f"{_PATH}/purge",
        "purgeDeadLetters",
        "Remove dead letters for good",
        "dead letters",
        deadletters.purge,
        (
            Answer(
                200,
                "Where the partitions begin now.",
                (Content(Purged, {"partitions": [{"partition": 3, "begin": 18}]}),),
            ),
        ),
        "Empties each partition up to and including the position named.",
        body=(Content(PurgeOrder, {"up_to": ["3:17"]}),),
        errors=(404, *BODY_ERRORS),
        scope=Scope.ADMIN,
    ),
)

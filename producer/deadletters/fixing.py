"""What a dead letter is published as: its own bytes, or those bytes changed by a JSON merge patch (RFC 7396)."""

from collections.abc import Mapping
from typing import Final

import orjson

from producer.deadletters.errors import BadFix
from producer.deadletters.letter import DeadLetter

Fix = Mapping[str, object]
_JOB_ID: Final = "job_id"


def read_fix(text: str | bytes) -> Fix:
    """Return the merge patch that a text holds.

    Raises:
        BadFix: it is no JSON object.
    """
    try:
        fix = orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        raise BadFix(f"The fix is no JSON: {wrong}.") from None
    if type(fix) is not dict:
        raise BadFix("The fix must be a JSON object: a merge patch (RFC 7396).")
    return fix


def merged(target: object, patch: object) -> object:
    """Return a JSON value changed by a merge patch (RFC 7396): null removes, objects merge, the rest replaces."""
    if not isinstance(patch, Mapping):
        return patch
    changed = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = merged(changed.get(name), value)
    return changed


def republished(letter: DeadLetter, fix: Fix | None) -> tuple[str, bytes | None]:
    """Return the job that a letter becomes and the bytes to publish.

    Without a fix these are the original bytes. Of bytes that are no JSON object a fix makes one, as the RFC has it. A
    job_id that the letter names has its final answer already: it gives way to the id of the replay, unless the fix
    itself names one.
    """
    body = _json(letter.value)
    if fix is not None:
        body = merged(body, fix)
        if isinstance(stated := fix.get(_JOB_ID), str):
            return stated, orjson.dumps(body)
    elif not isinstance(body, dict) or body.get(_JOB_ID) is None:
        return letter.replay_id, letter.value
    if isinstance(body, dict) and body.get(_JOB_ID) is not None:
        body = {**body, _JOB_ID: letter.replay_id}
    return letter.replay_id, orjson.dumps(body)


def _json(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None

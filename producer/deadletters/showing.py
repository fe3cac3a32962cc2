"""Dead letters as JSON: bytes as base64, and as text where they are UTF-8."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from producer.deadletters.letter import DeadLetter
from producer.deadletters.reading import Mark
from schemas.clock import rfc3339

PREVIEW: Final = 500
"""Characters of a value that lists show."""
_DIGITS: Final = 19


def brief(letter: DeadLetter, known: Mapping[str, Mark]) -> dict[str, Any]:
    """Return what lists show of a letter."""
    mark = known.get(letter.mark)
    return {
        "position": str(letter.position),
        "partition": letter.position.partition,
        "offset": letter.position.offset,
        "timestamp": rfc3339(letter.timestamp_ms),
        "reason": letter.reason,
        "message": letter.message,
        "origin": origin(letter),
        "attempts": _number(letter.said("error.attempts")),
        "size": len(letter.value or b""),
        "preview": None if letter.value is None else letter.value[: 4 * PREVIEW].decode("utf-8", "replace")[:PREVIEW],
        "truncated": letter.cut,
        "replayed": None if mark is None else {"job_id": mark.job_id, "at": mark.at},
    }


def whole(letter: DeadLetter, known: Mapping[str, Mark]) -> dict[str, Any]:
    """Return everything of a letter: what lists show, its original key and bytes, and all its headers."""
    return brief(letter, known) | {
        "key": _text(letter.key),
        "key_base64": _base64(letter.key),
        "value": _text(letter.value),
        "value_base64": _base64(letter.value),
        "headers": [
            {"name": name, "value": _text(value), "value_base64": _base64(value)} for name, value in letter.headers
        ],
    }


def origin(letter: DeadLetter) -> dict[str, Any]:
    """Return where a letter was read first."""
    return {
        "topic": letter.said("error.topic"),
        "partition": _number(letter.said("error.partition")),
        "offset": _number(letter.said("error.offset")),
        "timestamp": letter.said("error.timestamp"),
    }


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()

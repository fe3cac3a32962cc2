"""Says what is wrong with a JSON object: a model's complaints as JSON pointers (RFC 6901) and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import orjson
from pydantic import BaseModel, ValidationError

from producer.errors import Fault

_VALUE_ERROR: Final = "Value error, "


def faults(model: type[BaseModel], body: Mapping[str, object], *, below: str = "") -> tuple[Fault, ...]:
    """Return what ``model`` finds wrong with ``body``, nothing where it is fine; pointers start with ``below``."""
    try:
        model.model_validate_json(orjson.dumps(body), strict=True)
    except ValidationError as wrong:
        return complaints(wrong, body, below=below)
    return ()


def complaints(wrong: ValidationError, body: Mapping[str, object], *, below: str = "") -> tuple[Fault, ...]:
    """Return a validation error as faults, one for each place in ``body``."""
    said: dict[str, list[str]] = {}
    for fault in wrong.errors(include_url=False, include_context=False, include_input=False):
        pointer = below + "".join(_steps(fault["loc"], body, missing=fault["type"] == "missing"))
        message = fault["msg"].removeprefix(_VALUE_ERROR)
        if message not in said.setdefault(pointer, []):
            said[pointer].append(message)
    return tuple(Fault(pointer, "; or: ".join(messages)) for pointer, messages in said.items())


def _steps(place: Sequence[str | int], body: object, *, missing: bool) -> Iterator[str]:
    """Yield the steps of ``place`` that exist in ``body``: a model also names the branches of its unions."""
    for step in place:
        if isinstance(body, Mapping) and step in body:
            body = body[step]
        elif not missing:
            return
        yield "/" + str(step).replace("~", "~0").replace("/", "~1")

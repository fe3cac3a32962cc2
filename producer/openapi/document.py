"""Makes the OpenAPI 3.1 document of a table of operations."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from producer.bulk import MAX_OBJECTS
from producer.openapi.examples import PROBLEMS
from producer.openapi.parameters import IDEMPOTENCY_KEY
from producer.routes.table import Answer, Content, Many, Operation, Parameter
from producer.security.scopes import Scope
from schemas.problems import PROBLEM_JSON, Problem

_REF: Final = "#/components/schemas/{model}"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_RETRY_AFTER: Final = "Seconds after which another try is worth while."
_UNAUTHENTICATED: Final = 401
_REFUSED: Final = (401, 403, 429)
_KEY: Final = "An API key, where the gateway asks for one; the operation names the scope that it must hold."
_SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearerKey": {"type": "http", "scheme": "bearer", "description": _KEY},
    "headerKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": _KEY},
}
_DESCRIPTION: Final = """\
Streaming mass appraisal: requests in, exactly one explained value out.

Requests are answered when Kafka holds them; results follow on `results/{job_id}`, with `Prefer: wait=N`, or on the \
event stream. Members that an object does not have are ignored. Strings are never made of other types. Of repeated \
members of an object the last one counts; a byte order mark, NaN, Infinity and lone surrogates are not JSON. \
Errors are problem documents (RFC 9457) with one entry for each fault.
"""


def openapi(operations: Iterable[Operation], version: str, *, keys_needed: bool = False) -> dict[str, Any]:
    """Return the document of ``operations``, of a gateway that asks for API keys or of one that does not."""
    table = tuple(operation for operation in operations if operation.documented)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, keys_needed=keys_needed)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": _DIALECT,
        "info": {
            "title": "TerraFusion Sync valuations",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in table)],
        "paths": paths,
        "components": {
            "schemas": _schemas(table),
            "responses": _problems(),
            "parameters": {"IdempotencyKey": _parameter(IDEMPOTENCY_KEY)},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _operation(operation: Operation, *, keys_needed: bool) -> dict[str, Any]:
    needed = operation.needed
    answers = {str(answer.status): _answer(answer) for answer in operation.answers}
    statuses = sorted({*operation.errors, *(() if needed is None else _REFUSED)})
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": answers | problems,
        "security": [] if needed is None else _security(needed, keys_needed=keys_needed),
    }
    if operation.description:
        made["description"] = operation.description
    if operation.parameters:
        made["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        made["requestBody"] = {"required": True, "content": _contents(operation.body)}
    return made


def _security(needed: Scope, *, keys_needed: bool) -> list[dict[str, list[str]]]:
    """Return the ways to present a key; the empty one says that a gateway without keys asks for none."""
    ways = [{scheme: [needed.value]} for scheme in _SECURITY_SCHEMES]
    return ways if keys_needed else [*ways, {}]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        made["example"] = parameter.example
    return made


def _answer(answer: Answer) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        made["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
        }
    if answer.contents:
        made["content"] = _contents(answer.contents)
    return made


def _contents(contents: Iterable[Content]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for content in contents:
        entry: dict[str, Any] = {"schema": _schema(content.schema)}
        if content.example is not None:
            entry["example"] = content.example
        made[content.media_type] = entry
    return made


def _schema(schema: type[BaseModel] | Many | Mapping[str, Any]) -> dict[str, Any]:
    match schema:
        case Many(of=model):
            return {"type": "array", "minItems": 1, "maxItems": MAX_OBJECTS, "items": _schema(model)}
        case Mapping():
            return dict(schema)
        case _:
            return {"$ref": _REF.format(model=schema.__name__)}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models: dict[str, type[BaseModel]] = {Problem.__name__: Problem}
    for operation in operations:
        for content in (*operation.body, *(each for answer in operation.answers for each in answer.contents)):
            model = content.schema.of if isinstance(content.schema, Many) else content.schema
            if isinstance(model, type):
                models[model.__name__] = model
    _, made = models_json_schema([(model, "validation") for model in models.values()], ref_template=_REF)
    return dict(made["$defs"])


def _problems() -> dict[str, Any]:
    return {f"Problem{status}": _problem(status, example) for status, example in PROBLEMS.items()}


def _problem(status: int, example: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": f"{example['title']}.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": _REF.format(model="Problem")}, "example": example}},
    }
    if status in {429, 503}:
        made["headers"] = {"Retry-After": {"description": _RETRY_AFTER, "schema": {"type": "integer", "minimum": 0}}}
    if status == _UNAUTHENTICATED:
        made["headers"] = {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}}
    return made

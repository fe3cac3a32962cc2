"""Makes the OpenAPI 3.1 document of a table of operations."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from producer.bulk import MAX_OBJECTS
from producer.openapi.examples import PROBLEMS
from producer.routes.table import Answer, Content, Many, Operation, Parameter
from schemas.problems import PROBLEM_JSON, Problem

_REF: Final = "#/components/schemas/{model}"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_RETRY_AFTER: Final = "Seconds after which another try is worth while."
_DESCRIPTION: Final = """\
Streaming mass appraisal: requests in, exactly one explained value out.

Requests are answered when Kafka holds them; results follow on `results/{job_id}`, with `Prefer: wait=N`, or on the \
event stream. Members that an object does not have are ignored. Strings are never made of other types. Of repeated \
members of an object the last one counts; a byte order mark, NaN, Infinity and lone surrogates are not JSON. \
Errors are problem documents (RFC 9457) with one entry for each fault.
"""


def openapi(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Return the document of ``operations``."""
    table = tuple(operation for operation in operations if operation.documented)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
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
        "components": {"schemas": _schemas(table), "responses": _problems()},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    answers = {str(answer.status): _answer(answer) for answer in operation.answers}
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in operation.errors}
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": answers | problems,
    }
    if operation.description:
        made["description"] = operation.description
    if operation.parameters:
        made["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        made["requestBody"] = {"required": True, "content": _contents(operation.body)}
    return made


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
    return made

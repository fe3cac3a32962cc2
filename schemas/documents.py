"""The machine-readable contract: JSON Schema of every event and record, and AsyncAPI 3 of every topic.

``python -m schemas.documents`` writes them beside this file; ``--check`` proves that what is committed is current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from schemas.events import COMPLETED, FAILED, REQUESTED, Batch, Job, JobWithResult, RequestEvent, ResultEvent
from schemas.problems import Problem
from schemas.records import ModelRecord, PropertyRecord, SaleRecord
from schemas.topics import Topic, topics

DIRECTORY: Final = Path(__file__).parent / "generated"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[tuple[type[BaseModel], ...]] = (
    RequestEvent,
    ResultEvent,
    Job,
    JobWithResult,
    Batch,
    PropertyRecord,
    SaleRecord,
    ModelRecord,
    Problem,
)
_HEADER_NAMES: Final = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "content-type",
    "traceparent",
)
_ERROR_HEADER_NAMES: Final = tuple(
    f"error.{name}"
    for name in ("reason", "message", "topic", "partition", "offset", "timestamp", "attempts", "app_version")
)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON Schema, draft 2020-12, as it reads on the wire."""
    return {"$schema": _DIALECT, **model.model_json_schema(mode="validation")}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3 document of all topics."""
    table = topics()
    messages = {
        table.requests.name: [_message("requested", RequestEvent, REQUESTED)],
        table.results.name: [_message("completed", ResultEvent, COMPLETED), _message("failed", ResultEvent, FAILED)],
        table.dead_letters.name: [_dead_letter()],
        table.property_records.name: [_message("property", PropertyRecord, None)],
        table.property_sales.name: [_message("sale", SaleRecord, None)],
        table.models.name: [_message("model", ModelRecord, None)],
        table.replays.name: [_replay()],
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TerraFusion Sync valuations",
            "version": "1.0.0",
            "description": "Requests in, exactly one explained result out. Readers use isolation level read_committed.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, messages[topic.name]) for topic in table},
        "operations": _operations(),
        "components": {"schemas": _components()},
    }


def _message(name: str, model: type[BaseModel], event_type: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": name,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string"}}},
    }
    if event_type is not None:
        known = {header: {"type": "string"} for header in _HEADER_NAMES}
        message["headers"] = {
            "type": "object",
            "properties": known | {"ce_type": {"type": "string", "const": event_type}},
        }
    return message


def _dead_letter() -> dict[str, Any]:
    return {
        "name": "deadLetter",
        "summary": "The original bytes, key and headers of a record that is no valid request, and why it is none.",
        "payload": {},
        "headers": {"type": "object", "properties": {header: {"type": "string"} for header in _ERROR_HEADER_NAMES}},
    }


def _replay() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": "replay",
        "summary": "A dead letter has been published again, in the same transaction: it is not published once more.",
        "payload": {"type": ["object", "null"], "properties": {"job_id": text, "replayed_at": text}},
        "bindings": {"kafka": {"key": text}},
    }


def _channel(topic: Topic, messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Value: {topic.value}.",
        "messages": {message["name"]: message for message in messages},
        "bindings": {
            "kafka": {"topic": topic.name, "partitions": topic.partitions, "topicConfiguration": _config(topic)}
        },
    }


def _config(topic: Topic) -> dict[str, Any]:
    retention = topic.settings.get("retention.ms")
    policy: dict[str, Any] = {"cleanup.policy": [topic.settings["cleanup.policy"]]}
    return policy if retention is None else policy | {"retention.ms": int(retention)}


def _operations() -> dict[str, Any]:
    table = topics()
    directions = {
        "requestValuation": ("receive", table.requests),
        "putProperty": ("receive", table.property_records),
        "putSale": ("receive", table.property_sales),
        "announceModel": ("receive", table.models),
        "emitResult": ("send", table.results),
        "emitDeadLetter": ("send", table.dead_letters),
        "markReplay": ("send", table.replays),
    }
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}
        for name, (action, topic) in directions.items()
    }


def _components() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in (RequestEvent, ResultEvent, PropertyRecord, SaleRecord, ModelRecord):
        schema = model.model_json_schema(mode="validation", ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return schemas


def documents() -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every generated file."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
    for model in _MODELS:
        yield f"{model.__name__}.schema.json", orjson.dumps(json_schema(model), option=option)
    yield "asyncapi.json", orjson.dumps(asyncapi(), option=option)


def stale(directory: Path = DIRECTORY) -> list[str]:
    """Return the names of generated files that are missing, outdated, or no longer generated."""
    made = dict(documents())
    lying = {path.name: path.read_bytes() for path in directory.glob("*.json")}
    return sorted(name for name in made.keys() | lying.keys() if made.get(name) != lying.get(name))


def main(arguments: list[str]) -> int:
    """Write the documents, or with ``--check`` say which are stale; returns the exit status."""
    if "--check" in arguments:
        outdated = stale()
        if outdated:
            sys.stderr.write(f"stale: {', '.join(outdated)}; run python -m schemas.documents\n")
        return 1 if outdated else 0
    DIRECTORY.mkdir(exist_ok=True)
    for path in DIRECTORY.glob("*.json"):
        path.unlink()
    for name, content in documents():
        (DIRECTORY / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The served OpenAPI document is valid, complete, and true to what the gateway answers."""

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Self

import jsonschema
import orjson
import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate

from producer.app import application
from producer.openapi.document import openapi
from producer.openapi.examples import VALUATION
from producer.operations import OPERATIONS
from producer.server import GatewayRunner
from producer.settings import GatewaySettings
from tests.unit.deadletters.fakes import FakeLetters
from tests.unit.gateway.conftest import assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

DOCUMENT: dict[str, Any] = orjson.loads(orjson.dumps(openapi(OPERATIONS, "1")))
CASES = int(os.environ.get("CONTRACT_CASES", "12"))
"""Cases of each operation; beyond the short form they are new ones at every run."""
ENDLESS = "/api/v1/valuation/events"
PROMISED = """
POST /api/v1/valuation/run
POST /api/v1/valuation/batch
POST /api/v1/valuation/reappraisals
GET /api/v1/valuation/batches
GET /api/v1/valuation/batches/{batch_id}
DELETE /api/v1/valuation/batches/{batch_id}
GET /api/v1/valuation/batches/{batch_id}/results
GET /api/v1/valuation/status/{job_id}
GET /api/v1/valuation/results/{job_id}
GET /api/v1/valuation/jobs
GET /api/v1/valuation/results
GET /api/v1/valuation/events
PUT /api/v1/counties/{county}/properties/{property_id}
GET /api/v1/counties/{county}/properties/{property_id}
POST /api/v1/counties/{county}/properties
GET /api/v1/counties/{county}/properties
POST /api/v1/counties/{county}/sales
GET /api/v1/counties
GET /api/v1/counties/{county}/ratio-study
GET /api/v1/counties/{county}/model
GET /api/v1/dead-letters
GET /api/v1/dead-letters/groups
GET /api/v1/dead-letters/{position}
POST /api/v1/dead-letters/replay
POST /api/v1/dead-letters/purge
GET /livez
GET /readyz
GET /metrics
GET /openapi.json
GET /asyncapi.json
GET /docs
"""


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            bodies = [("body", operation.get("requestBody", {}).get("content", {}))]
            bodies += [(status, answer.get("content", {})) for status, answer in operation["responses"].items()]
            for name, media in bodies:
                yield from ((f"{method} {path} {name}", content) for content in media.values())
    for name, answer in DOCUMENT["components"]["responses"].items():
        yield from ((name, content) for content in answer["content"].values())


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_every_operation_of_the_contract_is_documented() -> None:
    documented = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert documented == set(PROMISED.split("\n")) - {""}
    assert "/" in {operation.path for operation in OPERATIONS}, "the console is for people, and documents itself"


@pytest.mark.parametrize(
    "content", [pytest.param(content, id=where) for where, content in contents() if "example" in content]
)
def test_every_example_fits_its_schema(content: dict[str, Any]) -> None:
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(content["example"])


def test_every_json_that_goes_in_or_out_shows_an_example() -> None:
    silent = [where for where, content in contents() if "example" not in content and "$ref" in content["schema"]]
    assert silent == []


class Background:
    """A gateway over fakes in a thread of its own, for a client that knows no asyncio."""

    def __init__(self) -> None:
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        view = FakeView(answers=lambda _: VALUATION)
        gateway = assembled(FakeKafka(), view, FakeProperties(), GatewaySettings())
        runner = GatewayRunner(application(replace(gateway, dead_letters=FakeLetters())))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=ENDLESS)


@SCHEMA.parametrize()
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=CASES == 12)
def test_the_gateway_answers_as_documented(case: schemathesis.Case[Any], background: Background) -> None:
    answer = case.call(base_url=f"http://127.0.0.1:{background.port}", timeout=60)
    case.validate_response(answer)
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


def test_every_schema_speaks_json_schema_only() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"])
    python_only = {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length"}
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert not python_only & set(keywords(schema)), name


def keywords(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema
        for value in schema.values():
            yield from keywords(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keywords(value)

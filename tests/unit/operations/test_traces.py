"""A request can be followed from its caller over HTTP and Kafka to its result, whatever batch it was valued in."""

import gzip
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from processor.batch import Outcomes
from processor.tracing import TransactionTraces
from producer.app import application
from producer.lane import Record
from producer.publisher import Bounds
from producer.server import GatewayRunner
from producer.settings import GatewaySettings
from producer.tracing import TracedPublisher
from schemas.cloudevents import header
from schemas.errors import SettingsError
from schemas.tracing import tracer as tracer_of
from schemas.tracing import wanted
from tests.fakes import FakeEngine, FakeRecord, FakeRoll, batch_of, collaborators, handled
from tests.rows import read_row
from tests.unit.gateway.conftest import RUN, assembled
from tests.unit.gateway.fake_kafka import FakeKafka
from tests.unit.gateway.fakes import FakeProperties, FakeView

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
REQUESTS = "valuation.requests"


class Told:
    """What has been written."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    def spans(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name, in the order of their ends."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        [found] = self.spans(name)
        return found


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
async def client(told: Told, kafka: FakeKafka) -> AsyncIterator[aiohttp.ClientSession]:
    """A caller of a gateway that traces."""
    gateway = assembled(kafka, FakeView(), FakeProperties(), GatewaySettings())
    publisher = TracedPublisher(told.tracer, lambda: kafka, gateway.topics, Bounds(), gateway.metrics.published)
    runner = GatewayRunner(application(replace(gateway, publisher=publisher, tracer=told.tracer)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        while (await session.get("/readyz")).status != 200:
            pass
        yield session
    await runner.cleanup()


def settled(told: Told, records: list[Record]) -> Outcomes:
    """Have a worker value records in one transaction and trace it."""
    arrived = [
        FakeRecord(at, record.value, record.key, headers=list(record.headers)) for at, record in enumerate(records)
    ]
    outcomes = handled(batch_of(arrived), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    TransactionTraces(told.tracer, REQUESTS).committed([outcomes], 0.5)
    return outcomes


async def submitted(client: aiohttp.ClientSession, property_id: str, **headers: str) -> None:
    body = {"property_id": property_id, "county_id": "BENTON"}
    assert (await client.post(RUN, json=body, headers=headers)).status == 202


async def test_every_edge_from_the_caller_to_the_result_exists(
    client: aiohttp.ClientSession, told: Told, kafka: FakeKafka
) -> None:
    await submitted(client, "P1", traceparent=CALLER)
    [record] = kafka.records(REQUESTS)
    outcomes = settled(told, [record])

    served, sent = told.span(f"POST {RUN}"), told.span(f"send {REQUESTS}")
    valued, process = told.span("value"), told.span(f"process {REQUESTS}")
    assert served.parent is not None
    assert f"{served.parent.trace_id:032x}-{served.parent.span_id:016x}" == CALLER[3:-3]
    assert sent.parent == served.context
    assert valued.parent is not None
    assert sent.context is not None
    assert (valued.parent.trace_id, valued.parent.span_id) == (sent.context.trace_id, sent.context.span_id)
    assert process.parent is None
    assert [link.context.span_id for link in process.links] == [sent.context.span_id]
    assert [link.context for link in valued.links] == [process.context]
    carried = header(read_row(outcomes.results[0]).headers, "traceparent")
    assert carried == f"00-{sent.context.trace_id:032x}-{sent.context.span_id:016x}-01".encode()
    assert [served.kind, sent.kind, valued.kind] == [SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER]


async def test_a_transaction_is_linked_with_every_request_in_it(
    client: aiohttp.ClientSession, told: Told, kafka: FakeKafka
) -> None:
    for _ in range(3):
        await submitted(client, "P1")
    settled(told, kafka.records(REQUESTS))
    process = told.span(f"process {REQUESTS}")
    sent = [span.context for span in told.spans(f"send {REQUESTS}")]
    assert {link.context.span_id for link in process.links} == {each.span_id for each in sent if each is not None}
    assert len(told.spans("value")) == 3
    assert process.attributes is not None
    assert process.attributes["messaging.batch.message_count"] == 3


async def test_all_records_of_a_batch_carry_the_publish_that_sent_them(
    client: aiohttp.ClientSession, told: Told, kafka: FakeKafka
) -> None:
    body = [{"property_id": f"P{number}", "county_id": "BENTON"} for number in range(5)]
    assert (await client.post("/api/v1/valuation/batch", json=body)).status == 202
    sent = told.span(f"send {REQUESTS}")
    assert sent.context is not None
    carried = {header(record.headers, "traceparent") or b"" for record in kafka.records(REQUESTS)}
    assert {each[:-3] for each in carried} == {f"00-{sent.context.trace_id:032x}-{sent.context.span_id:016x}".encode()}


async def test_a_job_that_failed_and_an_answer_5xx_are_errors(
    client: aiohttp.ClientSession, told: Told, kafka: FakeKafka
) -> None:
    await submitted(client, "NONE")
    settled(told, kafka.records(REQUESTS))
    valued = told.span("value")
    assert valued.status.status_code is StatusCode.ERROR
    assert valued.attributes is not None
    assert valued.attributes["error.type"] == "property_not_found"
    kafka.hanging = True
    assert (await client.post(RUN, json={"property_id": "P1", "county_id": "BENTON"})).status == 503
    assert told.spans(f"POST {RUN}")[-1].status.status_code is StatusCode.ERROR
    kafka.come_back()


async def test_what_a_caller_does_not_sample_is_not_written(
    client: aiohttp.ClientSession, told: Told, kafka: FakeKafka
) -> None:
    await submitted(client, "P1", traceparent=UNSAMPLED)
    settled(told, kafka.records(REQUESTS))
    assert told.spans(f"POST {RUN}") == told.spans("value") == []
    assert not told.span(f"process {REQUESTS}").links


async def test_a_trace_context_that_is_none_does_no_harm(told: Told) -> None:
    record = FakeRecord(0, b'{"property_id":"P1","county_id":"BENTON"}', headers=[("traceparent", b"\xff\x00 no")])
    outcomes = handled(batch_of([record]), collaborators(FakeRoll.of("BENTON", "P1"), FakeEngine()))
    TransactionTraces(told.tracer, REQUESTS).committed([outcomes], 0.1)
    assert not told.span(f"process {REQUESTS}").links


def test_traces_are_on_where_an_endpoint_is_named_and_not_elsewhere() -> None:
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert wanted(named)
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    assert not wanted({})
    assert not wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert not wanted(named | {"OTEL_SDK_DISABLED": "true"})
    assert not wanted(named | {"OTEL_TRACES_EXPORTER": "none"})


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP over HTTP."""

    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_spans_reach_the_endpoint_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        tracer = tracer_of("terrafusion-gateway")
        assert isinstance(tracer, SdkTracer)
        tracer.start_span("send valuation.requests").end()
        assert tracer.span_processor.force_flush()
        tracer.span_processor.shutdown()
        collector.shutdown()
    [(path, body)] = Collector.received
    assert path == "/v1/traces"
    assert b"terrafusion-gateway" in body
    assert b"send valuation.requests" in body


def test_a_protocol_that_is_not_spoken_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SettingsError, match="http/protobuf"):
        tracer_of("test")


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    looked = (
        "import sys, producer.app, processor.worker; sys.exit(any('opentelemetry' in name for name in sys.modules))"
    )
    environment = {"PATH": "", "HOME": "/nowhere"}
    assert subprocess.run([sys.executable, "-c", looked], env=environment, check=False).returncode == 0

"""The gateway's spans: one for each HTTP request, below it one for each publish, whose context rides on the records.

Imported only where traces are wanted.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from producer.lane import Record
from producer.publisher import Publisher
from schemas.cloudevents import TRACEPARENT, Header
from schemas.topics import Topic

_FAULT = 500
_context = TraceContextTextMapPropagator()


def traced(tracer: Tracer) -> Middleware:
    """Return the middleware that spans every HTTP request, as part of its caller's trace where it names one."""

    @web.middleware
    async def in_a_span(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = "unmatched_route" if resource is None else resource.canonical
        with tracer.start_as_current_span(
            f"{request.method} {route}",
            context=extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "http.route": route},
        ) as span:
            answer = await handler(request)
            span.set_attribute("http.response.status_code", answer.status)
            if answer.status >= _FAULT:
                span.set_status(StatusCode.ERROR)
            return answer

    return in_a_span


class TracedPublisher(Publisher):
    """A publisher that spans each publish and has its records carry the span's context."""

    def __init__(self, tracer: Tracer, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tracer = tracer

    async def publish(self, topic: Topic, record: Record) -> None:
        """Publish one record, as ``Publisher`` does."""
        with self._sending(topic, 1) as header:
            await super().publish(topic, _carrying(record, header))

    async def publish_all(self, topic: Topic, records: Sequence[Record]) -> None:
        """Publish records, as ``Publisher`` does."""
        with self._sending(topic, len(records)) as header:
            await super().publish_all(topic, [_carrying(record, header) for record in records])

    @contextmanager
    def _sending(self, topic: Topic, count: int) -> Iterator[Header]:
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic.name,
            "messaging.batch.message_count": count,
        }
        with self._tracer.start_as_current_span(f"send {topic.name}", kind=SpanKind.PRODUCER, attributes=attributes):
            carrier: dict[str, str] = {}
            _context.inject(carrier)
            yield TRACEPARENT, carrier[TRACEPARENT].encode()


def _carrying(record: Record, header: Header) -> Record:
    """Return the record with another trace context, whatever it carried before."""
    kept = [each for each in record.headers if each[0] != TRACEPARENT]
    return Record(record.key, record.value, record.timestamp_ms, [*kept, header])

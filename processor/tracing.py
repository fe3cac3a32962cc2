"""The worker's spans: one for each committed transaction, linked with one for each request in it that is traced.

A request's span belongs to the trace that its record carries, and ends when its result is visible; the transaction's
span is a trace of its own, since it serves many. Imported only where traces are wanted.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from processor.batch import Outcomes, Traced
from schemas.cloudevents import TRACEPARENT

_MOST_LINKS: Final = 128
"""As many as OpenTelemetry keeps of a span by default."""
_context = TraceContextTextMapPropagator()


class TransactionTraces:
    """Writes the spans of committed transactions."""

    def __init__(self, tracer: Tracer, topic: str) -> None:
        self._tracer = tracer
        self._topic = topic

    def committed(self, outcomes: Sequence[Outcomes], seconds: float) -> None:
        """Span a transaction that has just committed and took ``seconds``, and the requests in it."""
        end = time.time_ns()
        handling = max((each for one in outcomes for _, each, _ in one.durations), default=0.0)
        start = end - int((seconds + handling) * 1e9)
        traced = list(_sampled(outcomes))
        links = [Link(context) for _, context in traced[:_MOST_LINKS]]
        attributes = self._attributes(sum(one.records for one in outcomes))
        whole = self._tracer.start_span(
            f"process {self._topic}", Context(), SpanKind.CONSUMER, attributes, links, start_time=start
        )
        for request, context in traced:
            self._request(request, context, whole, start, end)
        whole.end(end)

    def _request(self, request: Traced, sent: SpanContext, whole: Span, start: int, end: int) -> None:
        span = self._tracer.start_span(
            "value",
            set_span_in_context(NonRecordingSpan(sent)),
            SpanKind.CONSUMER,
            {"terrafusion.job_id": request.job_id},
            [Link(whole.get_span_context())],
            start_time=start,
        )
        if request.failure is not None:
            span.set_attribute("error.type", request.failure)
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def _attributes(self, records: int) -> dict[str, str | int]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": self._topic,
            "messaging.batch.message_count": records,
        }


def _sampled(outcomes: Sequence[Outcomes]) -> Iterator[tuple[Traced, SpanContext]]:
    """Yield the requests whose trace is written, with the context that sent them."""
    for one in outcomes:
        for request in one.traced:
            carrier = {TRACEPARENT: request.traceparent.decode("latin-1")}
            context = get_current_span(_context.extract(carrier, Context())).get_span_context()
            if context.is_valid and context.trace_flags.sampled:
                yield request, context

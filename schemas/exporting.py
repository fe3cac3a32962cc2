"""The tracer that sends spans to an OTLP endpoint. Imported only where traces are wanted."""

import os
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from schemas.errors import SettingsError

_SECONDS: Final = 3.0
"""For one export; a process that stops waits no longer than this for its last spans."""


def exporting_tracer(service: str) -> Tracer:
    """Return a tracer for a process of this kind; sampler, limits and endpoint come from ``OTEL_*``.

    Raises:
        SettingsError: another protocol than OTLP over HTTP is asked for.
    """
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in {None, "", "http/protobuf"}:
        raise SettingsError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: only http/protobuf is spoken here")
    stated = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") or os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: _name(service)}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=None if stated else _SECONDS)))
    return provider.get_tracer("terrafusion")


def _name(service: str) -> str:
    return os.environ.get("OTEL_SERVICE_NAME") or service

"""Whether a process writes traces, and with what; without a named endpoint nothing of OpenTelemetry is even imported.

The variables are OpenTelemetry's own: ``OTEL_EXPORTER_OTLP_ENDPOINT`` turns traces on, ``OTEL_TRACES_SAMPLER`` says how
many, ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` say whose they are. OTLP goes over HTTP.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names an endpoint for traces and does not switch them off."""
    off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return not off and any(environment.get(name) for name in _ENDPOINTS)


def tracer(service: str) -> "Tracer | None":
    """Return what a process writes its traces with, None where none are wanted; to be called once a process.

    Spans wait in a bounded queue and leave by a thread of their own: a collector that is away costs nothing but spans.

    Raises:
        SettingsError: traces are wanted and cannot be written.
    """
    if not wanted():
        return None
    try:
        from schemas.exporting import exporting_tracer  # noqa: PLC0415 - start-up time
    except ImportError as wrong:
        raise SettingsError(f"OTEL_EXPORTER_OTLP_ENDPOINT is set: install terrafusion-sync[otel] ({wrong})") from wrong
    return exporting_tracer(service)

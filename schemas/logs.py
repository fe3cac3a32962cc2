"""Structured logs for every process: one line an event, on standard error, as text for people or JSON for machines."""

import logging
import sys
from typing import Any, Literal, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from schemas import tracing
from schemas.printable import visible
from schemas.repeats import Repeats

LogFormat = Literal["console", "json"]


def configure(log_format: LogFormat = "console", level: str = "INFO") -> None:
    """Send the logs of this process, those of libraries included, to standard error in one format.

    Libraries speak from WARNING up; ``level`` holds for this project's own events. What is said again and again is
    said some times a minute, with how often it was not. Where traces are on, events within a span name it.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([_name_span] if tracing.wanted() else []),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for package in ("deploy", "processor", "producer", "schemas"):
        logging.getLogger(package).setLevel(level.upper())


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; call it with an event in a few words and facts as keywords."""
    return cast("FilteringBoundLogger", structlog.stdlib.get_logger(name))


def _name_span(_logger: Any, _method: str, event: EventDict) -> EventDict:
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - only where traces are on

    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return event


def _rendering(log_format: LogFormat) -> list[Processor]:
    if log_format == "console":
        # The default shows the values of all local variables: thousands of lines when a batch is among them.
        plain = structlog.dev.plain_traceback
        return [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(event: EventDict, **_options: object) -> str:
    """Write an event whatever it holds: a line that cannot be written would be missing when it is needed."""
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep what strangers put into a library's message from looking like lines of ours, or steering the terminal."""
    event["event"] = visible(str(event.get("event", "")))
    return event

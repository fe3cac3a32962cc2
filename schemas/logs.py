"""Structured logs for every process: one line an event, on standard error, as text for people or JSON for machines."""

import logging
import sys
from typing import Literal, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from schemas.printable import visible

LogFormat = Literal["console", "json"]


def configure(log_format: LogFormat = "console", level: str = "INFO") -> None:
    """Send the logs of this process, those of libraries included, to standard error in one format.

    Libraries speak from WARNING up; ``level`` holds for this project's own events.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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


def _rendering(log_format: LogFormat) -> list[Processor]:
    if log_format == "console":
        # The default shows the values of all local variables: thousands of lines when a batch is among them.
        plain = structlog.dev.plain_traceback
        return [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode()),
    ]


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep what strangers put into a library's message from looking like lines of ours, or steering the terminal."""
    event["event"] = visible(str(event.get("event", "")))
    return event

"""Structured logs: JSON lines with a constant message, values in fields, and a trace id.

The trace (W3C `traceparent`) comes with an HTTP request, is stored in the outbox row, travels in
the message and is set again around handler and job. So one id finds all log lines of a request.
Personal data never goes into a field.
https://www.w3.org/TR/trace-context/#traceparent-header
"""

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_STEERING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""DEL and C1 (0x9b begins an escape sequence), other ends of lines, changes of direction, and half
characters, which no stream takes. JSON itself escapes what is below 0x20."""
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def configure_logs(level: str = "INFO") -> None:
    """Send everything, also what libraries log, to stderr as JSON lines."""
    structlog.configure(
        processors=[*_steps(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_json_handler()], level=level.upper(), force=True)
    for noisy in ("amqp", "kombu", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _steps() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _json_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_steps(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=_one_line),
            ],
        )
    )
    return handler


def _one_line(entry: object, **options: Any) -> str:
    """Render JSON that people can read, without characters that steer a terminal."""
    text = json.dumps(entry, ensure_ascii=False, **options)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _add_trace(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    traceparent = _traceparent.get()
    if traceparent is not None:
        event["trace_id"] = traceparent[3:35]
    return event


def current_traceparent() -> str | None:
    """The trace that this code runs in, if any."""
    return _traceparent.get()


@contextmanager
def traced(traceparent: str | None) -> Iterator[str]:
    """Run inside this trace; a missing or malformed one starts a new trace."""
    if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    token = _traceparent.set(traceparent)
    try:
        yield traceparent
    finally:
        _traceparent.reset(token)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger

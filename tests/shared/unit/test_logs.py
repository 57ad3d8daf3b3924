"""A log line is one line of JSON, whatever somebody wrote into a field."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.core.logs import configure_logs, get_logger

CONTROL = [
    "a\nb",
    "a\r\nb",
    "\r{}",
    '","event":"forged',
    '\n{"event": "forged", "level": "info"}',
    "\x1b[2J\x1b[1;31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://127.0.0.1\x1b\\link",
    "\x00",
    "\x08\x08\x08",
    "\x7f",
    "\x0b\x0c",
    "\\n\\r",
    "%s%n",
    "{0.__class__}",
    "\ud800",
    '"""',
    "a\tb",
    "\u202eexe.txt",
    "\x9b31m",
]


@contextmanager
def written() -> Iterator[io.StringIO]:
    """What our handler writes, and no other: reports of tests take no half characters."""
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()
    configure_logs("INFO")
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        yield stream
    finally:
        root.handlers, root.level = handlers, level


@pytest.mark.check("S8")
def test_control_characters_in_a_field_forge_no_line() -> None:
    with written() as stream:
        for text in CONTROL:
            get_logger("test").warning("somebody wrote", text=text)
            logging.getLogger("a library").warning("it said %s", text)
    assert stream.getvalue().encode(), "a stream takes every character"
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == 2 * len(CONTROL)
    entries = [json.loads(line) for line in lines]
    assert {entry["event"] for entry in entries[::2]} == {"somebody wrote"}
    assert [entry["text"] for entry in entries[::2]] == CONTROL
    assert [line for line in lines if not line.isprintable()] == []

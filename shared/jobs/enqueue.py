"""Enqueue jobs after the commit, so that they run at once instead of at the next sweep."""

import functools
import time
from typing import Any

from celery import Celery
from sqlalchemy.orm import Session

from shared.core.logs import current_traceparent, get_logger
from shared.db.engine import after_commit

EXPIRES_SECONDS = 60
"""By then a sweep has done it. So a worker that was down for days finds no heap of old messages."""

SLOW_SECONDS = 1.0
PAUSE_SECONDS = 30
"""After a slow failure nothing is sent for so long: one try takes seconds while the broker takes
nothing, and a batch of events may enqueue hundreds of jobs."""

log = get_logger(__name__)
_app: Celery | None = None
_paused_until = 0.0


def enqueue_through(app: Celery) -> None:
    """Let `enqueue` send through this app. Bus and worker processes call it, APIs never do."""
    global _app  # noqa: PLW0603 - one per process
    _app = app


def enqueue(session: Session, name: str, *args: Any) -> None:
    """Run a job right after the commit. If it cannot be sent, the sweep does its work.

    Enqueueing a job twice in a transaction sends it once. An API sends nothing: a request must not
    wait for the broker.
    """
    if _app is None:
        return
    key = f"enqueued:{name}:{args}"
    if key in session.info:
        return
    session.info[key] = True
    after_commit(session, functools.partial(_send, _app, name, args, current_traceparent()))


def _send(app: Celery, name: str, args: tuple[Any, ...], traceparent: str | None) -> None:
    global _paused_until  # noqa: PLW0603 - one per process
    started = time.monotonic()
    if started < _paused_until:
        return
    headers = {"traceparent": traceparent}
    try:
        app.send_task(name, args, headers=headers, retry=False, expires=EXPIRES_SECONDS)
    except Exception as error:  # the row in the database decides, and the sweep finds it
        if time.monotonic() - started > SLOW_SECONDS:
            _paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("enqueue failed, the sweep will do it", job=name, error=type(error).__name__)

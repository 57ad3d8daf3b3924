"""Have a job run at once, after the commit. If that fails, the sweep does it."""

import functools
from typing import Any

from celery import Celery
from sqlalchemy.orm import Session

from shared.core.logs import current_traceparent, get_logger
from shared.db.engine import after_commit

ENQUEUED_SECONDS = (
    60  #: by then a sweep has done it; a worker that is down for days finds no heap of kicks
)

log = get_logger(__name__)
_sender: Celery | None = None


def enqueue_through(app: Celery) -> None:
    """Let `kick` send through this app: bus and worker processes call it, APIs never do."""
    global _sender  # noqa: PLW0603 - one per process
    _sender = app


def enqueue(session: Session, name: str, *args: Any) -> None:
    """After the commit, have a job run at once instead of at the next sweep. If that fails, the
    sweep does it.

    HTTP handlers never publish: in an API process this does nothing.
    """
    if _sender is not None:
        key = f"kicked:{name}:{args}"
        if key not in session.info:  # one kick per transaction, however many rows became due
            session.info[key] = True
            after_commit(
                session, functools.partial(_send, _sender, name, args, current_traceparent())
            )


def _send(app: Celery, name: str, args: tuple[Any, ...], traceparent: str | None) -> None:
    try:
        app.send_task(
            name, args, headers={"traceparent": traceparent}, retry=False, expires=ENQUEUED_SECONDS
        )
    except Exception as error:  # the row is the truth, the sweep repairs
        log.warning("kick failed, the sweep will do it", job=name, error=type(error).__name__)

"""Is this service ready, and how far behind is it? Read from its own tables, so an API never asks the broker."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.clock import app_now
from shared.db import transaction
from shared.inbox import Attempt, DeadLetter
from shared.metrics import ATTEMPTS, DEAD_LETTERS, OUTBOX_AGE, OUTBOX_ROWS
from shared.outbox import OutboxRow

BEHIND_SECONDS = 10


def readiness(service: str) -> dict[str, Any]:
    """`ready`; `degraded` while facts wait for the broker (requests are still served); `down` without a database."""
    try:
        with transaction() as session:
            waiting, age = backlog(session)
    except SQLAlchemyError:
        return {"service": service, "status": "down", "reason": "the database does not answer"}
    status = "degraded" if age > BEHIND_SECONDS else "ready"
    return {"service": service, "status": status, "outbox_waiting": waiting, "outbox_oldest_seconds": round(age, 1)}


def backlog(session: Session) -> tuple[int, float]:
    """How many outbox rows wait for the broker (counted up to 10,000), and the age of the oldest in seconds."""
    waiting = select(OutboxRow.created_at).where(OutboxRow.published_at.is_(None)).limit(10_000).subquery()
    row = session.execute(
        select(func.count(), func.extract("epoch", app_now() - func.min(waiting.c.created_at))).select_from(waiting)
    ).one()
    return row[0], float(row[1] or 0)


def measure(service: str) -> None:
    """Bring the gauges up to date; called by a scrape."""
    try:
        with transaction() as session:
            waiting, age = backlog(session)
            OUTBOX_ROWS.labels(service).set(waiting)
            OUTBOX_AGE.labels(service).set(age)
            ATTEMPTS.labels(service).set(session.scalar(select(func.count()).select_from(Attempt)) or 0)
            dead = select(func.count()).select_from(DeadLetter).where(DeadLetter.replayed_at.is_(None))
            DEAD_LETTERS.labels(service).set(session.scalar(dead) or 0)
    except SQLAlchemyError:
        return  # the scrape still shows the rest

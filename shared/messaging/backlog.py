"""How much work waits in the tables of the messaging, and since when."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.core.clock import app_now
from shared.messaging.attempts import Attempt
from shared.messaging.outbox import OutboxRow
from shared.messaging.turns import Work

MOST_COUNTED = 10_000


def waiting_events(session: Session) -> Work:
    """Outbox rows that wait for the broker, and the age of the oldest."""
    unpublished = select(OutboxRow.created_at).where(OutboxRow.published_at.is_(None))
    waiting = unpublished.order_by(OutboxRow.sequence).limit(MOST_COUNTED).subquery()
    age = func.extract("epoch", app_now() - func.min(waiting.c.created_at))
    rows, oldest = session.execute(select(func.count(), age).select_from(waiting)).one()
    return Work(rows, max(float(oldest or 0), 0))


def waiting_attempts(session: Session) -> Work:
    """Events that wait for another attempt, and how long the most overdue one has been due."""
    waiting = select(Attempt.due_at).order_by(Attempt.due_at).limit(MOST_COUNTED).subquery()
    overdue = func.extract("epoch", app_now() - func.min(waiting.c.due_at))
    rows, oldest = session.execute(select(func.count(), overdue).select_from(waiting)).one()
    return Work(rows, max(float(oldest or 0), 0))

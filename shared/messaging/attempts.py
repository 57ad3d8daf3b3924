"""What failed: facts that wait for another attempt, and those that were given up."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.db.types import Plumbing

MAX_ATTEMPTS = 5
IN_HAND = app_now() + timedelta(minutes=2)
"""When a counted attempt falls due if nobody comes back from it: later than any statement can take.
"""


class Attempt(Plumbing):
    """A fact that failed and will be tried again, or that is being tried alone because it was
    delivered before.
    """

    __tablename__ = "attempts"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    body: Mapped[str]
    attempts: Mapped[int]
    error: Mapped[str | None]
    due_at: Mapped[datetime] = mapped_column(index=True)


class DeadLetter(Plumbing):
    """A fact that was given up. `wishtree dead-letters replay` gives it five new attempts."""

    __tablename__ = "dead_letters"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[UUID | None] = mapped_column(unique=True)
    """None when the message was not even a CloudEvent."""
    body: Mapped[str]
    reason: Mapped[str]
    """unreadable, unknown (type or version), failed (raised each time), killed (the process died
    each time), returned (the broker's own delivery limit)."""
    error: Mapped[str | None]
    attempts: Mapped[int]
    died_at: Mapped[datetime] = mapped_column(server_default=app_now())
    replayed_at: Mapped[datetime | None]


def is_buried(session: Session, event_id: UUID) -> bool:
    buried = select(DeadLetter.id).where(
        DeadLetter.event_id == event_id, DeadLetter.replayed_at.is_(None)
    )
    return session.scalar(buried) is not None


def replay(session: Session, dead_letter: DeadLetter) -> None:
    """Give a dead letter five new attempts, due at once. Repeating it changes nothing while it
    waits.
    """
    if dead_letter.event_id is not None:
        session.execute(
            insert(Attempt)
            .values(
                event_id=dead_letter.event_id, body=dead_letter.body, attempts=0, due_at=app_now()
            )
            .on_conflict_do_nothing()
        )
    dead_letter.replayed_at = app_now()  # type: ignore[assignment]


def next_attempt(attempts: int) -> Any:
    """Exponential back-off of 1, 2, 4, 8 ... s with half of it jitter, by the database's clock."""
    seconds = 2 ** (attempts - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - spreading load, not guarding a secret
    return app_now() + timedelta(seconds=seconds)

"""Failed events: those that wait for another attempt, and dead letters.

Every function works in the caller's transaction.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.contracts.base import Event
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.db.contention import first_line, took_too_long
from shared.db.types import Plumbing

MAX_ATTEMPTS = 5
SLOW_SECONDS = 300
"""The pause after a second statement that took too long. The database may be busy for minutes, so
that five attempts within seconds would make dead letters of good events."""
IN_HAND = app_now() + timedelta(minutes=2)
"""When an attempt falls due that began and was not ended: later than any statement can take."""

Reason = Literal["unreadable", "unknown", "failed", "killed", "returned"]
"""Why an event was given up: no event, an unknown type or version, an error at each attempt, the
process died at each attempt, or the broker's delivery limit."""


UNREADABLE: Reason = "unreadable"


class Attempt(Plumbing):
    """An event that failed, or that was delivered before and is now handled alone."""

    __tablename__ = "attempts"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    body: Mapped[str]
    attempts: Mapped[int]
    error: Mapped[str | None]
    due_at: Mapped[datetime] = mapped_column(index=True)


class DeadLetter(Plumbing):
    """An event that was given up. `wishtree dead-letters replay` gives it five new attempts."""

    __tablename__ = "dead_letters"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[UUID | None] = mapped_column(unique=True)
    """None when the message was not even a CloudEvent."""
    body: Mapped[str]
    reason: Mapped[str]
    """One of `Reason`."""
    error: Mapped[str | None]
    attempts: Mapped[int]
    died_at: Mapped[datetime] = mapped_column(server_default=app_now())
    replayed_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class BegunAttempt:
    """An attempt that is counted and committed before its event is handled."""

    event_id: UUID
    body: str
    number: int  #: 1 is the first
    trusted: bool = True  #: as of its `Delivery`; what was found in the table is ours


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A dead letter to be written."""

    event_id: UUID | None
    body: str
    reason: Reason
    error: str | None
    attempts: int


def defer(session: Session, event: Event, error: BaseException) -> None:
    """Note the first failure of an event. Its second attempt falls due in about a second."""
    first = insert(Attempt).values(
        event_id=event.envelope.id,
        body=event.envelope.body,
        attempts=1,
        error=in_one_line(error),
        due_at=next_due(1),
    )
    session.execute(first.on_conflict_do_nothing())


def begin_attempt(session: Session, event: Event) -> BegunAttempt:
    """Count an attempt at an event that was delivered before.

    Its first delivery was not counted, so this attempt is at least the second.
    """
    event_id, body = event.envelope.id, event.envelope.body
    second = insert(Attempt).values(event_id=event_id, body=body, attempts=2, due_at=IN_HAND)
    counted = second.on_conflict_do_update(
        index_elements=["event_id"],
        set_={"attempts": Attempt.attempts + 1, "due_at": IN_HAND},
    )
    number = session.scalars(counted.returning(Attempt.attempts)).one()
    return BegunAttempt(event_id, body, number, event.envelope.trusted)


def begin_due_attempt(session: Session) -> BegunAttempt | None:
    """Count the attempt that has been due longest; None if none is due."""
    due = (
        select(Attempt.event_id)
        .where(Attempt.due_at <= app_now())
        .order_by(Attempt.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    counted = (
        update(Attempt)
        .where(Attempt.event_id.in_(due.scalar_subquery()))
        .values(attempts=Attempt.attempts + 1, due_at=IN_HAND)
        .returning(Attempt.event_id, Attempt.body, Attempt.attempts)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(counted).one_or_none()
    return BegunAttempt(row.event_id, row.body, row.attempts) if row else None


def note_failure(session: Session, attempt: BegunAttempt, error: BaseException) -> None:
    """Note why an attempt failed, and when the next one falls due."""
    failed = update(Attempt).where(Attempt.event_id == attempt.event_id)
    due_at = next_due(attempt.number, error)
    session.execute(failed.values(error=in_one_line(error), due_at=due_at))


def take_back(session: Session, event_id: UUID) -> None:
    """Do not count an attempt whose failure the event did not cause. It is due again soon."""
    counted = update(Attempt).where(Attempt.event_id == event_id)
    session.execute(counted.values(attempts=Attempt.attempts - 1, due_at=next_due(1)))


def forget_attempts(session: Session, event_id: UUID | None) -> None:
    """Delete the attempts at an event that was handled or given up."""
    session.execute(delete(Attempt).where(Attempt.event_id == event_id))


def give_up(session: Session, letter: GivenUp) -> None:
    """Make an event a dead letter, also one that was replayed and failed again.

    The newest body is kept, since a replay reads it. But an unreadable copy takes no place of one
    that can be replayed.
    """
    dead = insert(DeadLetter).values(
        id=new_id(),
        event_id=letter.event_id,
        body=letter.body,
        reason=letter.reason,
        error=letter.error,
        attempts=letter.attempts,
    )
    again = {
        "body": letter.body,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "died_at": app_now(),
        "replayed_at": None,
    }
    may_be_replaced = or_(DeadLetter.replayed_at.is_not(None), DeadLetter.reason == UNREADABLE)
    where = may_be_replaced if letter.reason == UNREADABLE else None
    session.execute(
        dead.on_conflict_do_update(index_elements=["event_id"], set_=again, where=where)
    )
    forget_attempts(session, letter.event_id)


def is_given_up(session: Session, event_id: UUID) -> bool:
    """Tell whether the event is a dead letter that nobody has replayed.

    An unreadable copy says nothing about a copy that can be read, such as the one in the feed.
    """
    dead = select(DeadLetter.id).where(
        DeadLetter.event_id == event_id,
        DeadLetter.replayed_at.is_(None),
        DeadLetter.reason != UNREADABLE,
    )
    return session.scalar(dead) is not None


def replay(session: Session, letter: DeadLetter) -> None:
    """Give a dead letter five new attempts, due at once. Repeating it changes nothing meanwhile."""
    if letter.event_id is not None:
        attempt = insert(Attempt).values(
            event_id=letter.event_id, body=letter.body, attempts=0, due_at=app_now()
        )
        session.execute(attempt.on_conflict_do_nothing())
    letter.replayed_at = app_now()  # type: ignore[assignment]


def next_due(attempts: int, error: BaseException | None = None) -> ColumnElement[datetime]:
    """SQL: 1, 2, 4, 8 ... s from now, less up to half of it, by the database's clock.

    After a statement that took too long, from the second attempt on, 5, 10, 20 minutes instead.
    """
    seconds = 2 ** (attempts - 1)
    if attempts > 1 and error is not None and took_too_long(error):
        seconds = SLOW_SECONDS * 2 ** (attempts - 2)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards no secret
    return app_now() + timedelta(seconds=seconds * jitter)


def in_one_line(error: BaseException) -> str:
    """The class and first line of an error, as `as_error`."""
    try:
        first = first_line(error)
    except Exception:  # nothing that an error says may keep it from being noted
        first = "(says nothing)"
    return as_error(f"{type(error).__name__}: {first}")


def as_error(words: str) -> str:
    """Words as the column `error` holds them and a terminal shows them: printable and short."""
    printable = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in words[:500])
    return "".join(printable)[:500]

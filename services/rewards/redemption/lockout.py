"""Guessing codes: counted per venue and over all, locked out for a while, and people are told once.

Only unknown codes are refused during a lock-out. A code that exists works at any time, so that no
guest is turned away.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.models import FailedLook, LockOut
from shared.contracts.rewards import VenueLockedOut
from shared.core.clock import app_now
from shared.core.problems import TooManyRequests
from shared.messaging.outbox import publish

WINDOW = timedelta(minutes=10)
GUESSES = 20
"""Unknown codes of one venue within the window that lock it out for as long again."""
GUESSES_OF_ALL = 200
"""The same over all venues together. Those at the same moment may exceed it by as many as there are
at once.
"""
ALL = "all"


class TooManyGuesses(TooManyRequests):
    """Too many unknown codes. Codes that exist still work."""


def note_guess(session: Session, venue_id: UUID) -> None:
    """Count a look-up at the counter of a code that is none of this venue's vouchers.

    Raises TooManyGuesses, and counts nothing more, while the venue or everybody is locked out.
    Parallel guesses of a venue wait for each other, so that none slips past the count.
    """
    _refuse(session, venue_id)  # before waiting for anybody: who keeps guessing costs one statement
    _one_by_one(session, venue_id)
    _refuse(session, venue_id)
    _count(session, venue_id, 1)


def note_reported(session: Session, venue_id: UUID, unknown: int) -> None:
    """Count unknown codes that a venue reported by webhook. They go to the disputes and are never
    refused.
    """
    if unknown:
        _one_by_one(session, venue_id)
        if _locked_out(session, venue_id) is None:
            _count(session, venue_id, unknown)


def _one_by_one(session: Session, venue_id: UUID) -> None:
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"rewards.guesses {venue_id}", 0)))
    )


def _refuse(session: Session, venue_id: UUID) -> None:
    seconds = _locked_out(session, venue_id)
    if seconds is not None:
        problem = TooManyGuesses("Check the code with the guest before trying again.")
        problem.headers["Retry-After"] = str(seconds)
        raise problem


def _locked_out(session: Session, venue_id: UUID) -> int | None:
    """For how many seconds more, if at all."""
    row = session.execute(
        select(func.max(LockOut.until).label("until"), app_now().label("now")).where(
            LockOut.scope.in_([str(venue_id), ALL]), LockOut.until > app_now()
        )
    ).one()
    return int((row.until - row.now).total_seconds()) + 1 if row.until else None


def _count(session: Session, venue_id: UUID, guesses: int) -> None:
    session.add_all(FailedLook(venue_id=venue_id) for _ in range(guesses))
    session.flush()
    recent = (
        select(FailedLook.id).where(FailedLook.looked_at > app_now() - WINDOW).limit(GUESSES_OF_ALL)
    )
    own = recent.where(FailedLook.venue_id == venue_id).limit(GUESSES)
    found = session.execute(
        select(
            select(func.count()).select_from(own.subquery()).scalar_subquery().label("own"),
            select(func.count()).select_from(recent.subquery()).scalar_subquery().label("of_all"),
        )
    ).one()
    if found.own >= GUESSES:
        _lock_out(session, str(venue_id), venue_id)
    if found.of_all >= GUESSES_OF_ALL:
        _lock_out(session, ALL, None)


def _lock_out(session: Session, scope: str, venue_id: UUID | None) -> None:
    """Begin a lock-out and raise the alarm; one that goes on is left as it is."""
    row = insert(LockOut).values(scope=scope, until=app_now() + WINDOW)
    until: datetime | None = session.scalar(
        row.on_conflict_do_update(
            index_elements=["scope"],
            set_={"until": row.excluded.until},
            where=LockOut.until <= app_now(),
        ).returning(LockOut.until)
    )
    if until is not None:
        publish(session, VenueLockedOut(scope=scope, venue_id=venue_id, until=until))

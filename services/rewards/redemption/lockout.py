"""Lock out venues that guess codes: count per venue and over all venues, and raise one alert.

During a lock-out only unknown codes are refused. A code that exists always works, so that no guest
is turned away.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.models import FailedLook, LockOut
from shared.contracts.rewards import VenueLockedOut
from shared.core.clock import app_now
from shared.core.problems import TooManyRequests
from shared.messaging.outbox import publish

WINDOW = timedelta(minutes=10)
GUESSES = 20
"""This many unknown codes of one venue within the window lock it out for as long again."""
GUESSES_OF_ALL = 200
"""The same over all venues together. Guesses at the same moment may exceed it by their number."""
ALL = "all"


class TooManyGuesses(TooManyRequests):
    """Too many unknown codes. Codes that exist still work."""


def note_guess(session: Session, venue_id: UUID) -> None:
    """Count a look-up at the counter of a code that no voucher of this venue has.

    Raises TooManyGuesses, and counts nothing more, while the venue or everybody is locked out.
    Parallel guesses of a venue wait for each other, so that none slips past the count.
    """
    # Also before the lock, so that a locked-out venue costs one statement and no waiting.
    _refuse_if_locked_out(session, venue_id)
    _one_at_a_time(session, venue_id)
    _refuse_if_locked_out(session, venue_id)
    _count(session, venue_id, 1)


def note_reported(session: Session, venue_id: UUID, unknown: int) -> None:
    """Count unknown codes that a venue reported by webhook.

    They become disputes and are never refused.
    """
    if unknown:
        _one_at_a_time(session, venue_id)
        if _locked_out_seconds(session, venue_id) is None:
            _count(session, venue_id, unknown)


def _one_at_a_time(session: Session, venue_id: UUID) -> None:
    key = func.hashtextextended(f"rewards.guesses {venue_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def _refuse_if_locked_out(session: Session, venue_id: UUID) -> None:
    seconds = _locked_out_seconds(session, venue_id)
    if seconds is not None:
        problem = TooManyGuesses("Check the code with the guest before trying again.")
        problem.headers["Retry-After"] = str(seconds)
        raise problem


def _locked_out_seconds(session: Session, venue_id: UUID) -> int | None:
    """Return how many seconds the lock-out still lasts; None without one."""
    row = session.execute(
        select(func.max(LockOut.until).label("until"), app_now().label("now")).where(
            LockOut.scope.in_([str(venue_id), ALL]), LockOut.until > app_now()
        )
    ).one()
    return int((row.until - row.now).total_seconds()) + 1 if row.until else None


def _count(session: Session, venue_id: UUID, guesses: int) -> None:
    """Add guesses and begin the lock-outs whose limit they reach."""
    session.add_all(FailedLook(venue_id=venue_id) for _ in range(guesses))
    session.flush()
    recent = select(FailedLook.id).where(FailedLook.looked_at > app_now() - WINDOW)
    own = recent.where(FailedLook.venue_id == venue_id)
    if _reaches(session, own, GUESSES):
        _lock_out(session, str(venue_id), venue_id)
    if _reaches(session, recent, GUESSES_OF_ALL):
        _lock_out(session, ALL, None)


def _reaches(session: Session, guesses: Select[UUID], limit: int) -> bool:
    # No more rows are counted than the limit needs.
    counted = select(func.count()).select_from(guesses.limit(limit).subquery())
    return (session.scalar(counted) or 0) >= limit


def _lock_out(session: Session, scope: str, venue_id: UUID | None) -> None:
    """Begin a lock-out and publish it; one that lasts already is left as it is."""
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

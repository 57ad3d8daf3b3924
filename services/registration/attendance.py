"""Who was there, from when to when, and what of it counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.activities import own_session, session_and_activity
from services.registration.models import (
    Activity,
    ActivitySession,
    ActivityStatus,
    Attendance,
    Credit,
    SignUp,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from services.registration.policy import (
    AUTO_APPROVAL_FOR,
    CLOCKS_DIFFER_BY,
    CLOSE_AFTER,
    MINIMUM_PERCENT,
    SLIP,
    TOLERANCE,
)
from services.registration.service_records import (
    OverlappingRecord,
    UnknownVolunteer,
    Work,
    minutes_between,
    record_hours,
)
from shared.auth.principal import Principal
from shared.contracts.registration import AttendanceCheckedIn, AttendanceCheckedOut, Bucket, Origin
from shared.core.clock import app_now, now
from shared.core.problems import Conflict, NotFound, invalid
from shared.db.statements import changed
from shared.messaging.outbox import publish

CLOCK = "clock"
"""Who checked out those whom nobody checked out."""


class AttendanceNotFound(NotFound):
    """This volunteer was not checked in."""


class VolunteerNotActive(Conflict):
    """Only an active volunteer can be checked in."""


class CheckedInAlready(Conflict):
    """This volunteer was checked in at another time; undo that first."""


class CheckedOutAlready(Conflict):
    """This volunteer was checked out; ask for a correction instead."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The part of somebody's presence that lies in the session and its tolerance."""

    from_: datetime
    to: datetime
    minutes: int
    enough: bool  #: reaches the minimum share of the planned time
    inside: bool  #: nothing had to be cut off


def presence(starts_at: datetime, ends_at: datetime, came: datetime, went: datetime) -> Presence:
    """Cut a presence to the session and its tolerance; travel never counts."""
    from_, to = max(came, starts_at - TOLERANCE), min(went, ends_at + TOLERANCE)
    minutes = max(0, minutes_between(from_, to))
    planned = (ends_at - starts_at) / timedelta(minutes=1)
    return Presence(
        from_,
        to,
        minutes,
        minutes >= 1 and minutes * 100 >= planned * MINIMUM_PERCENT,
        inside=(from_, to) == (came, went),
    )


def check_in(
    session: Session, principal: Principal, session_id: UUID, volunteer_id: UUID, at: datetime
) -> Attendance:
    """A volunteer arrived; announces it. Repeating it changes nothing.

    Who did not sign up is welcome too, but their time waits for a second person. Raises
    SessionNotFound, VolunteerNotActive, CheckedInAlready, or a 422 for a time that cannot be.
    """
    held, _ = own_session(session, principal, session_id)
    _must_fit(held, at)
    volunteer = session.get(
        Volunteer, volunteer_id, populate_existing=True, with_for_update={"read": True}
    )
    if volunteer is None or volunteer.status is not VolunteerStatus.ACTIVE:
        raise VolunteerNotActive(f"Volunteer {volunteer_id}.")
    row = insert(Attendance).values(
        session_id=session_id,
        volunteer_id=volunteer_id,
        checked_in_at=at,
        checked_in_by=str(principal.subject),
    )
    if session.scalar(row.on_conflict_do_nothing().returning(Attendance.session_id)) is not None:
        publish(
            session, AttendanceCheckedIn(session_id=session_id, volunteer_id=volunteer_id, at=at)
        )
    found = _attendance(session, session_id, volunteer_id)
    if found.checked_in_at != at:
        raise CheckedInAlready(f"Volunteer {volunteer_id}, session {session_id}.")
    return found


def _must_fit(held: ActivitySession, at: datetime) -> None:
    """A time that has not come, or is a day away from the session, is a slip of the finger. Raises
    a 422 at `/at`.
    """
    if at > now() + CLOCKS_DIFFER_BY:
        raise invalid("/at", "This time has not come yet.")
    if not held.starts_at - SLIP <= at <= held.ends_at + SLIP:
        raise invalid("/at", "This is more than a day away from the session.")


def undo_check_in(
    session: Session, principal: Principal, session_id: UUID, volunteer_id: UUID
) -> None:
    """Take a mistaken check-in back. Repeating it changes nothing. Raises SessionNotFound,
    CheckedOutAlready.
    """
    own_session(session, principal, session_id)
    gone = session.execute(
        delete(Attendance).where(
            Attendance.session_id == session_id,
            Attendance.volunteer_id == volunteer_id,
            Attendance.checked_out_at.is_(None),
        )
    )
    if not changed(gone) and session.get(Attendance, (session_id, volunteer_id)) is not None:
        raise CheckedOutAlready(f"Volunteer {volunteer_id}, session {session_id}.")


def check_out(
    session: Session, principal: Principal, session_id: UUID, volunteer_id: UUID, at: datetime
) -> Attendance:
    """A volunteer left; announces it, and credits what counts. Repeating it changes nothing.

    Raises SessionNotFound, AttendanceNotFound, CheckedOutAlready, or a 422 for leaving before
    coming.
    """
    held, activity = own_session(session, principal, session_id)
    found = _attendance(session, session_id, volunteer_id)
    _must_fit(held, at)
    if at < found.checked_in_at:
        raise invalid("/at", "This is before the check-in.")
    if not _close(session, held, activity, found, at, str(principal.subject)):
        session.refresh(found)
        if found.checked_out_at != at:
            raise CheckedOutAlready(f"Volunteer {volunteer_id}, session {session_id}.")
    return found


def close_forgotten(session: Session, limit: int = 200) -> int:
    """Check out at the session's end whom nobody checked out; a second person looks at each.
    Returns how many.
    """
    forgotten = session.execute(
        select(Attendance.session_id, Attendance.volunteer_id)
        .join(ActivitySession)
        .where(
            Attendance.checked_out_at.is_(None),
            ActivitySession.ends_at < app_now() - CLOSE_AFTER,
            Attendance.created_at < app_now() - CLOSE_AFTER,
        )
        .order_by(Attendance.session_id, Attendance.volunteer_id)
        .limit(limit)
        .with_for_update(of=Attendance, skip_locked=True)
    ).all()
    for session_id, volunteer_id in forgotten:
        held, activity = session_and_activity(session, session_id)
        found = _attendance(session, session_id, volunteer_id)
        _close(session, held, activity, found, max(held.ends_at, found.checked_in_at), CLOCK)
    return len(forgotten)


def _attendance(session: Session, session_id: UUID, volunteer_id: UUID) -> Attendance:
    found = session.get(Attendance, (session_id, volunteer_id), populate_existing=True)
    if found is None:
        raise AttendanceNotFound(f"Volunteer {volunteer_id}, session {session_id}.")
    return found


def _close(
    session: Session,
    held: ActivitySession,
    activity: Activity,
    found: Attendance,
    at: datetime,
    actor: str,
) -> bool:
    """One update decides who checks out. Returns whether it was this call."""
    was = presence(held.starts_at, held.ends_at, found.checked_in_at, at)
    closed = session.execute(
        update(Attendance)
        .where(
            Attendance.session_id == held.id,
            Attendance.volunteer_id == found.volunteer_id,
            Attendance.checked_out_at.is_(None),
            Attendance.checked_in_at == found.checked_in_at,
        )
        .values(
            checked_out_at=at,
            checked_out_by=actor,
            minutes=was.minutes,
            closed_by_clock=actor == CLOCK,
        )
        .execution_options(synchronize_session=False)
    )
    if not changed(closed):
        return False
    publish(
        session,
        AttendanceCheckedOut(
            session_id=held.id, volunteer_id=found.volunteer_id, at=at, minutes=was.minutes
        ),
    )
    session.refresh(found)
    found.credit, found.record_id = _credit(session, held, activity, found, was, actor)
    session.flush()
    return True


_REFUSALS: dict[type | None, Credit] = {
    OverlappingRecord: Credit.OVERLAPS,
    UnknownVolunteer: Credit.LEFT,
}


def _credit(
    session: Session,
    held: ActivitySession,
    activity: Activity,
    found: Attendance,
    was: Presence,
    actor: str,
) -> tuple[Credit, UUID | None]:
    if not was.enough:
        return Credit.TOO_SHORT, None
    verified = _counts_at_once(session, held, activity, found, was, actor)
    work = Work(
        found.volunteer_id,
        activity.organisation_id,
        was.from_,
        was.to,
        activity.category,
        f"{held.id}:{found.volunteer_id}",
        session_id=held.id,
    )
    outcome = record_hours(
        session,
        [work],
        client="attendance",
        recorded_by=actor,
        origin=Origin.ATTENDANCE,
        verified=verified,
        bucket=Bucket.VERIFIED,
    )[0]
    if outcome.id is None:
        return _REFUSALS.get(type(outcome.problem), Credit.REFUSED), None
    return (Credit.RECORDED if verified else Credit.PENDING), outcome.id


def _counts_at_once(
    session: Session,
    held: ActivitySession,
    activity: Activity,
    found: Attendance,
    was: Presence,
    actor: str,
) -> bool:
    """Verified without a second person only if all of this holds; whatever fails, the record
    waits.
    """
    signed_up = session.get(SignUp, (held.id, found.volunteer_id), populate_existing=True)
    return (
        activity.status is ActivityStatus.PUBLISHED
        and signed_up is not None
        and signed_up.status is SignUpStatus.CONFIRMED
        and was.inside
        and was.to <= now()
        and str(found.volunteer_id) not in (actor, found.checked_in_by)
        and actor != CLOCK
        and now() - held.ends_at <= AUTO_APPROVAL_FOR
    )

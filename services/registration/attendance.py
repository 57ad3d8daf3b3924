"""Who was there, from when to when, and what of it counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.activities import get_activity_session, own_activity_session
from services.registration.models import (
    ActivitySession,
    ActivityStatus,
    Attendance,
    Credit,
    RecordStatus,
    SignUp,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from services.registration.policy import (
    AUTO_APPROVAL_FOR,
    CLOCKS_DIFFER_BY,
    CLOSE_AFTER,
    LONGEST,
    MINIMUM_PERCENT,
    SLIP,
    TOLERANCE,
)
from services.registration.service_records import (
    OverlappingRecord,
    Submission,
    UnknownVolunteer,
    Work,
    minutes_between,
    record_hours,
)
from shared.auth.principal import Principal
from shared.contracts.registration import AttendanceCheckedIn, AttendanceCheckedOut, Bucket, Origin
from shared.core.clock import app_now, now
from shared.core.problems import Conflict, NotFound, invalid
from shared.db.statements import changed, inserted
from shared.messaging.outbox import publish

CLOCK = "clock"
"""Recorded as the person who checked out, where nobody did."""


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
    """The part of somebody's presence within the session and its tolerance."""

    from_: datetime
    to: datetime
    minutes: int
    enough: bool  #: reaches the minimum share of the planned time
    inside: bool  #: nothing had to be cut off


@dataclass(frozen=True, slots=True)
class CheckOut:
    """One volunteer leaving one activity session."""

    activity_session: ActivitySession
    attendance: Attendance
    at: datetime
    actor: str

    @property
    def volunteer_id(self) -> UUID:
        return self.attendance.volunteer_id

    @property
    def presence(self) -> Presence:
        return presence(
            self.activity_session.starts_at,
            self.activity_session.ends_at,
            self.attendance.checked_in_at,
            self.at,
        )


def presence(starts_at: datetime, ends_at: datetime, came: datetime, went: datetime) -> Presence:
    """Cut a presence to the session, its tolerance and a day; travel never counts."""
    from_ = max(came, starts_at - TOLERANCE)
    to = min(went, ends_at + TOLERANCE, from_ + LONGEST)
    minutes = max(0, minutes_between(from_, to))
    planned = (ends_at - starts_at) / timedelta(minutes=1)
    return Presence(
        from_,
        to,
        minutes,
        enough=minutes >= 1 and minutes * 100 >= planned * MINIMUM_PERCENT,
        inside=(from_, to) == (came, went),
    )


def check_in(
    session: Session, principal: Principal, session_id: UUID, volunteer_id: UUID, at: datetime
) -> Attendance:
    """Note that a volunteer arrived, and publish it. Repeating it changes nothing.

    Somebody who did not sign up is welcome too, but their time waits for a second person. Raises
    SessionNotFound, VolunteerNotActive, CheckedInAlready, or a 422 for a time that cannot be.
    """
    _check_time(own_activity_session(session, principal, session_id), at)
    _require_active(session, volunteer_id)
    row = insert(Attendance).values(
        session_id=session_id,
        volunteer_id=volunteer_id,
        checked_in_at=at,
        checked_in_by=str(principal.subject),
    )
    if inserted(session, row.on_conflict_do_nothing()):
        publish(
            session, AttendanceCheckedIn(session_id=session_id, volunteer_id=volunteer_id, at=at)
        )
    attendance = _attendance_of(session, session_id, volunteer_id)
    if attendance.checked_in_at != at:
        raise CheckedInAlready(f"Volunteer {volunteer_id}, session {session_id}.")
    return attendance


def _check_time(activity_session: ActivitySession, at: datetime) -> None:
    """Refuse a time that was mistyped: in the future, or a day away. Raises a 422 at `/at`."""
    if at > now() + CLOCKS_DIFFER_BY:
        raise invalid("/at", "This time has not come yet.")
    if not activity_session.starts_at - SLIP <= at <= activity_session.ends_at + SLIP:
        raise invalid("/at", "This is more than a day away from the session.")


def _require_active(session: Session, volunteer_id: UUID) -> None:
    # The row lock keeps a suspension or a merger waiting until this check-in can be seen.
    volunteer = session.get(
        Volunteer, volunteer_id, populate_existing=True, with_for_update={"read": True}
    )
    if volunteer is None or volunteer.status is not VolunteerStatus.ACTIVE:
        raise VolunteerNotActive(f"Volunteer {volunteer_id}.")


def undo_check_in(
    session: Session, principal: Principal, session_id: UUID, volunteer_id: UUID
) -> None:
    """Take a mistaken check-in back. Repeating it changes nothing.

    Raises SessionNotFound, CheckedOutAlready.
    """
    own_activity_session(session, principal, session_id)
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
    """Note that a volunteer left, publish it, and credit what counts. Repeating changes nothing.

    Raises SessionNotFound, AttendanceNotFound, CheckedOutAlready, or a 422 for leaving before
    coming.
    """
    activity_session = own_activity_session(session, principal, session_id)
    attendance = _attendance_of(session, session_id, volunteer_id)
    _check_time(activity_session, at)
    if at < attendance.checked_in_at:
        raise invalid("/at", "This is before the check-in.")
    if not _close(session, CheckOut(activity_session, attendance, at, str(principal.subject))):
        session.refresh(attendance)
        if attendance.checked_out_at != at:
            raise CheckedOutAlready(f"Volunteer {volunteer_id}, session {session_id}.")
    return attendance


def close_forgotten(session: Session, limit: int = 200) -> int:
    """Check out at the session's end everybody who is still checked in. Returns how many.

    A second person decides about each of them.
    """
    forgotten = session.scalars(
        select(Attendance)
        .join(ActivitySession)
        .where(
            Attendance.checked_out_at.is_(None),
            ActivitySession.ends_at < app_now() - CLOSE_AFTER,
            # A session may be typed in afterwards: leave time for the check-outs.
            Attendance.created_at < app_now() - CLOSE_AFTER,
        )
        .order_by(Attendance.session_id, Attendance.volunteer_id)
        .limit(limit)
        .with_for_update(of=Attendance, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for attendance in forgotten:
        activity_session = get_activity_session(session, attendance.session_id)
        at = max(activity_session.ends_at, attendance.checked_in_at)
        _close(session, CheckOut(activity_session, attendance, at, CLOCK))
    return len(forgotten)


def _attendance_of(session: Session, session_id: UUID, volunteer_id: UUID) -> Attendance:
    attendance = session.get(Attendance, (session_id, volunteer_id), populate_existing=True)
    if attendance is None:
        raise AttendanceNotFound(f"Volunteer {volunteer_id}, session {session_id}.")
    return attendance


def _close(session: Session, check_out: CheckOut) -> bool:
    """Close an attendance, publish it and credit it. Returns False where somebody else was first.

    One update decides.
    """
    counted = check_out.presence
    if not _set_check_out(session, check_out, counted.minutes):
        return False
    publish(
        session,
        AttendanceCheckedOut(
            session_id=check_out.activity_session.id,
            volunteer_id=check_out.volunteer_id,
            at=check_out.at,
            minutes=counted.minutes,
        ),
    )
    attendance = check_out.attendance
    # The update went past the session's copy of the row.
    session.refresh(attendance)
    attendance.credit, attendance.record_id = _credit(session, check_out, counted)
    session.flush()
    return True


def _set_check_out(session: Session, check_out: CheckOut, minutes: int) -> bool:
    closed = session.execute(
        update(Attendance)
        .where(
            Attendance.session_id == check_out.activity_session.id,
            Attendance.volunteer_id == check_out.volunteer_id,
            Attendance.checked_out_at.is_(None),
            # Not if the check-in was undone and made again meanwhile: the minutes would be wrong.
            Attendance.checked_in_at == check_out.attendance.checked_in_at,
        )
        .values(
            checked_out_at=check_out.at,
            checked_out_by=check_out.actor,
            minutes=minutes,
            closed_by_clock=check_out.actor == CLOCK,
        )
        .execution_options(synchronize_session=False)
    )
    return bool(changed(closed))


_CREDIT_BY_PROBLEM: dict[type | None, Credit] = {
    OverlappingRecord: Credit.OVERLAPS,
    UnknownVolunteer: Credit.LEFT,
}


def _credit(session: Session, check_out: CheckOut, counted: Presence) -> tuple[Credit, UUID | None]:
    """Record the hours of a presence. Returns what came of it, and the record if there is one."""
    if not counted.enough:
        return Credit.TOO_SHORT, None
    at_once = _counts_at_once(session, check_out, counted)
    submission = Submission(
        client="attendance",
        recorded_by=check_out.actor,
        origin=Origin.ATTENDANCE,
        status=RecordStatus.RECORDED if at_once else RecordStatus.PENDING,
        bucket=Bucket.VERIFIED,
    )
    (outcome,) = record_hours(session, [_work(check_out, counted)], submission)
    if outcome.id is None:
        return _CREDIT_BY_PROBLEM.get(type(outcome.problem), Credit.REFUSED), None
    return (Credit.RECORDED if at_once else Credit.PENDING), outcome.id


def _work(check_out: CheckOut, counted: Presence) -> Work:
    activity_session = check_out.activity_session
    return Work(
        volunteer_id=check_out.volunteer_id,
        organisation_id=activity_session.activity.organisation_id,
        started_at=counted.from_,
        ended_at=counted.to,
        category=activity_session.activity.category,
        reference=f"{activity_session.id}:{check_out.volunteer_id}",
        session_id=activity_session.id,
    )


def _counts_at_once(session: Session, check_out: CheckOut, counted: Presence) -> bool:
    """Verified without a second person only if all of this holds; else the record waits."""
    activity_session = check_out.activity_session
    return (
        activity_session.activity.status is ActivityStatus.PUBLISHED
        and _had_seat(session, check_out)
        and counted.inside
        and counted.to <= now()
        and _others_checked(check_out)
        and now() - activity_session.ends_at <= AUTO_APPROVAL_FOR
    )


def _had_seat(session: Session, check_out: CheckOut) -> bool:
    key = (check_out.activity_session.id, check_out.volunteer_id)
    sign_up = session.get(SignUp, key, populate_existing=True)
    return sign_up is not None and sign_up.status is SignUpStatus.CONFIRMED


def _others_checked(check_out: CheckOut) -> bool:
    """Whether other people, and not the clock, checked the volunteer in and out."""
    checked_by = (check_out.actor, check_out.attendance.checked_in_by)
    return str(check_out.volunteer_id) not in checked_by and check_out.actor != CLOCK

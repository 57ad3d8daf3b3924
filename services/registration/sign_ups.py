"""Seats: never more than the capacity, and no free seat while somebody waits who could take it.

The activity session's row lock orders all of its sign-ups; the counter's CHECK and the exclusion
constraint decide. A seat that becomes free goes to the first on the waiting list at once. Somebody
who had a seat elsewhere at that time gets it soon after giving that one back: `fill_free_seats`
sweeps.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from services.registration.activities import SessionNotFound, sessions_with_activities
from services.registration.identifiers import age_on
from services.registration.models import (
    ActivitySession,
    ActivityStatus,
    SignUp,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from services.registration.service_records import day_at_site
from shared.contracts.registration import SignupCancelled, SignupConfirmed, SignupWaitlisted
from shared.core.clock import app_now, now
from shared.core.ids import new_id
from shared.core.problems import Conflict
from shared.db.contention import constraint_of
from shared.db.statements import changed
from shared.messaging.outbox import publish

OVERLAP = "ex_sign_ups_no_overlap"


class Refusal(StrEnum):
    """Why somebody cannot sign up: all there is."""

    NOT_PUBLISHED = "not_published"  #: the activity is still a draft
    OVER = "over"  #: the session has ended
    NOT_ACTIVE = "not_active"  #: the volunteer is not active
    TOO_YOUNG = "too_young"  #: below the activity's minimum age on that day
    OVERLAPS = "overlaps"  #: the volunteer has a seat elsewhere at that time


class SignUpRefused(Conflict):
    """You cannot sign up for this."""


def refusal(reason: Refusal) -> SignUpRefused:
    return SignUpRefused(f"Not possible: {reason.value.replace('_', ' ')}.", reason=reason.value)


def sign_up(session: Session, session_id: UUID, volunteer_id: UUID) -> tuple[SignUp, bool]:
    """Give a volunteer a seat, or a place on the waiting list when there is none, and publish it.

    Repeating it changes nothing; the second value says whether it was new. Raises SessionNotFound,
    SignUpRefused with a `reason` out of Refusal.
    """
    activity_session = _lock_activity_session(session, session_id)
    before = _sign_up_of(session, session_id, volunteer_id)
    if before is not None and before.status is not SignUpStatus.CANCELLED:
        return before, False
    _check(session, activity_session, volunteer_id)
    has_seat = _take_seat(session, session_id)
    _save(
        session,
        activity_session,
        volunteer_id,
        SignUpStatus.CONFIRMED if has_seat else SignUpStatus.WAITLISTED,
    )
    publish(session, (_confirmed if has_seat else _waitlisted)(activity_session, volunteer_id))
    return session.get_one(SignUp, (session_id, volunteer_id), populate_existing=True), True


def _sign_up_of(session: Session, session_id: UUID, volunteer_id: UUID) -> SignUp | None:
    return session.get(SignUp, (session_id, volunteer_id), populate_existing=True)


def _save(
    session: Session,
    activity_session: ActivitySession,
    volunteer_id: UUID,
    status: SignUpStatus,
) -> None:
    """Store a sign-up; one that was cancelled before gets a new place on the waiting list."""
    row = insert(SignUp).values(
        id=new_id(),
        session_id=activity_session.id,
        volunteer_id=volunteer_id,
        status=status,
        period=_period(activity_session),
    )
    # A new number from the sequence: who cancels and comes back waits behind the others.
    again = {"status": status, "queued": row.excluded.queued, "changed_at": app_now()}
    try:
        with session.begin_nested():
            session.execute(
                row.on_conflict_do_update(index_elements=["session_id", "volunteer_id"], set_=again)
            )
    except IntegrityError as error:
        raise _overlapping(error) from None


def _period(activity_session: ActivitySession) -> ColumnElement[object]:
    return func.tstzrange(activity_session.starts_at, activity_session.ends_at)


def cancel_sign_up(session: Session, session_id: UUID, volunteer_id: UUID) -> None:
    """Give a seat or a place on the waiting list back, and publish it.

    The first who waits moves up, unless the session has ended. Repeating it changes nothing.
    Raises SessionNotFound.
    """
    activity_session = _lock_activity_session(session, session_id)
    before = _sign_up_of(session, session_id, volunteer_id)
    if before is None or before.status is SignUpStatus.CANCELLED:
        return
    had_seat = before.status is SignUpStatus.CONFIRMED
    before.status = SignUpStatus.CANCELLED
    session.flush()
    publish(session, _cancelled(activity_session, volunteer_id))
    if had_seat:
        _free_seat(session, session_id)
        _promote(session, activity_session)


def cancel_everything(session: Session, volunteer_id: UUID) -> None:
    """Give back every seat and place of sessions that have not ended."""
    upcoming = session.scalars(
        select(SignUp.session_id)
        .where(
            SignUp.volunteer_id == volunteer_id,
            SignUp.status != SignUpStatus.CANCELLED,
            func.upper(SignUp.period) > app_now(),
        )
        .order_by(SignUp.session_id)
    ).all()
    for session_id in upcoming:
        cancel_sign_up(session, session_id, volunteer_id)


def _lock_activity_session(session: Session, session_id: UUID) -> ActivitySession:
    found = session.scalar(
        sessions_with_activities()
        .where(ActivitySession.id == session_id)
        .with_for_update(of=ActivitySession)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise SessionNotFound(f"No session {session_id}.")
    return found


def _check(session: Session, activity_session: ActivitySession, volunteer_id: UUID) -> None:
    """Raises SignUpRefused with the first reason that applies."""
    if activity_session.activity.status is not ActivityStatus.PUBLISHED:
        raise refusal(Refusal.NOT_PUBLISHED)
    # A session that staff entered after the fact takes its sign-ups after the fact too.
    if activity_session.created_at < activity_session.ends_at < now():
        raise refusal(Refusal.OVER)
    # The row lock keeps a suspension waiting until this seat can be seen and given back.
    volunteer = session.get(
        Volunteer, volunteer_id, populate_existing=True, with_for_update={"read": True}
    )
    if volunteer is None or volunteer.status is not VolunteerStatus.ACTIVE:
        raise refusal(Refusal.NOT_ACTIVE)
    if _is_too_young(volunteer, activity_session):
        raise refusal(Refusal.TOO_YOUNG)
    if _has_seat_elsewhere(session, activity_session, volunteer_id):
        raise refusal(Refusal.OVERLAPS)


def _is_too_young(volunteer: Volunteer, activity_session: ActivitySession) -> bool:
    """Compare the age on the day of the session; an unknown birth date is too young."""
    minimum_age = activity_session.activity.minimum_age
    if not minimum_age:
        return False
    day = day_at_site(activity_session.starts_at)
    return volunteer.birth_date is None or age_on(volunteer.birth_date, day) < minimum_age


def _has_seat_elsewhere(
    session: Session, activity_session: ActivitySession, volunteer_id: UUID
) -> bool:
    elsewhere = select(SignUp.session_id).where(
        SignUp.volunteer_id == volunteer_id,
        SignUp.session_id != activity_session.id,
        SignUp.status == SignUpStatus.CONFIRMED,
        SignUp.period.op("&&")(_period(activity_session)),
    )
    return session.scalar(elsewhere.limit(1)) is not None


def _take_seat(session: Session, session_id: UUID) -> bool:
    """Count one more seat as taken, by one statement. Returns False when none is free."""
    taken = session.execute(
        update(ActivitySession)
        .where(
            ActivitySession.id == session_id, ActivitySession.confirmed < ActivitySession.capacity
        )
        .values(confirmed=ActivitySession.confirmed + 1)
        .execution_options(synchronize_session=False)
    )
    return bool(changed(taken))


def _free_seat(session: Session, session_id: UUID) -> None:
    session.execute(
        update(ActivitySession)
        .where(ActivitySession.id == session_id)
        .values(confirmed=ActivitySession.confirmed - 1)
        .execution_options(synchronize_session=False)
    )


def fill_free_seats(session: Session, after: UUID) -> UUID | None:
    """Fill the free seats of the next session after `after`, by id, that has any to fill.

    Returns that session, or None when there is no other. One session per transaction, so that no
    transaction waits for a session's lock while it has another's; a session that somebody else
    works on is left to them.
    """
    can_be_filled = (
        select(SignUp.id)
        .join(Volunteer, Volunteer.id == SignUp.volunteer_id)
        .where(SignUp.session_id == ActivitySession.id, *_can_take_a_seat())
        .exists()
    )
    found = session.scalar(
        sessions_with_activities()
        .where(
            ActivitySession.id > after,
            ActivitySession.ends_at > app_now(),
            ActivitySession.confirmed < ActivitySession.capacity,
            can_be_filled,
        )
        .order_by(ActivitySession.id)
        .limit(1)
        .with_for_update(of=ActivitySession, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        return None
    _promote(session, found)
    return found.id


def _can_take_a_seat() -> tuple[ColumnElement[bool], ...]:
    """Match who waits, is active, and has no seat elsewhere at that time."""
    elsewhere = aliased(SignUp)
    return (
        SignUp.status == SignUpStatus.WAITLISTED,
        Volunteer.status == VolunteerStatus.ACTIVE,
        ~select(elsewhere.id)
        .where(
            elsewhere.volunteer_id == SignUp.volunteer_id,
            elsewhere.status == SignUpStatus.CONFIRMED,
            elsewhere.period.op("&&")(SignUp.period),
        )
        .exists(),
    )


def _promote(session: Session, activity_session: ActivitySession) -> None:
    """Give the free seats to the first who can take one; none once the session has ended."""
    if activity_session.ends_at <= now():
        return
    for volunteer_id in _waiting_list(session, activity_session.id):
        try:
            with session.begin_nested():
                if not _take_seat(session, activity_session.id):
                    return
                _confirm(session, activity_session.id, volunteer_id)
        except IntegrityError as error:
            _overlapping(error)
            continue  # got a seat elsewhere at that time meanwhile
        publish(session, _confirmed(activity_session, volunteer_id))


def _waiting_list(session: Session, session_id: UUID) -> Sequence[UUID]:
    """Return who could take a seat, first come first."""
    return session.scalars(
        select(SignUp.volunteer_id)
        .join(Volunteer, Volunteer.id == SignUp.volunteer_id)
        .where(SignUp.session_id == session_id, *_can_take_a_seat())
        .order_by(SignUp.queued)
    ).all()


def _confirm(session: Session, session_id: UUID, volunteer_id: UUID) -> None:
    session.execute(
        update(SignUp)
        .where(SignUp.session_id == session_id, SignUp.volunteer_id == volunteer_id)
        .values(status=SignUpStatus.CONFIRMED, changed_at=app_now())
        .execution_options(synchronize_session=False)
    )


def _overlapping(error: IntegrityError) -> SignUpRefused:
    """Turn the exclusion constraint's error into a refusal. Raise any other error again."""
    if constraint_of(error) != OVERLAP:
        raise error
    return refusal(Refusal.OVERLAPS)


def _confirmed(activity_session: ActivitySession, volunteer_id: UUID) -> SignupConfirmed:
    activity = activity_session.activity
    return SignupConfirmed(
        session_id=activity_session.id,
        volunteer_id=volunteer_id,
        activity_id=activity.id,
        title=activity.title,
        starts_at=activity_session.starts_at,
    )


def _waitlisted(activity_session: ActivitySession, volunteer_id: UUID) -> SignupWaitlisted:
    activity = activity_session.activity
    return SignupWaitlisted(
        session_id=activity_session.id,
        volunteer_id=volunteer_id,
        activity_id=activity.id,
        title=activity.title,
    )


def _cancelled(activity_session: ActivitySession, volunteer_id: UUID) -> SignupCancelled:
    activity = activity_session.activity
    return SignupCancelled(
        session_id=activity_session.id,
        volunteer_id=volunteer_id,
        activity_id=activity.id,
        title=activity.title,
    )

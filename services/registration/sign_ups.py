"""Seats: never more than the capacity, and at rest no free seat while somebody waits.

The session's row lock orders all sign-ups of one session; the counter's CHECK and the exclusion
constraint decide. A seat that becomes free goes to the first in line at once. Who had a seat
elsewhere at that time gets it soon after giving that one back: `fill_free_seats` sweeps. Offers
that expire come later.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from services.registration.activities import SessionNotFound
from services.registration.identifiers import age_on
from services.registration.models import (
    Activity,
    ActivitySession,
    ActivityStatus,
    SignUp,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from shared.contracts.registration import SignupCancelled, SignupConfirmed, SignupWaitlisted
from shared.core.clock import SITE, app_now, now
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


def refuse(reason: Refusal) -> SignUpRefused:
    return SignUpRefused(f"Not possible: {reason.value.replace('_', ' ')}.", reason=reason.value)


def sign_up(session: Session, session_id: UUID, volunteer_id: UUID) -> tuple[SignUp, bool]:
    """Give a volunteer a seat, or a place in the queue when there is none, and announce it.

    Repeating it changes nothing; the second value says whether it was new. Raises SessionNotFound,
    SignUpRefused with a `reason` out of Refusal.
    """
    held, activity = _lock(session, session_id)
    before = session.get(SignUp, (session_id, volunteer_id), populate_existing=True)
    if before is not None and before.status is not SignUpStatus.CANCELLED:
        return before, False
    _check(session, held, activity, volunteer_id)
    status = SignUpStatus.CONFIRMED if _take_seat(session, session_id) else SignUpStatus.WAITLISTED
    row = insert(SignUp).values(
        id=new_id(),
        session_id=session_id,
        volunteer_id=volunteer_id,
        status=status,
        period=func.tstzrange(held.starts_at, held.ends_at),
    )
    again = {"status": status, "queued": row.excluded.queued, "changed_at": app_now()}
    try:
        with session.begin_nested():
            session.execute(
                row.on_conflict_do_update(index_elements=["session_id", "volunteer_id"], set_=again)
            )
    except IntegrityError as error:
        raise _overlapping(error) from None
    told: dict[str, Any] = {
        "session_id": session_id,
        "volunteer_id": volunteer_id,
        "activity_id": activity.id,
        "title": activity.title,
    }
    if status is SignUpStatus.CONFIRMED:
        publish(session, SignupConfirmed(**told, starts_at=held.starts_at))
    else:
        publish(session, SignupWaitlisted(**told))
    signed = session.get(SignUp, (session_id, volunteer_id), populate_existing=True)
    assert signed is not None
    return signed, True


def cancel_sign_up(session: Session, session_id: UUID, volunteer_id: UUID) -> None:
    """Give a seat or a place in the queue back; the first in line moves up, unless the session has
    ended.

    Repeating it changes nothing. Raises SessionNotFound.
    """
    held, activity = _lock(session, session_id)
    before = session.get(SignUp, (session_id, volunteer_id), populate_existing=True)
    if before is None or before.status is SignUpStatus.CANCELLED:
        return
    had_seat = before.status is SignUpStatus.CONFIRMED
    before.status = SignUpStatus.CANCELLED
    session.flush()
    publish(
        session,
        SignupCancelled(
            session_id=session_id,
            volunteer_id=volunteer_id,
            activity_id=activity.id,
            title=activity.title,
        ),
    )
    if had_seat:
        session.execute(
            update(ActivitySession)
            .where(ActivitySession.id == session_id)
            .values(confirmed=ActivitySession.confirmed - 1)
            .execution_options(synchronize_session=False)
        )
        _promote(session, held, activity)


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


def _lock(session: Session, session_id: UUID) -> tuple[ActivitySession, Activity]:
    row = session.execute(
        select(ActivitySession, Activity)
        .join(Activity)
        .where(ActivitySession.id == session_id)
        .with_for_update(of=ActivitySession)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise SessionNotFound(f"No session {session_id}.")
    return row.ActivitySession, row.Activity


def _check(session: Session, held: ActivitySession, activity: Activity, volunteer_id: UUID) -> None:
    if activity.status is not ActivityStatus.PUBLISHED:
        raise refuse(Refusal.NOT_PUBLISHED)
    # A session that staff entered after the fact takes its sign-ups after the fact too.
    if held.created_at < held.ends_at < now():
        raise refuse(Refusal.OVER)
    # The row lock keeps a suspension waiting until this seat can be seen and given back.
    volunteer = session.get(
        Volunteer, volunteer_id, populate_existing=True, with_for_update={"read": True}
    )
    if volunteer is None or volunteer.status is not VolunteerStatus.ACTIVE:
        raise refuse(Refusal.NOT_ACTIVE)
    day = held.starts_at.astimezone(SITE).date()
    if activity.minimum_age and (
        volunteer.birth_date is None or age_on(volunteer.birth_date, day) < activity.minimum_age
    ):
        raise refuse(Refusal.TOO_YOUNG)
    elsewhere = select(SignUp.session_id).where(
        SignUp.volunteer_id == volunteer_id,
        SignUp.session_id != held.id,
        SignUp.status == SignUpStatus.CONFIRMED,
        SignUp.period.op("&&")(func.tstzrange(held.starts_at, held.ends_at)),
    )
    if session.scalar(elsewhere.limit(1)) is not None:
        raise refuse(Refusal.OVERLAPS)


def _take_seat(session: Session, session_id: UUID) -> bool:
    """One statement decides: a seat is counted, or there is none."""
    taken = session.execute(
        update(ActivitySession)
        .where(
            ActivitySession.id == session_id, ActivitySession.confirmed < ActivitySession.capacity
        )
        .values(confirmed=ActivitySession.confirmed + 1)
        .execution_options(synchronize_session=False)
    )
    return bool(changed(taken))


def fill_free_seats(session: Session, after: UUID) -> UUID | None:
    """Fill the free seats of the next session, by id after `after`, in which somebody waits who
    could take one.

    Returns that session, or None when there is no other. One session per transaction, so that no
    transaction waits for a session's lock while it holds another's; a session that somebody else
    works on is left to them.
    """
    row = session.execute(
        select(ActivitySession, Activity)
        .join(Activity)
        .where(
            ActivitySession.id > after,
            ActivitySession.ends_at > app_now(),
            ActivitySession.confirmed < ActivitySession.capacity,
            select(SignUp.id)
            .join(Volunteer, Volunteer.id == SignUp.volunteer_id)
            .where(SignUp.session_id == ActivitySession.id, *_can_take_a_seat())
            .exists(),
        )
        .order_by(ActivitySession.id)
        .limit(1)
        .with_for_update(of=ActivitySession, skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        return None
    _promote(session, row.ActivitySession, row.Activity)
    return row.ActivitySession.id  # type: ignore[no-any-return]


def _can_take_a_seat() -> tuple[ColumnElement[bool], ...]:
    """Waits, is active, and has no seat elsewhere at that time."""
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


def _promote(session: Session, held: ActivitySession, activity: Activity) -> None:
    """Give the free seats to the first in line who can take one; none once the session has
    ended.
    """
    if held.ends_at <= now():
        return
    waiting = session.scalars(
        select(SignUp.volunteer_id)
        .join(Volunteer, Volunteer.id == SignUp.volunteer_id)
        .where(SignUp.session_id == held.id, *_can_take_a_seat())
        .order_by(SignUp.queued)
    ).all()
    for volunteer_id in waiting:
        try:
            with session.begin_nested():
                if not _take_seat(session, held.id):
                    return
                session.execute(
                    update(SignUp)
                    .where(SignUp.session_id == held.id, SignUp.volunteer_id == volunteer_id)
                    .values(status=SignUpStatus.CONFIRMED, changed_at=app_now())
                    .execution_options(synchronize_session=False)
                )
        except IntegrityError as error:
            _overlapping(error)
            continue  # got a seat elsewhere at that time meanwhile
        publish(
            session,
            SignupConfirmed(
                session_id=held.id,
                volunteer_id=volunteer_id,
                activity_id=activity.id,
                title=activity.title,
                starts_at=held.starts_at,
            ),
        )


def _overlapping(error: IntegrityError) -> SignUpRefused:
    """The exclusion constraint spoke. Anything else is a fault of ours and is raised again."""
    if constraint_of(error) != OVERLAP:
        raise error
    return refuse(Refusal.OVERLAPS)

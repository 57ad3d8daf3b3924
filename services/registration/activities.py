"""What volunteers can do, and when: drafts, publication, sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.registration.models import Activity, ActivitySession, ActivityStatus
from services.registration.organisations import may_coordinate, require_coordination
from shared.auth.principal import Principal
from shared.contracts.registration import ActivityPublished
from shared.core.clock import now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, invalid
from shared.db.statements import changed
from shared.messaging.outbox import publish


class ActivityNotFound(NotFound):
    """This activity is not known here."""


class SessionNotFound(NotFound):
    """This session is not known here."""


class RisksNotStated(Conflict):
    """Nothing is published without saying what can go wrong and what is done about it."""


def draft_activity(
    session: Session,
    principal: Principal,
    organisation_id: UUID,
    title: str,
    kind: str,
    category: str,
    risk_statement: str | None = None,
    minimum_age: int | None = None,
    *,
    id_: UUID | None = None,
) -> Activity:
    """An activity that only its organisation sees. Raises OrganisationNotFound for a foreign
    organisation too.
    """
    require_coordination(session, principal, organisation_id)
    activity = Activity(
        id=id_ or new_id(),
        organisation_id=organisation_id,
        title=title,
        kind=kind,
        category=category,
        risk_statement=risk_statement,
        minimum_age=minimum_age,
        status=ActivityStatus.DRAFT,
        created_by=str(principal.subject),
    )
    session.add(activity)
    session.flush()
    return activity


def activity_of(session: Session, principal: Principal | None, activity_id: UUID) -> Activity:
    """A published activity, or a draft of the caller's own organisation. Raises ActivityNotFound."""
    activity = session.get(Activity, activity_id, populate_existing=True)
    if activity is None or (
        activity.status is not ActivityStatus.PUBLISHED
        and not (principal and may_coordinate(session, principal, activity.organisation_id))
    ):
        raise ActivityNotFound(f"No activity {activity_id}.")
    return activity


def own_activity(session: Session, principal: Principal, activity_id: UUID) -> Activity:
    """An activity that the caller may change. Raises ActivityNotFound."""
    activity = session.get(Activity, activity_id, populate_existing=True)
    if activity is None or not may_coordinate(session, principal, activity.organisation_id):
        raise ActivityNotFound(f"No activity {activity_id}.")
    return activity


def publish_activity(session: Session, principal: Principal, activity_id: UUID) -> Activity:
    """Open an activity to everybody, and announce it. Repeating it changes nothing.

    Raises ActivityNotFound, RisksNotStated.
    """
    activity = own_activity(session, principal, activity_id)
    moved = session.execute(
        update(Activity)
        .where(
            Activity.id == activity_id,
            Activity.status == ActivityStatus.DRAFT,
            Activity.risk_statement != "",
        )
        .values(status=ActivityStatus.PUBLISHED)
        .execution_options(synchronize_session=False)
    )
    session.refresh(activity)
    if changed(moved):
        publish(
            session,
            ActivityPublished(
                activity_id=activity_id,
                organisation_id=activity.organisation_id,
                title=activity.title,
                category=activity.category,
            ),
        )
    elif activity.status is ActivityStatus.DRAFT:
        raise RisksNotStated(f"Activity {activity_id} has no risk statement.")
    return activity


def add_session(
    session: Session,
    principal: Principal,
    activity_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int,
    place: str,
    *,
    id_: UUID | None = None,
) -> ActivitySession:
    """A time and place with so many seats. Only staff enter one that has begun. Raises
    ActivityNotFound or a 422.
    """
    own_activity(session, principal, activity_id)
    if starts_at < now() and not principal.is_staff:
        raise invalid("/starts_at", "This has begun already; staff may enter it afterwards.")
    added = ActivitySession(
        id=id_ or new_id(),
        activity_id=activity_id,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        place=place,
        confirmed=0,
    )
    session.add(added)
    session.flush()
    return added


def session_and_activity(session: Session, session_id: UUID) -> tuple[ActivitySession, Activity]:
    """Raises SessionNotFound."""
    row = session.execute(
        select(ActivitySession, Activity).join(Activity).where(ActivitySession.id == session_id)
    ).first()
    if row is None:
        raise SessionNotFound(f"No session {session_id}.")
    return row.ActivitySession, row.Activity


def own_session(
    session: Session, principal: Principal, session_id: UUID
) -> tuple[ActivitySession, Activity]:
    """A session whose attendance the caller may keep. Raises SessionNotFound for a foreign one too."""
    held, activity = session_and_activity(session, session_id)
    if not may_coordinate(session, principal, activity.organisation_id):
        raise SessionNotFound(f"No session {session_id}.")
    return held, activity

"""What volunteers can do, and when: drafts, publication, activity sessions 场次."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, contains_eager

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
    """Describe what can go wrong, and what is done about it, before publishing."""


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
    """Create an activity that only its organisation sees.

    Raises OrganisationNotFound, also where the caller does not coordinate the organisation.
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


def get_activity(session: Session, principal: Principal | None, activity_id: UUID) -> Activity:
    """Return a published activity, or a draft that the caller may see. Raises ActivityNotFound."""
    activity = _find_activity(session, activity_id)
    if activity.status is not ActivityStatus.PUBLISHED and (
        principal is None or not may_coordinate(session, principal, activity.organisation_id)
    ):
        raise ActivityNotFound(f"No activity {activity_id}.")
    return activity


def own_activity(session: Session, principal: Principal, activity_id: UUID) -> Activity:
    """Return an activity that the caller may change. Raises ActivityNotFound."""
    activity = _find_activity(session, activity_id)
    if not may_coordinate(session, principal, activity.organisation_id):
        raise ActivityNotFound(f"No activity {activity_id}.")
    return activity


def _find_activity(session: Session, activity_id: UUID) -> Activity:
    activity = session.get(Activity, activity_id, populate_existing=True)
    if activity is None:
        raise ActivityNotFound(f"No activity {activity_id}.")
    return activity


def publish_activity(session: Session, principal: Principal, activity_id: UUID) -> Activity:
    """Open an activity to everybody, and publish `activity.published`.

    Repeating it changes nothing. Raises ActivityNotFound, RisksNotStated.
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
        publish(session, _published(activity))
    # Not moved and still a draft: the risk statement is missing.
    elif activity.status is ActivityStatus.DRAFT:
        raise RisksNotStated(f"Activity {activity_id} has no risk statement.")
    return activity


def _published(activity: Activity) -> ActivityPublished:
    return ActivityPublished(
        activity_id=activity.id,
        organisation_id=activity.organisation_id,
        title=activity.title,
        category=activity.category,
    )


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
    """Add a time and place with so many seats. Only staff enter one that has begun.

    Raises ActivityNotFound, or a 422 at `/starts_at`.
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


def sessions_with_activities() -> Select[ActivitySession]:
    """Select activity sessions, each with its activity loaded by the same statement."""
    return (
        select(ActivitySession)
        .join(ActivitySession.activity)
        .options(contains_eager(ActivitySession.activity))
    )


def get_activity_session(session: Session, session_id: UUID) -> ActivitySession:
    """Return an activity session with its activity. Raises SessionNotFound."""
    found = session.scalar(sessions_with_activities().where(ActivitySession.id == session_id))
    if found is None:
        raise SessionNotFound(f"No session {session_id}.")
    return found


def own_activity_session(
    session: Session, principal: Principal, session_id: UUID
) -> ActivitySession:
    """Return an activity session that the caller coordinates. Raises SessionNotFound."""
    found = get_activity_session(session, session_id)
    if not may_coordinate(session, principal, found.activity.organisation_id):
        raise SessionNotFound(f"No session {session_id}.")
    return found

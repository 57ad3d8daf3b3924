"""Activities, their sessions, who signed up and who was there."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictInt, model_validator
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.registration import activities, attendance, sign_ups
from services.registration.models import (
    Activity,
    ActivitySession,
    ActivityStatus,
    Attendance,
    Credit,
    SignUp,
    SignUpStatus,
)
from services.registration.organisations import may_coordinate, require_coordination
from services.registration.policy import LONGEST
from shared.auth.access import allow, caller, caller_if_any
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import (
    Code,
    Count,
    RequestModel,
    ResponseModel,
    TimeOfWork,
    Title,
    Words,
)

bp = APIBlueprint("activities", __name__, tag="Activities")
COORDINATORS = (Role.COORDINATOR, Role.STAFF)


class ActivityKind(StrEnum):
    SERVICE = "service"
    TRAINING = "training"
    SALON = "salon"
    EVENT = "event"


class ActivityRequest(RequestModel):
    organisation_id: UUID
    title: Title
    kind: ActivityKind
    category: Code
    risk_statement: Words | None = None
    minimum_age: Annotated[StrictInt, Field(ge=0, le=120)] | None = None


class ActivityResponse(ResponseModel):
    id: UUID
    organisation_id: UUID
    title: str
    kind: ActivityKind
    category: str
    risk_statement: str | None
    minimum_age: int | None
    status: ActivityStatus


class ActivityQuery(PageQuery):
    status: ActivityStatus = ActivityStatus.PUBLISHED
    organisation_id: UUID | None = Field(default=None, description="Needed for drafts.")


class SessionRequest(RequestModel):
    starts_at: TimeOfWork
    ends_at: TimeOfWork
    capacity: Count
    place: Title

    @model_validator(mode="after")
    def _in_order(self) -> "SessionRequest":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must lie after starts_at")
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueError("one session covers at most 24 hours")
        return self


class SessionResponse(ResponseModel):
    id: UUID
    activity_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    confirmed: int
    place: str


class SignUpResponse(ResponseModel):
    session_id: UUID
    volunteer_id: UUID
    status: SignUpStatus


class MomentRequest(RequestModel):
    at: TimeOfWork


class AttendanceResponse(ResponseModel):
    session_id: UUID
    volunteer_id: UUID
    checked_in_at: datetime
    checked_out_at: datetime | None
    minutes: int | None = Field(
        description="Minutes inside the session and its tolerance; set by the check-out."
    )
    credit: Credit | None
    record_id: UUID | None
    closed_by_clock: bool


@bp.post("/v1/activities")
@bp.input(ActivityRequest)
@bp.output(ActivityResponse, status_code=201)
@bp.doc(summary="Draft an activity")
@allow(*COORDINATORS)
def post_activity(json_data: ActivityRequest) -> Activity:
    with transaction() as session:
        return activities.draft_activity(
            session,
            caller(),
            json_data.organisation_id,
            json_data.title,
            json_data.kind.value,
            json_data.category,
            json_data.risk_statement,
            json_data.minimum_age,
        )


@bp.get("/v1/activities")
@bp.input(ActivityQuery, location="query")
@bp.output(Page[ActivityResponse])
@bp.doc(
    summary="List activities, newest first",
    description="Only coordinators of an organisation and staff see its drafts.",
)
@allow(public=True)
def get_activities(query_data: ActivityQuery) -> dict[str, object]:
    with transaction() as session:
        statement = select(Activity).where(Activity.status == query_data.status)
        if query_data.organisation_id:
            statement = statement.where(Activity.organisation_id == query_data.organisation_id)
        if query_data.status is not ActivityStatus.PUBLISHED:
            statement = _only_own_drafts(session, statement, query_data.organisation_id)
        items, next_ = page_of(session, statement, Activity.id, query_data)
        return {"items": items, "next": next_}


def _only_own_drafts(
    session: Session, statement: Select[Activity], organisation_id: UUID | None
) -> Select[Activity]:
    """Restrict a list of drafts to what the caller may see. Raises OrganisationNotFound."""
    principal = caller()
    if organisation_id:
        require_coordination(session, principal, organisation_id)
    elif not principal.is_staff:
        return statement.where(Activity.organisation_id == principal.organisation_id)
    return statement


@bp.get("/v1/activities/<uuid:activity_id>")
@bp.output(ActivityResponse)
@bp.doc(summary="Show an activity")
@allow(public=True)
def get_activity(activity_id: UUID) -> Activity:
    with transaction() as session:
        return activities.get_activity(session, caller_if_any(), activity_id)


@bp.put("/v1/activities/<uuid:activity_id>/publication")
@bp.output(ActivityResponse)
@bp.doc(summary="Publish an activity")
@allow(*COORDINATORS)
def put_publication(activity_id: UUID) -> Activity:
    with transaction() as session:
        return activities.publish_activity(session, caller(), activity_id)


@bp.post("/v1/activities/<uuid:activity_id>/sessions")
@bp.input(SessionRequest)
@bp.output(SessionResponse, status_code=201)
@bp.doc(
    summary="Add a session to an activity",
    description="Only staff may add one that has begun already.",
)
@allow(*COORDINATORS)
def post_session(activity_id: UUID, json_data: SessionRequest) -> ActivitySession:
    with transaction() as session:
        return activities.add_session(
            session,
            caller(),
            activity_id,
            json_data.starts_at,
            json_data.ends_at,
            json_data.capacity,
            json_data.place,
        )


@bp.get("/v1/activities/<uuid:activity_id>/sessions")
@bp.input(PageQuery, location="query")
@bp.output(Page[SessionResponse])
@bp.doc(summary="List an activity's sessions, newest first")
@allow(public=True)
def get_sessions(activity_id: UUID, query_data: PageQuery) -> dict[str, object]:
    with transaction() as session:
        activities.get_activity(session, caller_if_any(), activity_id)
        statement = select(ActivitySession).where(ActivitySession.activity_id == activity_id)
        items, next_ = page_of(session, statement, ActivitySession.id, query_data)
        return {"items": items, "next": next_}


def _require_self_or_coordinator(session: Session, session_id: UUID, volunteer_id: UUID) -> None:
    """People sign themselves up; coordinators and staff sign up others. Raises SessionNotFound."""
    principal = caller()
    organisation_id = activities.get_activity_session(session, session_id).activity.organisation_id
    if not principal.is_person(volunteer_id) and not may_coordinate(
        session, principal, organisation_id
    ):
        raise activities.SessionNotFound(f"No session {session_id}.")


@bp.put("/v1/sessions/<uuid:session_id>/sign-ups/<uuid:volunteer_id>")
@bp.output(SignUpResponse)
@bp.doc(
    summary="Sign up for a session",
    description="The status is 201 the first time. A refusal (409) names its `reason`: "
    "not_published, over, not_active, too_young or overlaps.",
)
@allow(Role.VOLUNTEER, *COORDINATORS)
def put_sign_up(session_id: UUID, volunteer_id: UUID) -> tuple[SignUp, int]:
    with transaction() as session:
        _require_self_or_coordinator(session, session_id, volunteer_id)
        signed, new = sign_ups.sign_up(session, session_id, volunteer_id)
    return signed, 201 if new else 200


@bp.delete("/v1/sessions/<uuid:session_id>/sign-ups/<uuid:volunteer_id>")
@bp.output(SignUpResponse)
@bp.doc(summary="Give back a seat or a place on the waiting list")
@allow(Role.VOLUNTEER, *COORDINATORS)
def delete_sign_up(session_id: UUID, volunteer_id: UUID) -> SignUpResponse:
    with transaction() as session:
        _require_self_or_coordinator(session, session_id, volunteer_id)
        sign_ups.cancel_sign_up(session, session_id, volunteer_id)
    return SignUpResponse(
        session_id=session_id, volunteer_id=volunteer_id, status=SignUpStatus.CANCELLED
    )


@bp.put("/v1/sessions/<uuid:session_id>/check-in/<uuid:volunteer_id>")
@bp.input(MomentRequest)
@bp.output(AttendanceResponse)
@bp.doc(summary="Check a volunteer in")
@allow(*COORDINATORS)
def put_check_in(session_id: UUID, volunteer_id: UUID, json_data: MomentRequest) -> Attendance:
    with transaction() as session:
        return attendance.check_in(session, caller(), session_id, volunteer_id, json_data.at)


@bp.delete("/v1/sessions/<uuid:session_id>/check-in/<uuid:volunteer_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="Undo a mistaken check-in")
@allow(*COORDINATORS)
def delete_check_in(session_id: UUID, volunteer_id: UUID) -> tuple[str, int]:
    with transaction() as session:
        attendance.undo_check_in(session, caller(), session_id, volunteer_id)
    return "", 204


@bp.put("/v1/sessions/<uuid:session_id>/check-out/<uuid:volunteer_id>")
@bp.input(MomentRequest)
@bp.output(AttendanceResponse)
@bp.doc(
    summary="Check a volunteer out",
    description="The field `credit` says what became of the time.",
)
@allow(*COORDINATORS)
def put_check_out(session_id: UUID, volunteer_id: UUID, json_data: MomentRequest) -> Attendance:
    with transaction() as session:
        return attendance.check_out(session, caller(), session_id, volunteer_id, json_data.at)

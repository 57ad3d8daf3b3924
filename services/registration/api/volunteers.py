"""Volunteers: their registration from applying to leaving, their hours and sign-ups."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy import select

from services.registration import hours_summary, volunteers
from services.registration.hours_summary import ExplainedRecord, HoursSummary
from services.registration.models import (
    RecordStatus,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from shared.auth.access import allow, caller, only_self_or_staff
from shared.auth.principal import Role
from shared.contracts.registration import Bucket, Origin
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Day, Name, RequestModel, ResponseModel

bp = APIBlueprint("volunteers", __name__, tag="Volunteers")
PERSON = (Role.VOLUNTEER, Role.COORDINATOR)


class GuardianRequest(RequestModel):
    name: Name
    phone: str = Field(min_length=5, max_length=30)
    consent: Literal[True]


class VolunteerRequest(RequestModel):
    name: Name
    phone: str = Field(min_length=5, max_length=30)
    birth_date: Day
    guardian: GuardianRequest | None = Field(default=None, description="Needed under 18.")


class RegistrationResponse(ResponseModel):
    id: UUID
    number: str
    status: VolunteerStatus


class VolunteerResponse(RegistrationResponse):
    name: str | None
    merged_into_id: UUID | None
    possible_duplicate: bool | None = Field(
        default=None, description="Shown to staff only: this phone had registered before."
    )
    created_at: datetime


class VolunteerQuery(PageQuery):
    status: VolunteerStatus | None = None


class MergerRequest(RequestModel):
    into_id: UUID


class HoursResponse(ResponseModel):
    verified_minutes: int
    supplemented_minutes: int


class AppliedCorrectionResponse(ResponseModel):
    reason: str
    asked_by: str
    approved_by: str | None
    approved_at: datetime | None
    record_id: UUID


class RecordColumns(ResponseModel):
    id: UUID
    organisation_id: UUID
    session_id: UUID | None
    started_at: datetime
    ended_at: datetime
    minutes: int
    category: str
    bucket: Bucket
    origin: Origin
    status: RecordStatus
    recorded_by: str
    decided_by: str | None
    decided_at: datetime | None
    root_id: UUID


class ExplainedRecordResponse(RecordColumns):
    counts: bool
    correction: AppliedCorrectionResponse | None


class ExplainedHoursResponse(HoursResponse):
    records: list[ExplainedRecordResponse]


class OwnSignUpResponse(ResponseModel):
    session_id: UUID
    status: SignUpStatus
    changed_at: datetime


class SignUpListResponse(ResponseModel):
    items: list[OwnSignUpResponse]


class ContactResponse(ResponseModel):
    phone: str


@bp.post("/v1/volunteers")
@bp.input(VolunteerRequest)
@bp.output(RegistrationResponse, status_code=201)
@bp.doc(
    summary="Apply to volunteer",
    description="Under 18 a guardian has to consent. Staff activate the volunteer.",
)
@allow(public=True)
def post_volunteer(json_data: VolunteerRequest) -> Volunteer:
    given = json_data.guardian
    guardian = volunteers.Guardian(given.name, given.phone) if given else None
    with transaction() as session:
        return volunteers.register_volunteer(
            session, json_data.name, json_data.phone, json_data.birth_date, guardian
        )


@bp.get("/v1/volunteers")
@bp.input(VolunteerQuery, location="query")
@bp.output(Page[VolunteerResponse])
@bp.doc(summary="List volunteers, newest first")
@allow(Role.STAFF)
def get_volunteers(query_data: VolunteerQuery) -> dict[str, object]:
    with transaction() as session:
        statement = select(Volunteer)
        if query_data.status:
            statement = statement.where(Volunteer.status == query_data.status)
        items, next_ = page_of(session, statement, Volunteer.id, query_data)
        return {"items": items, "next": next_}


@bp.get("/v1/volunteers/<uuid:volunteer_id>")
@bp.output(VolunteerResponse)
@bp.doc(summary="Show a volunteer")
@allow(*PERSON, Role.STAFF)
def get_volunteer(volunteer_id: UUID) -> VolunteerResponse:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        shown = VolunteerResponse.model_validate(volunteers.get_volunteer(session, volunteer_id))
    return shown if caller().is_staff else shown.model_copy(update={"possible_duplicate": None})


@bp.put("/v1/volunteers/<uuid:volunteer_id>/activation")
@bp.output(RegistrationResponse)
@bp.doc(summary="Accept a volunteer, or take a suspension back")
@allow(Role.STAFF)
def put_activation(volunteer_id: UUID) -> Volunteer:
    with transaction() as session:
        return volunteers.activate_volunteer(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/suspension")
@bp.output(RegistrationResponse)
@bp.doc(summary="Suspend a volunteer; hours stay")
@allow(Role.STAFF)
def put_suspension(volunteer_id: UUID) -> Volunteer:
    with transaction() as session:
        return volunteers.suspend_volunteer(session, volunteer_id)


@bp.delete("/v1/volunteers/<uuid:volunteer_id>/suspension")
@bp.output(RegistrationResponse)
@bp.doc(summary="Take a suspension back")
@allow(Role.STAFF)
def delete_suspension(volunteer_id: UUID) -> Volunteer:
    with transaction() as session:
        return volunteers.end_suspension(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/departure")
@bp.output(RegistrationResponse)
@bp.doc(summary="End a registration; hours stay")
@allow(*PERSON, Role.STAFF)
def put_departure(volunteer_id: UUID) -> Volunteer:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return volunteers.leave(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/erasure")
@bp.output(RegistrationResponse)
@bp.doc(summary="Erase a volunteer's personal data")
@allow(Role.STAFF)
def put_erasure(volunteer_id: UUID) -> Volunteer:
    with transaction() as session:
        return volunteers.erase_volunteer(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/merger")
@bp.input(MergerRequest)
@bp.output(VolunteerResponse)
@bp.doc(
    summary="Merge two registrations of one person",
    description="Everything moves to the registration `into_id`.",
)
@allow(Role.STAFF)
def put_merger(volunteer_id: UUID, json_data: MergerRequest) -> Volunteer:
    with transaction() as session:
        return volunteers.merge_volunteers(session, volunteer_id, json_data.into_id)


@bp.get("/v1/volunteers/<uuid:volunteer_id>/contact")
@bp.output(ContactResponse)
@bp.doc(
    summary="Look up a volunteer's phone",
    description="Only for services that deliver to it; every look is logged.",
)
@allow(scope="contacts:read")
def get_contact(volunteer_id: UUID) -> ContactResponse:
    with transaction() as session:
        phone = volunteers.look_up_contact(session, volunteer_id, str(caller().subject))
    return ContactResponse(phone=phone)


@bp.get("/v1/volunteers/<uuid:volunteer_id>/hours")
@bp.output(HoursResponse)
@bp.doc(summary="Show a volunteer's minutes")
@allow(*PERSON, Role.STAFF, Role.AUDITOR)
def get_hours(volunteer_id: UUID) -> HoursSummary:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.get_volunteer(session, volunteer_id)
        return hours_summary.hours_of(session, volunteer_id)


@bp.get("/v1/volunteers/<uuid:volunteer_id>/hours/explain")
@bp.output(ExplainedHoursResponse)
@bp.doc(
    summary="Show how a volunteer's minutes came about",
    description="The sums are computed from the records at each request.",
)
@allow(*PERSON, Role.STAFF, Role.AUDITOR)
def get_hours_explained(volunteer_id: UUID) -> ExplainedHoursResponse:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.get_volunteer(session, volunteer_id)
        hours = hours_summary.explain_hours(session, volunteer_id)
    return ExplainedHoursResponse(
        verified_minutes=hours.summary.verified_minutes,
        supplemented_minutes=hours.summary.supplemented_minutes,
        records=[_render(explained) for explained in hours.records],
    )


def _render(explained: ExplainedRecord) -> ExplainedRecordResponse:
    columns = RecordColumns.model_validate(explained.record)
    correction = explained.correction
    return ExplainedRecordResponse(
        **columns.model_dump(),
        counts=explained.counts,
        correction=AppliedCorrectionResponse.model_validate(correction) if correction else None,
    )


@bp.get("/v1/volunteers/<uuid:volunteer_id>/sign-ups")
@bp.output(SignUpListResponse)
@bp.doc(summary="List a volunteer's last 200 sign-ups, newest first")
@allow(*PERSON, Role.STAFF)
def get_sign_ups(volunteer_id: UUID) -> dict[str, object]:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.get_volunteer(session, volunteer_id)
        return {"items": volunteers.sign_ups_of(session, volunteer_id)}

"""Volunteers: from applying to leaving, and what they have to show for it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy import select

from services.registration import hours_summary, volunteers
from services.registration.models import (
    RecordStatus,
    ServiceRecord,
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


class Registered(ResponseModel):
    id: UUID
    number: str
    status: VolunteerStatus


class VolunteerResponse(Registered):
    name: str | None
    merged_into_id: UUID | None
    possible_duplicate: bool | None = Field(
        default=None, description="Staff only: this phone had registered before."
    )
    created_at: datetime


class VolunteerQuery(PageQuery):
    status: VolunteerStatus | None = None


class MergerRequest(RequestModel):
    into_id: UUID


class Hours(ResponseModel):
    verified_minutes: int
    supplemented_minutes: int


class CorrectionResponse(ResponseModel):
    reason: str
    asked_by: str
    approved_by: str | None
    approved_at: datetime | None
    record_id: UUID


class RecordExplained(ResponseModel):
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
    counts: bool
    correction: CorrectionResponse | None


class HoursExplained(Hours):
    records: list[RecordExplained]


class SignUpResponse(ResponseModel):
    session_id: UUID
    status: SignUpStatus
    changed_at: datetime


class SignUps(ResponseModel):
    items: list[SignUpResponse]


class Contact(ResponseModel):
    phone: str


@bp.post("/v1/volunteers")
@bp.input(VolunteerRequest)
@bp.output(Registered, status_code=201)
@bp.doc(
    summary="Apply to volunteer", description="Under 18 with a guardian's consent. Staff activate."
)
@allow(public=True)
def post_volunteer(json_data: VolunteerRequest) -> Any:
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
def get_volunteers(query_data: VolunteerQuery) -> Any:
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
def get_volunteer(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        shown = VolunteerResponse.model_validate(volunteers.volunteer_of(session, volunteer_id))
    return shown if caller().is_staff else shown.model_copy(update={"possible_duplicate": None})


@bp.put("/v1/volunteers/<uuid:volunteer_id>/activation")
@bp.output(Registered)
@bp.doc(summary="Accept a volunteer, or take a suspension back")
@allow(Role.STAFF)
def put_activation(volunteer_id: UUID) -> Any:
    with transaction() as session:
        return volunteers.activate_volunteer(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/suspension")
@bp.output(Registered)
@bp.doc(summary="Bar a volunteer; hours stay")
@allow(Role.STAFF)
def put_suspension(volunteer_id: UUID) -> Any:
    with transaction() as session:
        return volunteers.suspend_volunteer(session, volunteer_id)


@bp.delete("/v1/volunteers/<uuid:volunteer_id>/suspension")
@bp.output(Registered)
@bp.doc(summary="Take a suspension back")
@allow(Role.STAFF)
def delete_suspension(volunteer_id: UUID) -> Any:
    with transaction() as session:
        return volunteers.end_suspension(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/departure")
@bp.output(Registered)
@bp.doc(summary="End a registration; hours stay")
@allow(*PERSON, Role.STAFF)
def put_departure(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return volunteers.leave(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/erasure")
@bp.output(Registered)
@bp.doc(summary="Erase a volunteer's personal data")
@allow(Role.STAFF)
def put_erasure(volunteer_id: UUID) -> Any:
    with transaction() as session:
        return volunteers.erase_volunteer(session, volunteer_id)


@bp.put("/v1/volunteers/<uuid:volunteer_id>/merger")
@bp.input(MergerRequest)
@bp.output(VolunteerResponse)
@bp.doc(summary="Two registrations were one person", description="Everything moves to `into_id`.")
@allow(Role.STAFF)
def put_merger(volunteer_id: UUID, json_data: MergerRequest) -> Any:
    with transaction() as session:
        return volunteers.merge_volunteers(session, volunteer_id, json_data.into_id)


@bp.get("/v1/volunteers/<uuid:volunteer_id>/contact")
@bp.output(Contact)
@bp.doc(
    summary="Look up a volunteer's phone",
    description="For services that deliver to it; every look is logged.",
)
@allow(scope="contacts:read")
def get_contact(volunteer_id: UUID) -> Any:
    with transaction() as session:
        return {"phone": volunteers.look_up_contact(session, volunteer_id, str(caller().subject))}


@bp.get("/v1/volunteers/<uuid:volunteer_id>/hours")
@bp.output(Hours)
@bp.doc(summary="Show a volunteer's minutes")
@allow(*PERSON, Role.STAFF, Role.AUDITOR)
def get_hours(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.volunteer_of(session, volunteer_id)
        return _sums(hours_summary.hours_of(session, volunteer_id))


@bp.get("/v1/volunteers/<uuid:volunteer_id>/hours/explain")
@bp.output(HoursExplained)
@bp.doc(
    summary="Show how a volunteer's minutes came about",
    description="The sums are recomputed from the records.",
)
@allow(*PERSON, Role.STAFF, Role.AUDITOR)
def get_hours_explained(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.volunteer_of(session, volunteer_id)
        records, corrections = hours_summary.explain_hours(session, volunteer_id)
    sums = {
        bucket: sum(r.minutes for r in records if _counts(r) and r.bucket is bucket)
        for bucket in Bucket
    }
    return _sums(sums) | {
        "records": [_explained(record, corrections.get(record.id)) for record in records]
    }


def _sums(sums: dict[Bucket, int]) -> dict[str, Any]:
    return {
        "verified_minutes": sums[Bucket.VERIFIED],
        "supplemented_minutes": sums[Bucket.SUPPLEMENTED],
    }


def _counts(record: ServiceRecord) -> bool:
    return record.status is RecordStatus.RECORDED


def _explained(record: ServiceRecord, correction: Any) -> dict[str, Any]:
    columns = {
        name: getattr(record, name)
        for name in RecordExplained.model_fields
        if hasattr(record, name)
    }
    return columns | {"counts": _counts(record), "correction": correction}


@bp.get("/v1/volunteers/<uuid:volunteer_id>/sign-ups")
@bp.output(SignUps)
@bp.doc(summary="List a volunteer's last 200 sign-ups, newest first")
@allow(*PERSON, Role.STAFF)
def get_sign_ups(volunteer_id: UUID) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        volunteers.volunteer_of(session, volunteer_id)
        return {"items": volunteers.sign_ups_of(session, volunteer_id)}

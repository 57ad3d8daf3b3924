"""Service records: sent by systems or typed in, decided and corrected by a second person."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, ValidationError, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.registration import approvals, corrections, service_records
from services.registration.models import Correction, CorrectionStatus, RecordStatus, ServiceRecord
from services.registration.organisations import require_coordination
from services.registration.policy import LONGEST
from services.registration.service_records import Submission, Work
from shared.auth.access import allow, caller, only_self_or_staff
from shared.auth.principal import Principal, Role
from shared.contracts.registration import Bucket, Origin
from shared.core.problems import Problem
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Code, RequestModel, ResponseModel, TimeOfWork, Words

bp = APIBlueprint("records", __name__, tag="Service records")
COORDINATORS = (Role.COORDINATOR, Role.STAFF)


class RecordRequest(RequestModel):
    volunteer_id: UUID
    organisation_id: UUID
    started_at: TimeOfWork
    ended_at: TimeOfWork
    category: Code
    reference: Code = Field(description="Your own, unique for ever. Sending it again is harmless.")
    note: Words | None = None

    @model_validator(mode="after")
    def _some_minutes(self) -> "RecordRequest":
        if service_records.minutes_between(self.started_at, self.ended_at) < 1:
            raise ValueError("ended_at must lie at least a minute after started_at")
        if self.ended_at - self.started_at > LONGEST:
            raise ValueError("one record covers at most 24 hours")
        return self


class BatchRequest(RequestModel):
    items: Annotated[
        list[Annotated[RecordRequest | Any, Field(union_mode="left_to_right")]],
        Field(min_length=1, max_length=1000),
    ]

    @model_validator(mode="before")
    @classmethod
    def _check_text(cls, data: Any) -> Any:
        # Each item checks its own text, so that a bad one does not refuse the whole batch.
        return data


class NewRecordResponse(ResponseModel):
    id: UUID
    status: RecordStatus
    minutes: int


class ItemProblemResponse(ResponseModel):
    type: str
    title: str
    status: int
    detail: str = ""


class ItemOutcomeResponse(ResponseModel):
    index: int
    reference: str | None
    outcome: str = Field(description="created, exists or refused")
    id: UUID | None = None
    status: RecordStatus | None = None
    minutes: int | None = None
    problem: ItemProblemResponse | None = None


class BatchResponse(ResponseModel):
    items: list[ItemOutcomeResponse]


class RecordResponse(NewRecordResponse):
    volunteer_id: UUID
    organisation_id: UUID
    session_id: UUID | None
    started_at: datetime
    ended_at: datetime
    times_known: bool
    category: str
    origin: Origin
    bucket: Bucket
    reference: str | None
    recorded_by: str
    decided_by: str | None
    decided_at: datetime | None
    root_id: UUID


class PendingQuery(PageQuery):
    organisation_id: UUID


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class ApprovalRequest(RequestModel):
    decision: Decision
    bucket: Bucket | None = None
    started_at: TimeOfWork | None = Field(
        default=None, description="Needed for a record that only proposed a length."
    )
    ended_at: TimeOfWork | None = Field(
        default=None, description="At most 24 hours after `started_at`."
    )


class CorrectionRequest(RequestModel):
    started_at: TimeOfWork
    ended_at: TimeOfWork = Field(description="Equal to `started_at` if it never happened.")
    reason: Annotated[str, Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _in_order(self) -> "CorrectionRequest":
        if not self.started_at <= self.ended_at <= self.started_at + LONGEST:
            raise ValueError("ended_at must lie within 24 hours after started_at")
        return self


class CorrectionResponse(ResponseModel):
    id: UUID
    record_id: UUID
    new_record_id: UUID | None
    started_at: datetime
    ended_at: datetime
    status: CorrectionStatus
    asked_by: str
    approved_by: str | None


class Invalid(Problem):
    """The request is readable, but something in it is wrong."""

    status = 422


@bp.post("/v1/service-records")
@bp.input(RecordRequest)
@bp.output(NewRecordResponse, status_code=201)
@bp.doc(
    summary="Record a block of volunteered time",
    description="With the scope `records:verified` it counts at once; otherwise it waits for a "
    "second person. Sending the same reference with the same content again gives 200 and the first "
    "record.",
)
@allow(*COORDINATORS, scope="records:write")
def post_record(json_data: RecordRequest) -> tuple[service_records.Outcome, int]:
    with transaction() as session:
        outcome = _record(session, caller(), [json_data])[0]
    if outcome.problem is not None:
        raise outcome.problem
    return outcome, 201 if outcome.outcome == "created" else 200


@bp.post("/v1/service-records:batch")
@bp.input(BatchRequest)
@bp.output(BatchResponse)
@bp.doc(
    summary="Record up to 1,000 blocks",
    description="Each item has its own outcome; a bad item does not affect the others.",
)
@allow(*COORDINATORS, scope="records:write")
def post_records(json_data: BatchRequest) -> BatchResponse:
    readable = [item for item in json_data.items if isinstance(item, RecordRequest)]
    with transaction() as session:
        outcomes = iter(_record(session, caller(), readable) if readable else [])
    return BatchResponse(
        items=[
            _item(index, item.reference, next(outcomes))
            if isinstance(item, RecordRequest)
            else _unreadable(index, item)
            for index, item in enumerate(json_data.items)
        ]
    )


def _record(
    session: Session, principal: Principal, requests: list[RecordRequest]
) -> list[service_records.Outcome]:
    if principal.role is not Role.SYSTEM:
        for organisation_id in sorted({request.organisation_id for request in requests}):
            require_coordination(session, principal, organisation_id)
    works = [_work(request) for request in requests]
    return service_records.record_hours(session, works, _submission(principal))


def _work(request: RecordRequest) -> Work:
    return Work(
        request.volunteer_id,
        request.organisation_id,
        request.started_at,
        request.ended_at,
        request.category,
        request.reference,
        request.note,
    )


def _submission(principal: Principal) -> Submission:
    is_system = principal.role is Role.SYSTEM
    is_verified = is_system and principal.has("records:verified")
    return Submission(
        client=principal.key,
        recorded_by=str(principal.subject),
        origin=Origin.SYSTEM if is_system else Origin.MANUAL,
        status=RecordStatus.RECORDED if is_verified else RecordStatus.PENDING,
        bucket=Bucket.VERIFIED if is_verified else Bucket.SUPPLEMENTED,
    )


def _item(index: int, reference: str, outcome: service_records.Outcome) -> ItemOutcomeResponse:
    return ItemOutcomeResponse(
        index=index,
        reference=reference,
        outcome=outcome.outcome,
        id=outcome.id,
        status=outcome.status,
        minutes=outcome.minutes,
        problem=_item_problem(outcome.problem) if outcome.problem else None,
    )


def _item_problem(problem: Problem) -> ItemProblemResponse:
    return ItemProblemResponse.model_validate(problem.document())


def _unreadable(index: int, item: Any) -> ItemOutcomeResponse:
    """Say what is wrong with an item that is no RecordRequest."""
    try:
        RecordRequest.model_validate(item)
        reasons = ""
    except ValidationError as error:
        reasons = "; ".join(
            f"/{'/'.join(str(part) for part in one['loc'])[:60]}: {one['msg']}"
            for one in error.errors()[:3]
        )
    # A field's name may be half a surrogate pair, which no JSON text can hold.
    reasons = reasons.encode("utf-8", "replace").decode()
    return ItemOutcomeResponse(
        index=index, reference=None, outcome="refused", problem=_item_problem(Invalid(reasons))
    )


@bp.get("/v1/service-records")
@bp.input(PendingQuery, location="query")
@bp.output(Page[RecordResponse])
@bp.doc(summary="List an organisation's pending records, newest first")
@allow(*COORDINATORS)
def get_pending_records(query_data: PendingQuery) -> dict[str, object]:
    with transaction() as session:
        require_coordination(session, caller(), query_data.organisation_id)
        statement = select(ServiceRecord).where(
            ServiceRecord.organisation_id == query_data.organisation_id,
            ServiceRecord.status == RecordStatus.PENDING,
        )
        items, next_ = page_of(session, statement, ServiceRecord.id, query_data)
        return {"items": items, "next": next_}


@bp.get("/v1/service-records/<uuid:record_id>")
@bp.output(RecordResponse)
@bp.doc(summary="Show a service record")
@allow(Role.VOLUNTEER, *COORDINATORS, Role.AUDITOR)
def get_record(record_id: UUID) -> ServiceRecord:
    with transaction() as session:
        record = service_records.get_record(session, record_id)
        if caller().role is Role.COORDINATOR and caller().subject != record.volunteer_id:
            require_coordination(session, caller(), record.organisation_id)
        else:
            only_self_or_staff(record.volunteer_id)
        return record


@bp.put("/v1/service-records/<uuid:record_id>/approval")
@bp.input(ApprovalRequest)
@bp.output(RecordResponse)
@bp.doc(
    summary="Accept or reject a pending record",
    description="The caller is neither the volunteer nor the person who recorded it.",
)
@allow(*COORDINATORS)
def put_approval(record_id: UUID, json_data: ApprovalRequest) -> ServiceRecord:
    with transaction() as session:
        if json_data.decision is Decision.REJECT:
            return approvals.reject_record(session, caller(), record_id)
        return approvals.approve_record(
            session,
            caller(),
            record_id,
            bucket=json_data.bucket,
            started_at=json_data.started_at,
            ended_at=json_data.ended_at,
        )


@bp.post("/v1/service-records/<uuid:record_id>/corrections")
@bp.input(CorrectionRequest)
@bp.output(CorrectionResponse, status_code=201)
@bp.doc(summary="Request a correction of a recorded block")
@allow(*COORDINATORS)
def post_correction(record_id: UUID, json_data: CorrectionRequest) -> Correction:
    with transaction() as session:
        return corrections.ask_correction(
            session, caller(), record_id, json_data.started_at, json_data.ended_at, json_data.reason
        )


@bp.put("/v1/corrections/<uuid:correction_id>/approval")
@bp.output(CorrectionResponse)
@bp.doc(
    summary="Approve a correction, as a second person",
    description="A new record replaces the old one.",
)
@allow(*COORDINATORS)
def put_correction_approval(correction_id: UUID) -> Correction:
    with transaction() as session:
        return corrections.approve_correction(session, caller(), correction_id)

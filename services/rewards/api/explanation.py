"""`/v1/accounts/{id}/explain`: every point from its minutes, recomputed and compared."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field

from services.rewards.ledger.explanation import (
    HELD,
    OWED,
    VOLUNTEER,
    ExplainedRecord,
    Explanation,
    explain,
)
from services.rewards.models import AccountStatus, TransferKind
from shared.auth.access import allow, only_self_or_staff
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import PageQuery
from shared.http.schemas import ResponseModel

bp = APIBlueprint("explain", __name__, url_prefix="/v1")


class CorrectionResponse(ResponseModel):
    correction_id: UUID
    minutes: int = Field(description="new minus old")
    received_at: datetime


class RateTermsResponse(ResponseModel):
    points: int
    minutes: int = Field(description="points are given per so many minutes, rounded down")
    percent: int | None = Field(description="how much of it counts; none without a coefficient")


class RecordResponse(ResponseModel):
    record_id: UUID
    worked_on: date
    category: str | None
    minutes: int = Field(description="as first recorded")
    corrections: list[CorrectionResponse]
    minutes_credited: int
    rule_id: UUID | None
    rule_version: int | None
    rate: str = Field(description="in English words")
    rate_terms: RateTermsResponse | None = Field(description="none where no rule applied")
    points: int
    matches: bool


class MoveResponse(ResponseModel):
    book: str = Field(
        description="volunteer: points to spend; held: waiting for stock; owed: negative"
    )
    kind: TransferKind
    points: int


class SumsResponse(ResponseModel):
    records: int
    minutes_credited: int
    points_earned: int = Field(description="by the records")
    points_spent: int = Field(description="on vouchers, those given back left out")
    points_lapsed: int
    points_available: int
    points_held: int
    shortfall: int


class DifferenceResponse(ResponseModel):
    of: str
    stored: int
    recomputed: int
    difference: int


class ExplanationResponse(ResponseModel):
    volunteer_id: UUID
    status: AccountStatus
    merged_into: UUID | None
    matches: bool
    differences: list[DifferenceResponse]
    sums: SumsResponse = Field(description="recomputed")
    moves: list[MoveResponse] = Field(
        description="the journal by kind; per book they sum to the balance"
    )
    records: list[RecordResponse]
    next: str | None


@bp.get("/accounts/<uuid:volunteer_id>/explain")
@bp.input(PageQuery, location="query")
@bp.output(ExplanationResponse)
@bp.doc(
    summary="How an account came to what it has, recomputed; its records page by page, newest first"
)
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_explanation(volunteer_id: UUID, query_data: PageQuery) -> Any:
    only_self_or_staff(volunteer_id)
    with transaction() as session:
        return _response_of(explain(session, volunteer_id, query_data))


def _response_of(explanation: Explanation) -> ExplanationResponse:
    account = explanation.account
    return ExplanationResponse(
        volunteer_id=account.volunteer_id,
        status=account.status,
        merged_into=account.merged_into,
        matches=not explanation.differences,
        differences=[DifferenceResponse.model_validate(one) for one in explanation.differences],
        sums=_sums(explanation),
        moves=[MoveResponse.model_validate(one) for one in explanation.moves],
        records=[_record(one) for one in explanation.records],
        next=explanation.next,
    )


def _sums(explanation: Explanation) -> SumsResponse:
    bought = (TransferKind.ISSUED, TransferKind.DONATED, TransferKind.VOIDED)
    spent = explanation.in_book(VOLUNTEER, *bought) + explanation.in_book(HELD, *bought)
    return SumsResponse(
        records=explanation.record_count,
        minutes_credited=explanation.minutes,
        points_earned=explanation.points_by_records,
        points_spent=-spent,
        points_lapsed=-explanation.in_book(VOLUNTEER, TransferKind.LAPSED),
        points_available=explanation.in_book(VOLUNTEER),
        points_held=explanation.in_book(HELD),
        shortfall=-explanation.in_book(OWED),
    )


def _record(explained: ExplainedRecord) -> RecordResponse:
    record, terms = explained.record, explained.rate
    return RecordResponse(
        record_id=record.record_id,
        worked_on=record.worked_on,
        category=record.category,
        minutes=record.minutes,
        corrections=[CorrectionResponse.model_validate(one) for one in explained.corrections],
        minutes_credited=explained.minutes,
        rule_id=record.rule_id,
        rule_version=record.rule_version,
        rate=str(terms) if terms else "no rule",
        rate_terms=RateTermsResponse.model_validate(terms) if terms else None,
        points=explained.points,
        matches=explained.matches,
    )

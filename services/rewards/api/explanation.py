"""`/v1/accounts/{id}/explain`: every point from its minutes, recomputed and held against what is
stored.
"""

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


class RecordResponse(ResponseModel):
    record_id: UUID
    worked_on: date
    category: str | None
    minutes: int = Field(description="as first recorded")
    corrections: list[CorrectionResponse]
    minutes_credited: int
    rule_id: UUID | None
    rule_version: int | None
    rate: str
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
        return _shown(explain(session, volunteer_id, query_data))


def _shown(told: Explanation) -> dict[str, Any]:
    return {
        "volunteer_id": told.account.volunteer_id,
        "status": told.account.status,
        "merged_into": told.account.merged_into,
        "matches": not told.differences,
        "differences": told.differences,
        "sums": _sums(told),
        "moves": told.moves,
        "records": [_record(one) for one in told.records],
        "next": told.next,
    }


def _sums(told: Explanation) -> dict[str, int]:
    bought = (TransferKind.ISSUED, TransferKind.DONATED, TransferKind.VOIDED)
    return {
        "records": told.record_count,
        "minutes_credited": told.minutes,
        "points_earned": told.points_by_records,
        "points_spent": -told.in_book(VOLUNTEER, *bought) - told.in_book(HELD, *bought),
        "points_lapsed": -told.in_book(VOLUNTEER, TransferKind.LAPSED),
        "points_available": told.in_book(VOLUNTEER),
        "points_held": told.in_book(HELD),
        "shortfall": -told.in_book(OWED),
    }


def _record(one: ExplainedRecord) -> dict[str, Any]:
    row = one.record
    return {
        "record_id": row.record_id,
        "worked_on": row.worked_on,
        "category": row.category,
        "minutes": row.minutes,
        "corrections": one.corrections,
        "minutes_credited": one.minutes,
        "rule_id": row.rule_id,
        "rule_version": row.rule_version,
        "rate": one.rate,
        "points": one.points,
        "matches": one.matches,
    }

"""`/v1/disputes`: reported redemptions that are not booked. Staff decide; a venue sees its own."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictInt
from sqlalchemy import Select, select

from services.rewards.api.access import only_own_venue, own_venue_id
from services.rewards.models import Dispute, DisputeStatus
from services.rewards.settlement import disputes
from services.rewards.settlement.months import Month
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Code, RequestModel, ResponseModel

bp = APIBlueprint("disputes", __name__, url_prefix="/v1")

READERS = (Role.STAFF, Role.AUDITOR, Role.VENUE)
MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="YYYY-MM")]


class DisputesQuery(PageQuery):
    status: DisputeStatus | None = None
    venue_id: UUID | None = Field(
        default=None, description="All venues if missing. A venue sees only its own."
    )


class MissingRequest(RequestModel):
    """A line of the venue's newest report for `month` that is not in our journal."""

    venue_id: UUID
    month: MonthText
    reference: Code
    reason_code: Annotated[str, Field(pattern=f"^{disputes.MISSING_HERE}$")] = disputes.MISSING_HERE


class DecisionRequest(RequestModel):
    decision: disputes.Decision
    amount_fen: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] | None = None
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class DisputeResponse(ResponseModel):
    id: UUID
    venue_id: UUID
    reference: str
    reason_code: str
    voucher_id: UUID | None
    status: DisputeStatus
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    amount_fen: int
    note: str | None
    settlement_id: UUID | None


@bp.get("/disputes")
@bp.input(DisputesQuery, location="query")
@bp.output(Page[DisputeResponse])
@bp.doc(summary="List disputes, newest first")
@allow(*READERS)
def get_disputes(query_data: DisputesQuery) -> Any:
    venue_id = own_venue_id() or query_data.venue_id
    only_own_venue(query_data.venue_id or venue_id)
    wanted = _select_disputes(venue_id, query_data.status)
    with transaction() as session:
        items, following = page_of(session, wanted, Dispute.id, query_data)
        return {"items": items, "next": following}


def _select_disputes(venue_id: UUID | None, status: DisputeStatus | None) -> Select[Dispute]:
    wanted = select(Dispute)
    if venue_id is not None:
        wanted = wanted.where(Dispute.venue_id == venue_id)
    if status is not None:
        wanted = wanted.where(Dispute.status == status)
    return wanted


@bp.get("/disputes/<uuid:dispute_id>")
@bp.output(DisputeResponse)
@bp.doc(summary="Show a dispute")
@allow(*READERS)
def get_dispute(dispute_id: UUID) -> Any:
    with transaction() as session:
        return disputes.get_dispute(session, dispute_id, own_venue_id())


@bp.post("/disputes")
@bp.input(MissingRequest)
@bp.output(DisputeResponse, status_code=201)
@bp.doc(
    summary="Dispute a line of a venue's report that is not booked",
    description="Repeating it returns the same dispute.",
)
@allow(Role.STAFF, Role.VENUE)
def post_dispute(json_data: MissingRequest) -> Any:
    only_own_venue(json_data.venue_id)
    with transaction() as session:
        month = Month.parse(json_data.month)
        return disputes.report_missing(session, json_data.venue_id, month, json_data.reference)


@bp.put("/disputes/<uuid:dispute_id>/decision")
@bp.input(DecisionRequest)
@bp.output(DisputeResponse)
@bp.doc(
    summary="Accept or reject a dispute, once",
    description="The next settlement of the venue pays what is accepted.",
)
@allow(Role.STAFF)
def put_decision(dispute_id: UUID, json_data: DecisionRequest) -> Any:
    with transaction() as session:
        return disputes.decide(
            session,
            dispute_id,
            json_data.decision,
            json_data.amount_fen,
            json_data.note,
            caller().key,
        )

"""`/v1/settlements/{venue_id}/{YYYY-MM}` and the lists that venues send: what a month comes to, and
closing it.
"""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from services.rewards.api.access import only_own_venue
from services.rewards.models import DisputeStatus
from services.rewards.settlement import closing, export, reconciliation
from services.rewards.settlement.months import Month
from services.rewards.settlement.reconciliation import Difference, Kind
from services.rewards.settlement.reports import MOST_LINES
from services.rewards.settlement.statement import (
    MonthState,
    StatementLine,
    VenueMonth,
    statement_lines,
    venue_month,
)
from services.rewards.venues import venues
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.problems import invalid
from shared.db.engine import transaction
from shared.http.paging import PageQuery, decode_cursor, encode_cursor
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("settlements", __name__, url_prefix="/v1")

READERS = (Role.STAFF, Role.AUDITOR, Role.VENUE)
_AT_ONCE = 10_000


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
}
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class StatementQuery(PageQuery):
    format: Format = Field(
        default=Format.JSON, description="csv, xlsx and pdf are downloads of the whole month"
    )


class ProductResponse(ResponseModel):
    product_id: UUID
    title: str
    redemptions: int
    points: int
    fen: int


class TotalsResponse(ResponseModel):
    redemptions: int
    carried: int
    points: int
    fen: int
    disputes_fen: int
    owed_fen: int


class MovementResponse(ResponseModel):
    redeemed: int
    redeemed_points: int
    reversed: int
    reversed_points: int


class LineResponse(ResponseModel):
    redemption_id: UUID
    voucher_id: UUID
    reference: str
    product_id: UUID
    title: str
    channel: str
    redeemed_at: datetime
    points: int
    fen: int
    carried: bool


class ListResponse(ResponseModel):
    id: UUID
    lines: int
    uploaded_at: datetime


class SummaryResponse(ListResponse):
    """How the venue's newest list differs, by kind."""

    differences: dict[str, int]
    unresolved: dict[str, int]


class VenueMonthResponse(BaseModel):
    venue_id: UUID
    venue_name: str
    month: str
    state: MonthState
    settlement_id: UUID | None
    closed_at: datetime | None
    totals: TotalsResponse
    products: list[ProductResponse]
    journal: MovementResponse
    disputes: dict[str, int]
    venue_list: SummaryResponse | None = Field(
        description="on the first page only; null where the venue sent no list"
    )
    lines: list[LineResponse]
    next: str | None


class ClosingRequest(RequestModel):
    accept_differences: bool = False


class ReopeningRequest(RequestModel):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class SettlementResponse(ResponseModel):
    id: UUID
    venue_id: UUID
    month: date
    redemptions: int
    points: int
    fen: int
    disputes_fen: int
    closed_at: datetime
    reopened_at: datetime | None
    reopen_reason: str | None


class CaseResponse(ResponseModel):
    id: UUID
    reason_code: str
    status: DisputeStatus


class DifferenceResponse(BaseModel):
    kind: Kind
    reference: str
    voucher_id: UUID | None
    redemption_id: UUID | None
    channel: str | None
    booked_on: date | None
    booked_fen: int | None
    line: int | None
    listed_on: date | None
    listed_fen: int | None
    month: str | None
    dispute: CaseResponse | None


class DifferencesResponse(BaseModel):
    venue_list: ListResponse | None
    items: list[DifferenceResponse]
    next: str | None


@bp.get("/settlements/<uuid:venue_id>/<month>")
@bp.input(StatementQuery, location="query")
@bp.output(VenueMonthResponse)
@bp.doc(
    summary="A venue's statement of a month; a preview until it is closed",
    responses={200: {"content": {media.partition(";")[0]: _FILE for media in MEDIA.values()}}},
)
@allow(*READERS)
def get_settlement(venue_id: UUID, month: str, query_data: StatementQuery) -> Any:
    only_own_venue(venue_id)
    wanted = Month.parse(month)
    with transaction() as session:
        statement = venue_month(session, venue_id, wanted)
        if query_data.format is Format.JSON:
            return _shown(session, statement, query_data)
        return _download(session, statement, query_data.format)


def _shown(session: Session, statement: VenueMonth, query: PageQuery) -> VenueMonthResponse:
    venue, month, settlement = statement.venue, statement.month, statement.settlement
    after = UUID(decode_cursor(query.after)[0]) if query.after else None
    rows = statement_lines(session, venue.id, month, after, query.limit + 1)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    found = None if after else reconciliation.match_month(session, venue.id, month)
    return VenueMonthResponse(
        venue_id=venue.id,
        venue_name=venue.name,
        month=str(month),
        state=statement.state,
        settlement_id=settlement.id if settlement else None,
        closed_at=settlement.closed_at if settlement else None,
        totals=TotalsResponse.model_validate(statement.totals),
        products=[ProductResponse.model_validate(product) for product in statement.products],
        journal=MovementResponse.model_validate(statement.journal),
        disputes=statement.disputes,
        venue_list=SummaryResponse(
            id=found.venue_list.id,
            lines=found.venue_list.lines,
            uploaded_at=found.venue_list.uploaded_at,
            differences=found.counts,
            unresolved=found.unresolved,
        )
        if found
        else None,
        lines=[LineResponse.model_validate(row) for row in rows],
        next=encode_cursor(str(rows[-1].redemption_id)) if more else None,
    )


def _download(session: Session, statement: VenueMonth, format_: Format) -> Response:
    rows = _all_lines(session, statement)
    if format_ is Format.CSV:
        content = export.as_csv(rows)
    elif format_ is Format.XLSX:
        content = export.as_xlsx(statement, rows)
    else:
        few = statement.totals.redemptions <= export.MOST_LINES_IN_PDF
        content = export.as_pdf(statement, list(rows) if few else [])
    name = f"settlement-{statement.month}-{statement.venue.id}.{format_}"
    answer = Response(content, content_type=MEDIA[format_])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _all_lines(session: Session, statement: VenueMonth) -> Iterator[StatementLine]:
    after, more = None, True
    while more:
        part = statement_lines(session, statement.venue.id, statement.month, after, _AT_ONCE)
        yield from part
        more = len(part) == _AT_ONCE
        after = part[-1].redemption_id if part else None


@bp.put("/settlements/<uuid:venue_id>/<month>/closing")
@bp.input(ClosingRequest)
@bp.output(SettlementResponse)
@bp.doc(summary="Close a month: what it holds is agreed and final. Repeating it changes nothing")
@allow(Role.STAFF)
def put_closing(venue_id: UUID, month: str, json_data: ClosingRequest) -> Any:
    with transaction() as session:
        return closing.close_month(
            session,
            venue_id,
            Month.parse(month),
            caller().key,
            accept_differences=json_data.accept_differences,
        )


@bp.delete("/settlements/<uuid:venue_id>/<month>/closing")
@bp.input(ReopeningRequest)
@bp.output(SettlementResponse)
@bp.doc(summary="Reopen the newest closed month, within 60 days. Repeating it changes nothing")
@allow(Role.STAFF)
def delete_closing(venue_id: UUID, month: str, json_data: ReopeningRequest) -> Any:
    with transaction() as session:
        return closing.reopen_month(
            session, venue_id, Month.parse(month), json_data.reason, caller().key
        )


@bp.get("/settlements/<uuid:venue_id>/<month>/differences")
@bp.input(PageQuery, location="query")
@bp.output(DifferencesResponse)
@bp.doc(summary="Where our books and the venue's newest list differ, voucher by voucher")
@allow(*READERS)
def get_differences(venue_id: UUID, month: str, query_data: PageQuery) -> Any:
    """The cursor is a place in the differences of one list, so a newer list makes it invalid."""
    only_own_venue(venue_id)
    with transaction() as session:
        venues.get_venue(session, venue_id)
        found = reconciliation.match_month(session, venue_id, Month.parse(month))
        if found is None:
            return {"venue_list": None, "items": [], "next": None}
        start = _place(query_data.after, found.venue_list.id)
        items, end = found.differences[start : start + query_data.limit], start + query_data.limit
        more = end < len(found.differences)
        return {
            "venue_list": found.venue_list,
            "items": [_difference(item) for item in items],
            "next": encode_cursor(str(found.venue_list.id), end) if more else None,
        }


def _place(cursor: str | None, list_id: UUID) -> int:
    if cursor is None:
        return 0
    parts = decode_cursor(cursor, lambda parts: (UUID(parts[0]), int(parts[1])))
    if parts[0] != str(list_id) or not 0 <= int(parts[1]) <= MOST_LINES * 10:
        raise invalid("/after", "The venue sent a newer list since: start again without `after`.")
    return int(parts[1])


def _difference(item: Difference) -> DifferenceResponse:
    booked, listed = item.booked, item.listed
    return DifferenceResponse(
        kind=item.kind,
        reference=item.reference,
        voucher_id=item.voucher_id,
        redemption_id=booked.redemption_id if booked else None,
        channel=booked.channel if booked else None,
        booked_on=booked.day if booked else None,
        booked_fen=booked.fen if booked else None,
        line=listed.number if listed else None,
        listed_on=listed.redeemed_on if listed else None,
        listed_fen=listed.amount_fen if listed else None,
        month=str(item.month) if item.month else None,
        dispute=CaseResponse.model_validate(item.dispute) if item.dispute else None,
    )

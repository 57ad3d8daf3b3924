"""`/v1/settlements/{venue_id}/{YYYY-MM}`: settlement statements, their differences, closing."""

from collections.abc import Iterator, Sequence
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
from services.rewards.settlement.matching import Difference, DifferenceKind
from services.rewards.settlement.months import Month
from services.rewards.settlement.reconciliation import Reconciliation
from services.rewards.settlement.reports import MOST_LINES
from services.rewards.settlement.statement import (
    MonthState,
    SettlementStatement,
    StatementLine,
    make_statement,
    statement_lines,
)
from services.rewards.venues import venues
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.json import JsonObject
from shared.core.problems import invalid
from shared.db.engine import transaction
from shared.http.paging import PageQuery, decode_cursor, encode_cursor
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("settlements", __name__, url_prefix="/v1")

READERS = (Role.STAFF, Role.AUDITOR, Role.VENUE)
_BATCH = 10_000


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
_FILE: JsonObject = {"schema": {"type": "string", "format": "binary"}}


class StatementQuery(PageQuery):
    format: Format = Field(
        default=Format.JSON, description="`csv`, `xlsx` and `pdf` download the whole month."
    )


class ProductTotalResponse(ResponseModel):
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


class StatementLineResponse(ResponseModel):
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


class ReportResponse(ResponseModel):
    """The venue's newest report for the month."""

    id: UUID
    lines: int
    uploaded_at: datetime


class ReportSummaryResponse(ReportResponse):
    """The venue's newest report and how many differences it has, by kind."""

    differences: dict[str, int]
    unresolved: dict[str, int]

    @classmethod
    def of(cls, found: Reconciliation) -> "ReportSummaryResponse":
        return cls(
            id=found.report.id,
            lines=found.report.lines,
            uploaded_at=found.report.uploaded_at,
            differences=found.counts,
            unresolved=found.unresolved,
        )


class SettlementStatementResponse(BaseModel):
    venue_id: UUID
    venue_name: str
    month: str
    state: MonthState
    settlement_id: UUID | None
    closed_at: datetime | None
    totals: TotalsResponse
    products: list[ProductTotalResponse]
    journal: MovementResponse
    disputes: dict[str, int]
    venue_list: ReportSummaryResponse | None = Field(
        description="On the first page only. Null if the venue sent no report."
    )
    lines: list[StatementLineResponse]
    next: str | None

    @classmethod
    def of(
        cls,
        statement: SettlementStatement,
        lines: Sequence[StatementLine],
        found: Reconciliation | None,
        following: str | None,
    ) -> "SettlementStatementResponse":
        settlement = statement.settlement
        return cls(
            venue_id=statement.venue.id,
            venue_name=statement.venue.name,
            month=str(statement.month),
            state=statement.state,
            settlement_id=settlement.id if settlement else None,
            closed_at=settlement.closed_at if settlement else None,
            totals=TotalsResponse.model_validate(statement.totals),
            products=[ProductTotalResponse.model_validate(one) for one in statement.products],
            journal=MovementResponse.model_validate(statement.journal),
            disputes=statement.disputes,
            venue_list=ReportSummaryResponse.of(found) if found else None,
            lines=[StatementLineResponse.model_validate(line) for line in lines],
            next=following,
        )


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


class RelatedDisputeResponse(ResponseModel):
    id: UUID
    reason_code: str
    status: DisputeStatus


class DifferenceResponse(BaseModel):
    kind: DifferenceKind
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
    dispute: RelatedDisputeResponse | None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceResponse":
        booked, line, dispute = difference.booked, difference.line, difference.dispute
        return cls(
            kind=difference.kind,
            reference=difference.reference,
            voucher_id=difference.voucher_id,
            redemption_id=booked.redemption_id if booked else None,
            channel=booked.channel if booked else None,
            booked_on=booked.day if booked else None,
            booked_fen=booked.fen if booked else None,
            line=line.number if line else None,
            listed_on=line.redeemed_on if line else None,
            listed_fen=line.amount_fen if line else None,
            month=str(difference.month) if difference.month else None,
            dispute=RelatedDisputeResponse.model_validate(dispute) if dispute else None,
        )


class DifferencesResponse(BaseModel):
    venue_list: ReportResponse | None
    items: list[DifferenceResponse]
    next: str | None


@bp.get("/settlements/<uuid:venue_id>/<month>")
@bp.input(StatementQuery, location="query")
@bp.output(SettlementStatementResponse)
@bp.doc(
    summary="Show a venue's settlement statement for a month",
    description="It is a preview until the month is closed.",
    responses={200: {"content": {media.partition(";")[0]: _FILE for media in MEDIA.values()}}},
)
@allow(*READERS)
def get_settlement(venue_id: UUID, month: str, query_data: StatementQuery) -> Any:
    only_own_venue(venue_id)
    wanted = Month.parse(month)
    with transaction() as session:
        statement = make_statement(session, venue_id, wanted)
        if query_data.format is Format.JSON:
            return _statement_page(session, statement, query_data)
        return _download(session, statement, query_data.format)


def _statement_page(
    session: Session, statement: SettlementStatement, query: PageQuery
) -> SettlementStatementResponse:
    venue_id, month = statement.venue.id, statement.month
    after = UUID(decode_cursor(query.after)[0]) if query.after else None
    lines = statement_lines(session, venue_id, month, after, query.limit + 1)
    page = lines[: query.limit]
    more = len(lines) > query.limit
    found = None if after else reconciliation.reconcile_month(session, venue_id, month)
    following = encode_cursor(str(page[-1].redemption_id)) if more else None
    return SettlementStatementResponse.of(statement, page, found, following)


def _download(session: Session, statement: SettlementStatement, format_: Format) -> Response:
    content = _file_of(session, statement, format_)
    name = f"settlement-{statement.month}-{statement.venue.id}.{format_}"
    response = Response(content, content_type=MEDIA[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file_of(session: Session, statement: SettlementStatement, format_: Format) -> bytes:
    lines = _all_lines(session, statement)
    if format_ is Format.CSV:
        return export.as_csv(lines)
    if format_ is Format.XLSX:
        return export.as_xlsx(statement, lines)
    few = statement.totals.redemptions <= export.MOST_LINES_IN_PDF
    return export.as_pdf(statement, list(lines) if few else [])


def _all_lines(session: Session, statement: SettlementStatement) -> Iterator[StatementLine]:
    after, more = None, True
    while more:
        batch = statement_lines(session, statement.venue.id, statement.month, after, _BATCH)
        yield from batch
        more = len(batch) == _BATCH
        after = batch[-1].redemption_id if batch else None


@bp.put("/settlements/<uuid:venue_id>/<month>/closing")
@bp.input(ClosingRequest)
@bp.output(SettlementResponse)
@bp.doc(
    summary="Close a month; its statement is then final",
    description="Repeating it changes nothing.",
)
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
@bp.doc(
    summary="Reopen the newest closed month, within 60 days",
    description="Repeating it changes nothing.",
)
@allow(Role.STAFF)
def delete_closing(venue_id: UUID, month: str, json_data: ReopeningRequest) -> Any:
    with transaction() as session:
        return closing.reopen_month(
            session, venue_id, Month.parse(month), json_data.reason, caller().key
        )


@bp.get("/settlements/<uuid:venue_id>/<month>/differences")
@bp.input(PageQuery, location="query")
@bp.output(DifferencesResponse)
@bp.doc(summary="List the differences between the journal and the venue's newest report")
@allow(*READERS)
def get_differences(venue_id: UUID, month: str, query_data: PageQuery) -> Any:
    """The cursor is a position in the differences of one report; a newer report invalidates it."""
    only_own_venue(venue_id)
    with transaction() as session:
        venues.get_venue(session, venue_id)
        found = reconciliation.reconcile_month(session, venue_id, Month.parse(month))
        if found is None:
            return DifferencesResponse(venue_list=None, items=[], next=None)
        return _differences_page(found, query_data)


def _differences_page(found: Reconciliation, query: PageQuery) -> DifferencesResponse:
    start = _position(query.after, found.report.id)
    end = start + query.limit
    more = end < len(found.differences)
    return DifferencesResponse(
        venue_list=ReportResponse.model_validate(found.report),
        items=[DifferenceResponse.of(one) for one in found.differences[start:end]],
        next=encode_cursor(str(found.report.id), end) if more else None,
    )


def _position(cursor: str | None, report_id: UUID) -> int:
    if cursor is None:
        return 0
    parts = decode_cursor(cursor, lambda parts: (UUID(parts[0]), int(parts[1])))
    if parts[0] != str(report_id) or not 0 <= int(parts[1]) <= MOST_LINES * 10:
        raise invalid("/after", "The venue has sent a newer report: start again without `after`.")
    return int(parts[1])

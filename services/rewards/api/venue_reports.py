"""`POST /v1/venues/{id}/statements`: a venue's report for a month, to match with the journal."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request
from pydantic import Field, ValidationError

from services.rewards.api.access import only_own_venue
from services.rewards.api.disputes import MonthText
from services.rewards.settlement import csv_import, reports
from services.rewards.settlement.months import Month
from services.rewards.settlement.reports import MOST_LINES, ReportLine
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.limits import takes_up_to
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("venue_reports", __name__, url_prefix="/v1")

REPORT_BYTES = 20 * 1024 * 1024


class VenueReportRequest(RequestModel):
    month: MonthText
    lines: Annotated[list[ReportLine], Field(max_length=MOST_LINES)]


class VenueReportResponse(ResponseModel):
    id: UUID
    venue_id: UUID
    month: date
    lines: int
    uploaded_at: datetime


@bp.post("/venues/<uuid:venue_id>/statements")
@bp.output(VenueReportResponse, status_code=201)
@bp.doc(
    summary="Send a venue's report for a month, up to 100,000 lines; the newest counts",
    description="Send JSON `{month, lines: [{reference, voucher_id?, redeemed_on?, amount_fen?}]}`,"
    " or `text/csv` in UTF-8 or GB 18030 with a header row of the same names and `?month=YYYY-MM`."
    " All lines are accepted or none; errors name the row."
    " Sending the same report again changes nothing and answers 200.",
)
@allow(Role.STAFF, Role.VENUE)
@takes_up_to(REPORT_BYTES)
def post_statement(venue_id: UUID) -> Any:
    only_own_venue(venue_id)
    month, lines = _read_report()
    with transaction() as session:
        received = reports.receive_report(session, venue_id, month, lines, caller().key)
        return received.report, 201 if received.is_new else 200


def _read_report() -> tuple[Month, list[ReportLine]]:
    raw = request.get_data(cache=True)
    if request.mimetype == "text/csv":
        return Month.parse(request.args.get("month", "")), csv_import.read_csv(raw)
    try:
        body = VenueReportRequest.model_validate(request.get_json(force=True))
    except ValidationError as error:
        raise _unreadable(error) from None
    return Month.parse(body.month), body.lines


def _unreadable(error: ValidationError) -> csv_import.UnreadableList:
    """Name the first 100 errors, in the form of any other body's errors."""
    first = error.errors(include_input=False, include_url=False)[: csv_import.MOST_ERRORS]
    errors = [
        {"pointer": "".join(f"/{part}" for part in one["loc"]), "detail": one["msg"]}
        for one in first
    ]
    detail = f"{errors[0]['pointer']}: {errors[0]['detail']}"
    return csv_import.UnreadableList(detail, errors=errors)

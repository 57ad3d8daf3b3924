"""`POST /v1/venues/{id}/statements`: a venue's own list for a month, to be matched with our
books.
"""

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
from services.rewards.settlement.reports import MOST_LINES, ListLine
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.limits import takes_up_to
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("venue_lists", __name__, url_prefix="/v1")

LIST_BYTES = 20 * 1024 * 1024


class ListRequest(RequestModel):
    month: MonthText
    lines: Annotated[list[ListLine], Field(max_length=MOST_LINES)]


class ListTaken(ResponseModel):
    id: UUID
    venue_id: UUID
    month: date
    lines: int
    uploaded_at: datetime


@bp.post("/venues/<uuid:venue_id>/statements")
@bp.output(ListTaken, status_code=201)
@bp.doc(
    summary="Send a venue's own list for a month, up to 100,000 lines; the newest counts",
    description="JSON `{month, lines: [{reference, voucher_id?, redeemed_on?, amount_fen?}]}`, or `text/csv` with a "
    "header row of the same names and `?month=YYYY-MM`; UTF-8 or GB 18030. All or nothing: errors name the row. "
    "The same list again changes nothing and answers 200.",
)
@allow(Role.STAFF, Role.VENUE)
@takes_up_to(LIST_BYTES)
def post_statement(venue_id: UUID) -> Any:
    only_own_venue(venue_id)
    month, lines = _read_list()
    with transaction() as session:
        taken, is_new = reports.take_in(session, venue_id, month, lines, caller().key)
        return taken, 201 if is_new else 200


def _read_list() -> tuple[Month, list[ListLine]]:
    raw = request.get_data(cache=True)
    if request.mimetype == "text/csv":
        return Month.parse(request.args.get("month", "")), csv_import.read_csv(raw)
    try:
        body = ListRequest.model_validate(request.get_json(force=True))
    except ValidationError as error:
        raise _unreadable(error) from None
    return Month.parse(body.month), body.lines


def _unreadable(error: ValidationError) -> csv_import.UnreadableList:
    """As for any other body, but for the first 100 errors only."""
    found = [
        {"pointer": "".join(f"/{part}" for part in e["loc"]), "detail": e["msg"]}
        for e in error.errors(include_input=False, include_url=False)[: csv_import.MOST_ERRORS]
    ]
    return csv_import.UnreadableList(f"{found[0]['pointer']}: {found[0]['detail']}", errors=found)

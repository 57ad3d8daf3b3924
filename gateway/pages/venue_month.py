"""A venue's own month: what it is owed, the differences from its report, and sending that report.

Its key is in the form.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, render_template, request

from gateway.client import ApiRequest, ask, ask_all, get
from gateway.forms import Answer, field_text, unsent_page
from gateway.months import recent_months
from gateway.page_calls import Patience
from gateway.pages.desk.settlement import FORMATS, file_of, report_of, sent_csv
from gateway.queries import VENUES
from gateway.refusals import Refusal, Unanswered

bp = Blueprint("venue_month", __name__)


@dataclass(frozen=True, slots=True)
class Month:
    """What the page shows after the venue has named itself and a month."""

    statement: Any
    differences: Any
    taken: Any = None  #: what became of the report that was just sent


@bp.get("/counter/month")
def show_form(refusal: Refusal | None = None) -> str:
    return _page(ask(VENUES), refusal=refusal)


@bp.post("/counter/month")
def show_month() -> Answer | Response:
    """Show the month, or send it as a file."""
    wanted = request.form.get("do", "")
    try:
        if wanted in FORMATS:
            return file_of(_settlement(format=wanted))
        return _month_page()
    except Refusal as refusal:
        return show_form(refusal), refusal.status


@bp.post("/counter/month/list")
def send_list() -> Answer:
    """Take a CSV file with a header row, all or nothing; then show the differences."""
    try:
        report = report_of(_venue_id(), _month(), sent_csv())
        return _month_page(taken=ask(report.with_key(field_text("key"))))
    except Unanswered as silence:
        return unsent_page(silence), silence.status
    except Refusal as refusal:
        return show_form(refusal), refusal.status


def _month_page(taken: Any = None) -> str:
    statement, differences, venues = ask_all(
        _settlement(limit=20), _settlement("/differences", limit=50), VENUES
    )
    return _page(venues, Month(statement, differences, taken))


def _page(venues: Any, shown: Month | None = None, refusal: Refusal | None = None) -> str:
    months = recent_months()
    return render_template(
        "venue_month.html",
        venues=venues["items"],
        months=months,
        formats=FORMATS,
        shown=shown,
        refusal=refusal,
        venue_id=request.form.get("venue_id", ""),
        month=request.form.get("month") or months[0],
    )


def _settlement(below: str = "", **query: Any) -> ApiRequest:
    path = f"/v1/settlements/{_venue_id()}/{_month()}{below}"
    wanted = get(path, **query).with_patience(Patience.REPORT)
    return wanted.with_key(field_text("key"))


def _venue_id() -> UUID:
    try:
        return UUID(request.form.get("venue_id", ""))
    except ValueError:
        abort(404)


def _month() -> str:
    month = request.form.get("month", "")
    if month not in recent_months():
        abort(404)
    return month

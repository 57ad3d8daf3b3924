"""A venue's own month: what it is owed, what differs from its list, and sending that list. Its key
is in the form.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from gateway.client import Told, ask
from gateway.forms import Answer, venues
from gateway.months import months_until
from gateway.pages.desk.settlement import FORMATS, file_of
from shared.core.clock import SITE

bp = Blueprint("venue_month", __name__)


@bp.get("/counter/month")
def show_month(
    told: Told | None = None, statement: Any = None, differences: Any = None, taken: Any = None
) -> str:
    months = months_until(datetime.now(SITE).date(), 24)
    return render_template(
        "venue_month.html",
        venues=venues(),
        months=months,
        formats=FORMATS,
        statement=statement,
        differences=differences,
        taken=taken,
        told=told,
        venue_id=request.form.get("venue_id", ""),
        month=request.form.get("month") or months[0],
    )


@bp.post("/counter/month")
def look() -> Answer | Response | str:
    """Look, or take the month away as a file."""
    wanted = request.form.get("do", "")
    try:
        if wanted in FORMATS:
            return file_of(_venue(), _month(), wanted, _key())
        return _shown()
    except Told as told:
        return show_month(told), told.status


@bp.post("/counter/month/list")
def send_list() -> Answer | str:
    """A CSV file with a header row, all or nothing; then what differs."""
    sent = request.files.get("list")
    try:
        taken = ask(
            "POST",
            f"/v1/venues/{_venue()}/statements",
            query={"month": _month()},
            as_anyone=True,
            headers={"Content-Type": "text/csv", **_key()},
            data=sent.read() if sent else b"",
        )
        return _shown(taken)
    except Told as told:
        return show_month(told), told.status


def _shown(taken: Any = None) -> str:
    path = f"/v1/settlements/{_venue()}/{_month()}"
    statement = ask("GET", path, query={"limit": 20}, headers=_key(), as_anyone=True)
    differences = ask(
        "GET", f"{path}/differences", query={"limit": 50}, headers=_key(), as_anyone=True
    )
    return show_month(statement=statement, differences=differences, taken=taken)


def _key() -> dict[str, str]:
    return {"Api-Key": request.form.get("key", "").strip()}


def _venue() -> UUID:
    try:
        return UUID(request.form.get("venue_id", ""))
    except ValueError:
        raise NotFound from None


def _month() -> str:
    month = request.form.get("month", "")
    if month not in months_until(datetime.now(SITE).date(), 24):
        raise NotFound
    return month

"""Settling a venue's month: preview, differences, closing, reopening, downloads."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask, fetch
from gateway.forms import PAGE, Answer, do, venues
from gateway.months import months_until
from shared.core.clock import SITE

bp = Blueprint("desk_settlement", __name__)

FORMATS = ("csv", "xlsx", "pdf")
HERE = "desk_settlement.show_settlement"


@bp.get("/desk/settlement")
@page_for("staff")
def choose() -> Answer | str:
    """The venue and the month; last month first, because that is what is settled."""
    months, known = months_until(datetime.now(SITE).date(), 24), venues()
    venue_id, month = request.args.get("venue_id"), request.args.get("month")
    if venue_id and month:
        return redirect(url_for(HERE, venue_id=venue_id, month=month))
    return render_template("desk/settlements.html", venues=known, months=months, month=months[1])


@bp.get("/desk/settlement/<uuid:venue_id>/<month>")
@page_for("staff")
def show_settlement(venue_id: UUID, month: str, told: Told | None = None) -> str:
    path = f"/v1/settlements/{venue_id}/{month}"
    statement = ask("GET", path, query={"limit": PAGE})
    differences = ask(
        "GET", f"{path}/differences", query={"limit": 50, "after": request.args.get("after")}
    )
    months = months_until(datetime.now(SITE).date(), 24)
    return render_template(
        "desk/settlement.html",
        statement=statement,
        differences=differences,
        told=told,
        venues=venues(),
        months=months,
        month=month,
        formats=FORMATS,
        path=f"/desk/settlement/{venue_id}/{month}",
    )


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/closing")
@page_for("staff")
def close(venue_id: UUID, month: str) -> Answer:
    body = {"accept_differences": request.form.get("accept") == "yes"}
    return _do(venue_id, month, "PUT", body, "month-closed")


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/reopening")
@page_for("staff")
def reopen(venue_id: UUID, month: str) -> Answer:
    return _do(
        venue_id,
        month,
        "DELETE",
        {"reason": request.form.get("reason", "").strip()},
        "month-reopened",
    )


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/disputes")
@page_for("staff")
def report_missing(venue_id: UUID, month: str) -> Answer:
    """What the venue lists and we have not booked becomes a case that somebody decides."""
    body = {"venue_id": str(venue_id), "month": month, "reference": request.form.get("reference")}
    return do(
        "POST",
        "/v1/disputes",
        body,
        then=url_for(HERE, venue_id=venue_id, month=month),
        done="case-opened",
        show=lambda told: show_settlement(venue_id, month, told),
    )


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/list")
@page_for("staff")
def send_list(venue_id: UUID, month: str) -> Answer:
    return take_list(
        venue_id,
        month,
        then=url_for(HERE, venue_id=venue_id, month=month),
        show=lambda told: show_settlement(venue_id, month, told),
    )


@bp.get("/desk/settlement/<uuid:venue_id>/<month>/statement.<format_>")
@page_for("staff")
def download(venue_id: UUID, month: str, format_: str) -> Response:
    return file_of(venue_id, month, format_)


def take_list(
    venue_id: UUID, month: str, *, then: str, show: Any, key: dict[str, str] | None = None
) -> Answer:
    """Hand a CSV file on as it is."""
    sent = request.files.get("list")
    headers = {"Content-Type": "text/csv", **(key or {})}
    try:
        ask(
            "POST",
            f"/v1/venues/{venue_id}/statements",
            query={"month": month},
            headers=headers,
            data=sent.read() if sent else b"",
            as_anyone=key is not None,
        )
    except Told as told:
        return show(told), told.status
    return redirect(f"{then}?done=list-taken")


def file_of(
    venue_id: UUID, month: str, format_: str, key: dict[str, str] | None = None
) -> Response:
    """The whole month as a file."""
    if format_ not in FORMATS:
        abort(404)
    found = fetch(
        "GET",
        f"/v1/settlements/{venue_id}/{month}",
        query={"format": format_},
        headers=key,
        as_anyone=key is not None,
    )
    answer = Response(found.get_data(), content_type=found.content_type)
    answer.headers["Content-Disposition"] = found.headers.get("Content-Disposition", "attachment")
    return answer


def _do(venue_id: UUID, month: str, method: str, body: Any, done: str) -> Answer:
    return do(
        method,
        f"/v1/settlements/{venue_id}/{month}/closing",
        body,
        then=url_for(HERE, venue_id=venue_id, month=month),
        done=done,
        show=lambda told: show_settlement(venue_id, month, told),
    )

"""Settling a venue's month: preview, differences, closing, reopening, downloads."""

from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask, ask_all, delete, fetch, get, post, put
from gateway.forms import Answer, field_text, submit
from gateway.months import recent_months
from gateway.page_calls import Patience
from gateway.queries import PAGE, VENUE_NAMES, VENUES, get_page
from gateway.refusals import Missing, Refusal

bp = Blueprint("desk_settlement", __name__)

FORMATS = ("csv", "xlsx", "pdf")
HERE = "desk_settlement.show_settlement"


@bp.get("/desk/settlement")
@page_for("staff")
def choose() -> Answer:
    """The venue and the month; last month first, because that is what is settled."""
    venue_id, month = request.args.get("venue_id"), request.args.get("month")
    if venue_id and month:
        return redirect(url_for(HERE, venue_id=venue_id, month=month))
    months, venues = recent_months(), ask(VENUES)["items"]
    return render_template("desk/settlements.html", venues=venues, months=months, month=months[1])


@bp.get("/desk/settlement/<uuid:venue_id>/<month>")
@page_for("staff")
def show_settlement(venue_id: UUID, month: str, refusal: Refusal | None = None) -> str:
    path = f"/v1/settlements/{venue_id}/{month}"
    statement, differences, venues = ask_all(
        get(path, limit=PAGE).with_patience(Patience.REPORT),
        get_page(f"{path}/differences", limit=50).with_patience(Patience.REPORT),
        VENUE_NAMES,
    )
    return render_template(
        "desk/settlement.html",
        statement=statement,
        differences=differences,
        refusal=refusal,
        venues=[] if isinstance(venues, Missing) else venues["items"],
        months=recent_months(),
        month=month,
        formats=FORMATS,
        path=f"/desk/settlement/{venue_id}/{month}",
    )


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/closing")
@page_for("staff")
def close(venue_id: UUID, month: str) -> Answer:
    body = {"accept_differences": request.form.get("accept") == "yes"}
    wanted = put(f"/v1/settlements/{venue_id}/{month}/closing", body)
    return _change(venue_id, month, wanted, "month-closed")


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/reopening")
@page_for("staff")
def reopen(venue_id: UUID, month: str) -> Answer:
    body = {"reason": field_text("reason")}
    wanted = delete(f"/v1/settlements/{venue_id}/{month}/closing", body)
    return _change(venue_id, month, wanted, "month-reopened")


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/disputes")
@page_for("staff")
def report_missing(venue_id: UUID, month: str) -> Answer:
    """What the venue lists and we have not booked becomes a dispute that somebody decides."""
    reference = request.form.get("reference")
    body = {"venue_id": str(venue_id), "month": month, "reference": reference}
    return _change(venue_id, month, post("/v1/disputes", body), "case-opened")


@bp.post("/desk/settlement/<uuid:venue_id>/<month>/list")
@page_for("staff")
def send_list(venue_id: UUID, month: str) -> Answer:
    return _change(venue_id, month, report_of(venue_id, month, sent_csv()), "list-taken")


@bp.get("/desk/settlement/<uuid:venue_id>/<month>/statement.<format_>")
@page_for("staff")
def download(venue_id: UUID, month: str, format_: str) -> Response:
    if format_ not in FORMATS:
        abort(404)
    return file_of(get(f"/v1/settlements/{venue_id}/{month}", format=format_))


def report_of(venue_id: UUID, month: str, csv: bytes) -> ApiRequest:
    """Hand a venue report on as it is."""
    path = f"/v1/venues/{venue_id}/statements"
    return ApiRequest("POST", path, query={"month": month}, csv=csv, patience=Patience.REPORT)


def sent_csv() -> bytes:
    sent = request.files.get("list")
    return sent.read() if sent else b""


def file_of(wanted: ApiRequest) -> Response:
    """The whole month as a file."""
    found = fetch(wanted.with_patience(Patience.REPORT))
    answer = Response(found.get_data(), content_type=found.content_type)
    answer.headers["Content-Disposition"] = found.headers.get("Content-Disposition", "attachment")
    return answer


def _change(venue_id: UUID, month: str, wanted: ApiRequest, done: str) -> Answer:
    return submit(
        wanted,
        then=url_for(HERE, venue_id=venue_id, month=month),
        done=done,
        show=lambda refusal: show_settlement(venue_id, month, refusal),
    )

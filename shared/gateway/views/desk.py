"""The desk of the centre's staff: what waits for a person, and whether something is stuck."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared import SERVICES
from shared.gateway.access import page_for
from shared.gateway.asking import Told, ask

bp = Blueprint("desk", __name__)

PAGE = 20
WAITING = ("submitted", "verified", "fulfilled")
REASONS = ("not_a_wish", "duplicate", "cash_or_medical", "unsafe", "no_consent", "other")
MOVES = {"verify": "verification", "reject": "verification", "publish": "publication", "confirm": "confirmation"}


@bp.get("/desk")
@page_for("staff")
def show_desk(told: Told | None = None) -> str:
    wishes = {status: ask("GET", "/v1/wishes", query={"status": status, "limit": PAGE}) for status in WAITING}
    organisations = ask("GET", "/v1/organisations", query={"limit": 200})["items"]
    chosen = request.args.get("organisation_id") or (organisations[0]["id"] if organisations else None)
    records = ask("GET", "/v1/service-records", query={"organisation_id": chosen, "limit": PAGE}) if chosen else None
    return render_template("desk.html", wishes=wishes, reasons=REASONS, organisations=organisations, chosen=chosen,
                           records=records, letters={one: _dead_letters(one) for one in SERVICES}, told=told,
                           done=request.args.get("done"))  # fmt: skip


@bp.post("/desk/wishes/<uuid:wish_id>/<move>")
@page_for("staff")
def move_wish(wish_id: UUID, move: str) -> Response | tuple[str, int]:
    if move not in MOVES:
        abort(404)
    bodies: dict[str, Any] = {
        "verify": {},
        "reject": {"decision": "reject", "reason_code": request.form.get("reason")},
    }
    return _do("PUT", f"/v1/wishes/{wish_id}/{MOVES[move]}", bodies.get(move), move)


@bp.post("/desk/records/<uuid:record_id>/approval")
@page_for("staff")
def approve_record(record_id: UUID) -> Response | tuple[str, int]:
    return _do("PUT", f"/v1/service-records/{record_id}/approval", {"decision": "approve"}, "approve")


def _do(method: str, path: str, body: Any, done: str) -> Response | tuple[str, int]:
    try:
        ask(method, path, body)
    except Told as told:
        return show_desk(told), told.status
    return redirect(url_for("desk.show_desk", done=done))


def _dead_letters(service: str) -> str:
    """How many facts a service gave up and nobody has replayed; what it did not say is a dash."""
    try:
        page = ask("GET", f"/{service}/dead-letters", query={"limit": 200})
    except Told:
        return "–"
    waiting = sum(letter["replayed_at"] is None for letter in page["items"])
    return f"{waiting}+" if page["next"] else str(waiting)

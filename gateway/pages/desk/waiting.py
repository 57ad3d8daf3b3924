"""What waits for a person at the desk: wishes, service records, and facts that are stuck."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, do
from shared import SERVICES

bp = Blueprint("desk", __name__)

WAITING = ("submitted", "verified", "fulfilled")
REASONS = ("not_a_wish", "duplicate", "cash_or_medical", "unsafe", "no_consent", "other")
MOVES = {
    "verify": "verification",
    "reject": "verification",
    "publish": "publication",
    "confirm": "confirmation",
}


@bp.get("/desk")
@page_for("staff")
def show_desk(told: Told | None = None) -> str:
    wishes = {
        status: ask("GET", "/v1/wishes", query={"status": status, "limit": PAGE})
        for status in WAITING
    }
    organisations = ask("GET", "/v1/organisations", query={"limit": 200})["items"]
    chosen = request.args.get("organisation_id") or (
        organisations[0]["id"] if organisations else None
    )
    records = (
        ask("GET", "/v1/service-records", query={"organisation_id": chosen, "limit": PAGE})
        if chosen
        else None
    )
    return render_template(
        "desk/waiting.html",
        wishes=wishes,
        reasons=REASONS,
        organisations=organisations,
        chosen=chosen,
        records=records,
        told=told,
        letters={one: _dead_letters(one) for one in SERVICES},
    )


@bp.post("/desk/wishes/<uuid:wish_id>/<move>")
@page_for("staff")
def move_wish(wish_id: UUID, move: str) -> Answer:
    if move not in MOVES:
        abort(404)
    bodies: dict[str, Any] = {
        "verify": {},
        "reject": {"decision": "reject", "reason_code": request.form.get("reason")},
    }
    return do(
        "PUT",
        f"/v1/wishes/{wish_id}/{MOVES[move]}",
        bodies.get(move),
        then=url_for("desk.show_desk"),
        done=move,
        show=show_desk,
    )


@bp.post("/desk/records/<uuid:record_id>/approval")
@page_for("staff")
def approve_record(record_id: UUID) -> Answer:
    return do(
        "PUT",
        f"/v1/service-records/{record_id}/approval",
        {"decision": "approve"},
        then=url_for("desk.show_desk"),
        done="approve",
        show=show_desk,
    )


def _dead_letters(service: str) -> str:
    """How many facts a service gave up and nobody has replayed; what it did not say is a dash."""
    try:
        page = ask("GET", f"/{service}/dead-letters", query={"limit": 200})
    except Told:
        return "–"
    waiting = sum(letter["replayed_at"] is None for letter in page["items"])
    return f"{waiting}+" if page["next"] else str(waiting)

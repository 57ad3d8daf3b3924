"""Cases that a person decides: what a venue reported or listed, and we could not book."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, do, fen, given, named, venues

bp = Blueprint("desk_disputes", __name__)

STATES = ("open", "accepted", "rejected", "lapsed")


@bp.get("/desk/disputes")
@page_for("staff")
def show_disputes(told: Told | None = None) -> str:
    status = request.args.get("status", "open")
    status = status if status in STATES else "open"
    page = ask(
        "GET",
        "/v1/disputes",
        query={"status": status, "limit": PAGE, "after": request.args.get("after")},
    )
    return render_template(
        "desk/disputes.html",
        page=page,
        status=status,
        states=STATES,
        venues=named(venues()),
        told=told,
    )


@bp.post("/desk/disputes/<uuid:dispute_id>")
@page_for("staff")
def decide(dispute_id: UUID) -> Answer:
    form = request.form
    body = {"decision": form.get("do")} | given(form, "note")
    if form.get("do") == "accepted" and form.get("amount", "").strip():
        body["amount_fen"] = fen(form["amount"].strip())
    return do(
        "PUT",
        f"/v1/disputes/{dispute_id}/decision",
        body,
        then=url_for("desk_disputes.show_disputes"),
        done="case-decided",
        show=show_disputes,
    )

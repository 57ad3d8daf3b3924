"""Disputes 争议 that a person decides: what a venue reported or listed, and we could not book."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ask_all, put
from gateway.forms import Answer, FormFields, fen_from_yuan, field_text, filled_in, submit
from gateway.queries import VENUE_NAMES, get_page, names_by_id
from gateway.refusals import Refusal

bp = Blueprint("desk_disputes", __name__)

STATES = ("open", "accepted", "rejected", "lapsed")
HERE = "desk_disputes.show_disputes"


@bp.get("/desk/disputes")
@page_for("staff")
def show_disputes(refusal: Refusal | None = None) -> str:
    wanted = request.args.get("status")
    status = wanted if wanted in STATES else "open"
    page, venues = ask_all(get_page("/v1/disputes", status=status), VENUE_NAMES)
    return render_template(
        "desk/disputes.html",
        page=page,
        status=status,
        states=STATES,
        venues=names_by_id(venues),
        refusal=refusal,
    )


@bp.post("/desk/disputes/<uuid:dispute_id>")
@page_for("staff")
def decide(dispute_id: UUID) -> Answer:
    wanted = put(f"/v1/disputes/{dispute_id}/decision", _decision())
    return submit(wanted, then=url_for(HERE), done="case-decided", show=show_disputes)


def _decision() -> FormFields:
    decision = request.form.get("do")
    body = {"decision": decision} | filled_in("note")
    if decision == "accepted" and field_text("amount"):
        body["amount_fen"] = fen_from_yuan(field_text("amount"))
    return body

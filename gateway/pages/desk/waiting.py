"""What waits for a person at the desk: wishes, service records, and events that failed."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ANY_REFUSAL, ApiRequest, ask_all, get, put
from gateway.forms import Answer, FormFields, submit
from gateway.queries import PAGE, need_one_of
from gateway.refusals import Missing, Refusal
from shared import SERVICES
from shared.core.json import JsonObject

bp = Blueprint("desk", __name__)

HERE = "desk.show_desk"
WAITING = ("submitted", "verified", "fulfilled")
REASONS = ("not_a_wish", "duplicate", "cash_or_medical", "unsafe", "no_consent", "other")
MOVES = {
    "verify": "verification",
    "reject": "verification",
    "publish": "publication",
    "confirm": "confirmation",
}
ORGANISATIONS = get("/v1/organisations", limit=200).as_part()
WISHES = [get("/v1/wishes", status=status, limit=PAGE).as_part() for status in WAITING]
DEAD_LETTERS = [
    # The desk is of use even when a service does not answer.
    get(f"/{service}/dead-letters", limit=200).or_else(None, ANY_REFUSAL)
    for service in SERVICES
]


@bp.get("/desk")
@page_for("staff")
def show_desk(refusal: Refusal | None = None) -> str:
    """Ask for all at once; the records of the first organisation follow if none is chosen."""
    wanted = request.args.get("organisation_id")
    organisations, records, *others = ask_all(
        ORGANISATIONS, _records_of(wanted), *WISHES, *DEAD_LETTERS
    )
    wishes, letters = others[: len(WISHES)], others[len(WISHES) :]
    need_one_of(organisations, *wishes)
    chosen = wanted or _first_of(organisations)
    return render_template(
        "desk/waiting.html",
        wishes=dict(zip(WAITING, wishes, strict=True)),
        reasons=REASONS,
        organisations=organisations,
        chosen=chosen,
        records=records or ask_all(_records_of(chosen))[0],
        refusal=refusal,
        letters=_counts(letters),
    )


@bp.post("/desk/wishes/<uuid:wish_id>/<move>")
@page_for("staff")
def move_wish(wish_id: UUID, move: str) -> Answer:
    if move not in MOVES:
        abort(404)
    return _change(put(f"/v1/wishes/{wish_id}/{MOVES[move]}", _body_of(move)), move)


@bp.post("/desk/records/<uuid:record_id>/approval")
@page_for("staff")
def approve_record(record_id: UUID) -> Answer:
    wanted = put(f"/v1/service-records/{record_id}/approval", {"decision": "approve"})
    return _change(wanted, "approve")


def _change(wanted: ApiRequest, done: str) -> Answer:
    return submit(wanted, then=url_for(HERE), done=done, show=show_desk)


def _body_of(move: str) -> FormFields | None:
    if move == "reject":
        return {"decision": "reject", "reason_code": request.form.get("reason")}
    return {} if move == "verify" else None


def _first_of(organisations: JsonObject | Missing) -> str | None:
    if isinstance(organisations, Missing):
        return None
    return next((one["id"] for one in organisations["items"]), None)


def _records_of(organisation_id: str | None) -> ApiRequest | None:
    if not organisation_id:
        return None
    return get("/v1/service-records", organisation_id=organisation_id, limit=PAGE).as_part()


def _counts(letters: list[Any]) -> dict[str, str]:
    return {service: _count(page) for service, page in zip(SERVICES, letters, strict=True)}


def _count(dead_letters: JsonObject | None) -> str:
    """How many events a service gave up and nobody has replayed; a dash if it did not answer."""
    if dead_letters is None:
        return "–"
    waiting = sum(letter["replayed_at"] is None for letter in dead_letters["items"])
    return f"{waiting}+" if dead_letters["next"] else str(waiting)

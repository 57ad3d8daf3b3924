"""Partner venues: what is still missing, their keys and secrets, and suspending one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask, ask_all, delete, get, post, put
from gateway.forms import Answer, FormFields, filled_in, submit, submit_and
from gateway.queries import VENUES
from gateway.refusals import Refusal
from shared.core.clock import now
from shared.core.json import JsonObject

bp = Blueprint("desk_venues", __name__)

SCOPES = ("vouchers:check", "vouchers:hold", "vouchers:redeem", "statements")
MOST_DAYS = 3650
HERE = "desk_venues.show_venue"


@bp.get("/desk/venues")
@page_for("staff")
def show_venues(refusal: Refusal | None = None) -> str:
    venues = ask(VENUES)["items"]
    return render_template("desk/venues.html", venues=venues, form=request.form, refusal=refusal)


@bp.post("/desk/venues")
@page_for("staff")
def add_venue() -> Answer:
    body = filled_in("name", "kind")
    if request.form.get("sandbox") == "yes":
        body["sandbox"] = True
    return submit_and(post("/v1/venues", body), _go_to_new_venue, show_venues)


@bp.get("/desk/venues/<uuid:venue_id>")
@page_for("staff")
def show_venue(venue_id: UUID, refusal: Refusal | None = None, made: Any = None) -> str:
    path = f"/v1/venues/{venue_id}"
    venue, steps, secrets = ask_all(
        get(path), get(f"{path}/onboarding"), get(f"{path}/secrets", limit=100)
    )
    return render_template(
        "desk/venue.html",
        venue=venue,
        steps=steps,
        secrets=secrets["items"],
        scopes=SCOPES,
        made=made,
        refusal=refusal,
    )


@bp.post("/desk/venues/<uuid:venue_id>/secrets")
@page_for("staff")
def add_secret(venue_id: UUID) -> Answer:
    """The secret is in this one answer and nowhere else."""
    return submit_and(
        post(f"/v1/venues/{venue_id}/secrets", _new_secret()),
        lambda made: show_venue(venue_id, made=made),
        lambda refusal: show_venue(venue_id, refusal),
    )


@bp.post("/desk/venues/<uuid:venue_id>/secrets/<uuid:secret_id>/end")
@page_for("staff")
def end_secret(venue_id: UUID, secret_id: UUID) -> Answer:
    wanted = delete(f"/v1/venues/{venue_id}/secrets/{secret_id}")
    return _change(venue_id, wanted, "secret-ended")


@bp.post("/desk/venues/<uuid:venue_id>/suspension")
@page_for("staff")
def suspend(venue_id: UUID) -> Answer:
    path = f"/v1/venues/{venue_id}/suspension"
    if request.form.get("do") == "end":
        return _change(venue_id, delete(path), "venue-active")
    return _change(venue_id, put(path), "venue-suspended")


def _change(venue_id: UUID, wanted: ApiRequest, done: str) -> Answer:
    return submit(
        wanted,
        then=url_for(HERE, venue_id=venue_id),
        done=done,
        show=lambda refusal: show_venue(venue_id, refusal),
    )


def _go_to_new_venue(venue: JsonObject) -> Answer:
    return redirect(url_for(HERE, venue_id=venue["id"], done="venue-added"))


def _new_secret() -> FormFields:
    body = filled_in("kind", "label")
    if request.form.get("kind") == "api_key":
        body |= _limits_of_key()
    return body


def _limits_of_key() -> FormFields:
    """What a key may do and until when; nothing given means everything, without end."""
    limits: FormFields = {}
    if scopes := request.form.getlist("scopes"):
        limits["scopes"] = scopes
    days = request.form.get("days", "")
    if days.isdigit():
        limits["expires_at"] = (now() + timedelta(days=min(int(days), MOST_DAYS))).isoformat()
    return limits

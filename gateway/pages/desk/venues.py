"""Partner venues: what is still missing, their keys and secrets, and suspending one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import Answer, do, given, venues
from shared.core.clock import now

bp = Blueprint("desk_venues", __name__)

SCOPES = ("vouchers:check", "vouchers:hold", "vouchers:redeem", "statements")
HERE = "desk_venues.show_venue"


@bp.get("/desk/venues")
@page_for("staff")
def show_venues(told: Told | None = None) -> str:
    return render_template("desk/venues.html", venues=venues(), form=request.form, told=told)


@bp.post("/desk/venues")
@page_for("staff")
def add_venue() -> Answer:
    body = given(request.form, "name", "kind")
    if request.form.get("sandbox") == "yes":
        body["sandbox"] = True
    try:
        venue = ask("POST", "/v1/venues", body)
    except Told as told:
        return show_venues(told), told.status
    return redirect(url_for(HERE, venue_id=venue["id"], done="venue-added"))


@bp.get("/desk/venues/<uuid:venue_id>")
@page_for("staff")
def show_venue(venue_id: UUID, told: Told | None = None, made: Any = None) -> str:
    path = f"/v1/venues/{venue_id}"
    venue, steps = ask("GET", path), ask("GET", f"{path}/onboarding")
    secrets = ask("GET", f"{path}/secrets", query={"limit": 100})["items"]
    return render_template(
        "desk/venue.html",
        venue=venue,
        steps=steps,
        secrets=secrets,
        scopes=SCOPES,
        made=made,
        told=told,
    )


@bp.post("/desk/venues/<uuid:venue_id>/secrets")
@page_for("staff")
def add_secret(venue_id: UUID) -> Answer:
    """The secret is in this one answer and nowhere else."""
    form = request.form
    body: dict[str, Any] = given(form, "kind", "label")
    if form.get("kind") == "api_key":
        if form.getlist("scopes"):
            body["scopes"] = form.getlist("scopes")
        if form.get("days", "").isdigit():
            ends = now() + timedelta(days=min(int(form["days"]), 3650))
            body["expires_at"] = ends.isoformat()
    try:
        made = ask("POST", f"/v1/venues/{venue_id}/secrets", body)
    except Told as told:
        return show_venue(venue_id, told), told.status
    return show_venue(venue_id, made=made), 200


@bp.post("/desk/venues/<uuid:venue_id>/secrets/<uuid:secret_id>/end")
@page_for("staff")
def end_secret(venue_id: UUID, secret_id: UUID) -> Answer:
    return _do(venue_id, "DELETE", f"secrets/{secret_id}", "secret-ended")


@bp.post("/desk/venues/<uuid:venue_id>/suspension")
@page_for("staff")
def suspend(venue_id: UUID) -> Answer:
    if request.form.get("do") == "end":
        return _do(venue_id, "DELETE", "suspension", "venue-active")
    return _do(venue_id, "PUT", "suspension", "venue-suspended")


def _do(venue_id: UUID, method: str, path: str, done: str) -> Answer:
    return do(
        method,
        f"/v1/venues/{venue_id}/{path}",
        None,
        then=url_for(HERE, venue_id=venue_id),
        done=done,
        show=lambda told: show_venue(venue_id, told),
    )

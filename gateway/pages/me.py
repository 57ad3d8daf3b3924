"""What belongs to the volunteer who is logged in: hours, alerts, sign-ups."""

from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import if_there
from shared.contracts.notify import STAFF_INBOX

bp = Blueprint("mine", __name__)

PAGE = 20


@bp.get("/me")
@page_for("volunteer")
def show_me() -> str:
    mine = f"/v1/volunteers/{g.session.subject}"
    return render_template(
        "me.html",
        volunteer=ask("GET", mine),
        hours=ask("GET", f"{mine}/hours"),
        account=if_there("GET", f"/v1/accounts/{g.session.subject}", {}),
    )


@bp.get("/inbox")
@page_for("volunteer", "staff")
def show_inbox(told: Told | None = None) -> str:
    reader = STAFF_INBOX if g.session.role == "staff" else g.session.subject
    page = ask(
        "GET",
        f"/v1/people/{reader}/alerts",
        query={"limit": PAGE, "after": request.args.get("after")},
    )
    return render_template("inbox.html", page=page, told=told)


@bp.post("/inbox/<uuid:alert_id>/read")
@page_for("volunteer", "staff")
def mark_read(alert_id: UUID) -> Response | tuple[str, int]:
    try:
        ask("PUT", f"/v1/alerts/{alert_id}/read")
    except Told as told:
        return show_inbox(told), told.status
    return redirect(url_for("mine.show_inbox"))


@bp.get("/activities")
def show_activities() -> str:
    page = ask("GET", "/v1/activities", query={"limit": PAGE, "after": request.args.get("after")})
    return render_template("activities.html", page=page)


@bp.get("/activities/<uuid:activity_id>")
def show_activity(activity_id: UUID, told: Told | None = None) -> str:
    activity = ask("GET", f"/v1/activities/{activity_id}")
    sessions = ask("GET", f"/v1/activities/{activity_id}/sessions", query={"limit": 100})
    return render_template(
        "activity.html",
        activity=activity,
        sessions=sessions,
        seats=_own_sign_ups(),
        told=told,
        done=request.args.get("done"),
    )


@bp.post("/activities/<uuid:activity_id>/sessions/<uuid:session_id>")
@page_for("volunteer")
def change_sign_up(activity_id: UUID, session_id: UUID) -> Response | tuple[str, int]:
    """Sign up, or give the seat back."""
    method = "DELETE" if request.form.get("do") == "cancel" else "PUT"
    try:
        answer = ask(method, f"/v1/sessions/{session_id}/sign-ups/{g.session.subject}")
    except Told as told:
        return show_activity(activity_id, told), told.status
    done = "cancelled" if method == "DELETE" else answer["status"]
    return redirect(url_for("mine.show_activity", activity_id=activity_id, done=done))


def _own_sign_ups() -> dict[str, str]:
    """Session id to state, for the volunteer who looks."""
    session = current_app.extensions["sessions"].current()
    if session is None or not session.volunteers:
        return {}
    page = ask("GET", f"/v1/volunteers/{session.subject}/sign-ups")
    return {one["session_id"]: one["status"] for one in page["items"]}

"""What belongs to the volunteer who is logged in: hours, vouchers, alerts, sign-ups."""

from uuid import UUID

import segno
from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from shared.contracts.notify import STAFF_INBOX
from shared.gateway.access import page_for
from shared.gateway.asking import Told, ask

bp = Blueprint("mine", __name__)

PAGE = 20


@bp.get("/me")
@page_for("volunteer")
def show_me() -> str:
    mine = f"/v1/volunteers/{g.session.subject}"
    return render_template("me.html", volunteer=ask("GET", mine), hours=ask("GET", f"{mine}/hours"),
                           account=_if_any(f"/v1/accounts/{g.session.subject}"))  # fmt: skip


@bp.get("/wallet")
@page_for("volunteer")
def show_wallet(told: Told | None = None) -> str:
    page = ask("GET", "/v1/vouchers", query={"holder_id": g.session.subject, "limit": PAGE,
                                              "after": request.args.get("after")})  # fmt: skip
    return render_template("wallet.html", page=page, told=told)


@bp.post("/wallet/<uuid:voucher_id>/code")
@page_for("volunteer")
def show_code(voucher_id: UUID) -> str | tuple[str, int]:
    """Asked for by a click, because each look is logged. The answer is not kept by the browser."""
    try:
        code = ask("GET", f"/v1/vouchers/{voucher_id}/code")["code"]
    except Told as told:
        return show_wallet(told), told.status
    drawn = segno.make_qr(code).svg_inline(scale=6, border=4, light="#fff", dark="#000", omitsize=True,
                                           title=code)  # fmt: skip
    return render_template("code.html", code=code, qr=Markup(drawn))  # noqa: S704 - drawn by segno from our own code


@bp.get("/inbox")
@page_for("volunteer", "staff")
def show_inbox(told: Told | None = None) -> str:
    reader = STAFF_INBOX if g.session.role == "staff" else g.session.subject
    page = ask("GET", f"/v1/people/{reader}/alerts", query={"limit": PAGE, "after": request.args.get("after")})
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
    return render_template("activity.html", activity=activity, sessions=sessions, seats=_own_sign_ups(), told=told,
                           done=request.args.get("done"))  # fmt: skip


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
    if session is None or session.role != "volunteer":
        return {}
    page = ask("GET", f"/v1/volunteers/{session.subject}/sign-ups")
    return {one["session_id"]: one["status"] for one in page["items"]}


def _if_any(path: str) -> dict[str, int]:
    """What another service may not have yet: the account opens when the fact about the volunteer has arrived."""
    try:
        found: dict[str, int] = ask("GET", path)
    except Told as told:
        if told.status != 404:
            raise
        return {}
    return found

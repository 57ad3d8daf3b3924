"""What belongs to the volunteer who is logged in: hours, alerts, sign-ups."""

from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask, ask_all, delete, get, put
from gateway.forms import Answer, submit_and
from gateway.login_sessions import current_login
from gateway.queries import account_of, get_page, need_one_of
from gateway.refusals import Missing, Refusal
from shared.contracts.notify import STAFF_INBOX
from shared.core.json import JsonObject

bp = Blueprint("me", __name__)


@bp.get("/me")
@page_for("volunteer")
def show_me() -> str:
    subject = g.login_session.subject
    volunteer, hours, account = ask_all(
        get(f"/v1/volunteers/{subject}").as_part(),
        get(f"/v1/volunteers/{subject}/hours").as_part(),
        account_of(subject).as_part(),
    )
    need_one_of(volunteer, hours, account)
    return render_template("me.html", volunteer=volunteer, hours=hours, account=account)


@bp.get("/inbox")
@page_for("volunteer", "staff")
def show_inbox(refusal: Refusal | None = None) -> str:
    reader = STAFF_INBOX if g.login_session.role == "staff" else g.login_session.subject
    page = ask(get_page(f"/v1/people/{reader}/alerts"))
    return render_template("inbox.html", page=page, refusal=refusal)


@bp.post("/inbox/<uuid:alert_id>/read")
@page_for("volunteer", "staff")
def mark_read(alert_id: UUID) -> Answer:
    wanted = put(f"/v1/alerts/{alert_id}/read")
    return submit_and(wanted, lambda _: redirect(url_for("me.show_inbox")), show_inbox)


@bp.get("/activities")
def show_activities() -> str:
    return render_template("activities.html", page=ask(get_page("/v1/activities")))


@bp.get("/activities/<uuid:activity_id>")
def show_activity(activity_id: UUID, refusal: Refusal | None = None) -> str:
    activity, sessions, sign_ups = ask_all(
        get(f"/v1/activities/{activity_id}"),
        get(f"/v1/activities/{activity_id}/sessions", limit=100),
        _own_sign_ups(),
    )
    return render_template(
        "activity.html",
        activity=activity,
        sessions=sessions,
        sign_ups=sign_ups,
        seats=_seats(sign_ups),
        refusal=refusal,
        done=request.args.get("done"),
    )


@bp.post("/activities/<uuid:activity_id>/sessions/<uuid:session_id>")
@page_for("volunteer")
def change_sign_up(activity_id: UUID, session_id: UUID) -> Answer:
    """Sign up, or give the seat back."""
    path = f"/v1/sessions/{session_id}/sign-ups/{g.login_session.subject}"
    cancels = request.form.get("do") == "cancel"

    def go_back(answer: dict[str, str]) -> Answer:
        done = "cancelled" if cancels else answer["status"]
        return redirect(url_for("me.show_activity", activity_id=activity_id, done=done))

    return submit_and(
        delete(path) if cancels else put(path),
        go_back,
        lambda refusal: show_activity(activity_id, refusal),
    )


def _own_sign_ups() -> ApiRequest | None:
    """The sign-ups of the volunteer who looks."""
    login = current_login()
    if login is None or not login.volunteers:
        return None
    return get(f"/v1/volunteers/{login.subject}/sign-ups").as_part()


def _seats(sign_ups: JsonObject | Missing | None) -> dict[str, str]:
    """The state of one's own sign-up, by activity session."""
    if sign_ups is None or isinstance(sign_ups, Missing):
        return {}
    return {one["session_id"]: one["status"] for one in sign_ups["items"]}

"""Logging in and out: phone and one-time code for volunteers, a password for staff."""

from contextlib import suppress

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from gateway.access import page_for
from gateway.client import ApiRequest, ask, get, post
from gateway.forms import Answer, field_text
from gateway.login_sessions import current_login, login_session_from, login_sessions
from gateway.page_calls import Patience
from gateway.refusals import Refusal
from shared.core.json import JsonObject

bp = Blueprint("log_in", __name__)


@bp.get("/login")
def show_log_in() -> str:
    return _form()


@bp.post("/login/code")
def send_code() -> Answer:
    """The answer is the same whether or not somebody with this phone volunteers."""
    wanted = post("/v1/auth/codes", {"phone": field_text("phone")}).as_anyone()
    try:
        ask(wanted)
    except Refusal as refusal:
        return _form(refusal), refusal.status
    return _form(sent=True)


@bp.post("/login")
def log_in() -> Answer:
    """The form is shown again without the password, whatever went wrong."""
    try:
        answer = ask(_proof().as_anyone())
    except Refusal as refusal:
        return _form_again(refusal), refusal.status
    return _begin(answer)


@bp.post("/logout")
def log_out() -> Response:
    session = current_login()
    if session is not None:
        body = {"refresh_token": session.refresh}
        with suppress(Refusal):  # the cookie goes in any case; the refresh token ends by itself
            ask(post("/v1/auth/sign-out", body).as_anyone().with_patience(Patience.PAGE))
    login_sessions().end()
    return redirect(url_for("tree.show_tree"))


@bp.post("/role")
@page_for("volunteer")
def take_role() -> Response:
    """Go on as the coordinator of an organisation, or as oneself if none is named."""
    organisation = request.form.get("organisation_id", "")
    if organisation and organisation not in g.login_session.coordinates:
        abort(403)
    login_sessions().renew(g.login_session, organisation)
    return redirect(_next_page() or url_for("me.show_me"))


@bp.get("/mailbox")
def show_mailbox() -> str:
    """What would have gone out by SMS, in an embedded installation only.

    The service answers 404 elsewhere too.
    """
    if not _is_embedded():
        abort(404)
    page = ask(get("/v1/auth/dev-mailbox").as_anyone())
    return render_template("mailbox.html", messages=page["items"])


def _proof() -> ApiRequest:
    if field_text("login"):
        password = request.form.get("password", "")
        return post("/v1/auth/staff", {"login": field_text("login"), "password": password})
    return post("/v1/auth/phone", {"phone": field_text("phone"), "code": field_text("code")})


def _begin(answer: JsonObject) -> Response:
    session = login_session_from(answer)
    login_sessions().begin(session)
    first_page = "desk.show_desk" if session.role == "staff" else "me.show_me"
    return redirect(_next_page() or url_for(first_page))


def _form_again(refusal: Refusal) -> str:
    return _form(refusal, sent=bool(field_text("phone")))


def _form(refusal: Refusal | None = None, *, sent: bool = False) -> str:
    return render_template(
        "login.html",
        refusal=refusal,
        phone=field_text("phone"),
        login=field_text("login"),
        sent=sent,
        following=_next_page(),
        embedded=_is_embedded(),
    )


def _next_page() -> str:
    """Where to go after the log-in: only a path of ours, never another host."""
    path = request.values.get("next", "")
    if not path.startswith("/") or path.startswith("//"):
        return ""
    # Browsers read a backslash as a slash, and leave control characters out.
    if "\\" in path or not path.isprintable():
        return ""
    return path.rstrip("?")


def _is_embedded() -> bool:
    return bool(current_app.extensions["settings"].embedded)

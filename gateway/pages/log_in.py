"""Coming in and leaving: phone and one-time code for volunteers, a password for staff."""

from contextlib import suppress

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.login_sessions import Sessions, session_of

bp = Blueprint("entry", __name__)

CODES, PHONE, STAFF, SIGN_OUT = (
    "/v1/auth/codes",
    "/v1/auth/phone",
    "/v1/auth/staff",
    "/v1/auth/sign-out",
)
MAILBOX = "/v1/auth/dev-mailbox"


@bp.get("/login")
def show_log_in() -> str:
    return _form()


@bp.post("/login/code")
def send_code() -> tuple[str, int]:
    """The answer is the same whether or not somebody with this phone volunteers."""
    phone = request.form.get("phone", "").strip()
    try:
        ask("POST", CODES, {"phone": phone}, as_anyone=True)
    except Told as told:
        return _form(told, phone=phone), told.status
    return _form(phone=phone, sent=True), 200


@bp.post("/login")
def log_in() -> Response | tuple[str, int]:
    form = request.form
    phone, login = form.get("phone", "").strip(), form.get("login", "").strip()
    try:
        if login:
            answer = ask(
                "POST",
                STAFF,
                {"login": login, "password": form.get("password", "")},
                as_anyone=True,
            )
        else:
            answer = ask(
                "POST",
                PHONE,
                {"phone": phone, "code": form.get("code", "").strip()},
                as_anyone=True,
            )
    except Told as told:
        return _form(told, phone=phone, login=login, sent=bool(phone)), told.status
    session = session_of(answer)
    _sessions().begin(session)
    return redirect(_own_address(form.get("next", "")) or _first_page(session.role))


@bp.post("/logout")
def log_out() -> Response:
    session = _sessions().current()
    if session is not None:
        with suppress(Told):  # the cookie goes in any case; the refresh token ends by itself
            ask("POST", SIGN_OUT, {"refresh_token": session.refresh}, as_anyone=True)
    _sessions().end()
    return redirect(url_for("tree.show_tree"))


@bp.post("/role")
@page_for("volunteer")
def take_role() -> Response:
    """Go on as the coordinator of an organisation, or (none named) as oneself."""
    wanted = request.form.get("organisation_id", "")
    if wanted and wanted not in g.session.coordinates:
        abort(403)
    _sessions().renew(g.session, organisation=wanted)
    return redirect(_own_address(request.form.get("next", "")) or url_for("mine.show_me"))


@bp.get("/mailbox")
def show_mailbox() -> str:
    """What would have gone out by SMS. Only an embedded installation has it; elsewhere the service
    answers 404 too.
    """
    if not current_app.extensions["settings"].embedded:
        abort(404)
    return render_template("mailbox.html", messages=ask("GET", MAILBOX, as_anyone=True)["items"])


def _form(told: Told | None = None, *, phone: str = "", login: str = "", sent: bool = False) -> str:
    return render_template(
        "login.html",
        told=told,
        phone=phone,
        login=login,
        sent=sent,
        following=_own_address(request.values.get("next", "")),
        embedded=current_app.extensions["settings"].embedded,
    )


def _own_address(path: str) -> str:
    """Only a path of ours: never another host, however it is written."""
    fine = (
        path.startswith("/")
        and not path.startswith("//")
        and path.isprintable()
        and "\\" not in path
    )
    return path.rstrip("?") if fine else ""


def _first_page(role: str) -> str:
    return url_for("desk.show_desk" if role == "staff" else "mine.show_me")


def _sessions() -> Sessions:
    found: Sessions = current_app.extensions["sessions"]
    return found

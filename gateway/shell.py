"""The pages: shell, log-in and what a person sees first. They ask the services as any client would.

Server-rendered, without a build step or anybody else's hosts; a script only makes a page nicer that
works without.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, Response, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from gateway.client import Told
from gateway.formats import FILTERS
from gateway.labels import said, word
from gateway.login_sessions import LogInNeeded, keep_sessions
from gateway.pages import BLUEPRINTS
from shared.core.language import LANGUAGES, request_language, translate
from shared.core.logs import current_traceparent, get_logger
from shared.core.settings import Settings

log = get_logger(__name__)

LANGUAGE_COOKIE = "wishtree_lang"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_FORM_BYTES = 64 * 1024
MAX_LIST_BYTES = 20 * 1024 * 1024
LARGE_FORMS = ("venue_month.send_list", "desk_settlement.send_list")


def make_pages(settings: Settings, call: Callable[..., Any]) -> Flask:
    """The gateway's own Flask app; `call(method, path, ...)` asks whichever service owns the
    path.
    """
    app = Flask(__name__, static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_FORM_BYTES)
    app.extensions["settings"] = settings
    sessions = keep_sessions(app, settings, call)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.before_request
    def choose_language() -> None:
        wanted = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        g.language = wanted if wanted in LANGUAGES else request_language()

    @app.before_request
    def take_lists() -> None:
        """A list of a month is a larger form than any other; it is read only by whom it is for."""
        if request.endpoint in LARGE_FORMS:
            request.max_content_length = MAX_LIST_BYTES

    @app.before_request
    def refuse_foreign_forms() -> AnyResponse | tuple[str, int] | None:
        if request.method == "POST" and not sessions.is_own_form():
            return _words(
                400,
                translate(
                    "This form is not from here, or too old. Load the page and try again.",
                    g.language,
                ),
            )
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(SECURITY)
        if sessions.secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
            response.headers["Vary"] = "Cookie, Accept-Language"
            response.headers["Content-Language"] = g.language
        if request.args.get("lang") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                request.args["lang"],
                max_age=365 * 24 * 3600,
                samesite="Lax",
                httponly=True,
                secure=sessions.secure,
            )
        return response

    @app.context_processor
    def words() -> dict[str, Any]:
        return {
            "_": lambda text: translate(text, g.language),
            "word": word,
            "said": said(request.args.get("done")),
            "once": lambda: uuid4().hex,
            "language": g.language,
            "who": sessions.current(),
            "form_token": sessions.form_token,
            "in_language": _in_language,
        }

    app.jinja_env.filters.update(FILTERS)
    _answer_errors(app)
    return app


def _in_language(language: str) -> str:
    """A link to this page in another language; relative, so that no path of the visitor's gets into
    it.
    """
    again = request.args.to_dict() if request.method == "GET" else {}
    return ("" if request.method == "GET" else "/") + "?" + urlencode({**again, "lang": language})


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(LogInNeeded)
    def on_log_in_needed(_: LogInNeeded) -> AnyResponse:
        return redirect(
            url_for(
                "entry.show_log_in", next=request.full_path if request.method == "GET" else None
            )
        )

    @app.errorhandler(Told)
    def on_told(error: Told) -> tuple[str, int]:
        return _words(error.status, error.title, error.request_id)

    @app.errorhandler(Exception)
    def on_any(error: Exception) -> tuple[str, int]:
        if isinstance(error, HTTPException):
            title = {
                404: "There is nothing here, or it is not yours to see.",
                403: "Your role may not do this.",
                405: "There is nothing here, or it is not yours to see.",
            }.get(error.code or 500, "")
            return _words(error.code or 500, translate(title, g.language) if title else error.name)
        log.exception("unexpected error", route=str(request.url_rule))
        return _words(500, translate("Something went wrong here.", g.language))


def _words(status: int, title: str, request_id: str = "") -> tuple[str, int]:
    title = title or translate("Something went wrong here.", g.language)
    if request.headers.get("X-Part"):  # a script puts the answer into its page
        return render_template("counter_result.html", told=Told(status, title)), status
    request_id = request_id or (current_traceparent() or "")[3:35]
    return render_template("error.html", title=title, status=status, request_id=request_id), status

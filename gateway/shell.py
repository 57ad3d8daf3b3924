"""The app of the pages: language, form checks, headers and what every template can use.

Pages are made on the server, without a build step or other hosts; a script only makes a page nicer
that works without it.
"""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, Response, current_app, g, request
from werkzeug.test import TestResponse

from gateway.error_pages import install_error_pages, show_foreign_form
from gateway.form_tokens import form_token, install_form_tokens, is_own_form
from gateway.formats import FILTERS
from gateway.labels import done_message, label_of
from gateway.login_sessions import current_login, install_login_sessions
from gateway.page_calls import PageCalls
from gateway.pages import BLUEPRINTS
from gateway.refusals import Missing
from shared import SERVICES
from shared.core.language import LANGUAGES, request_language, translate
from shared.core.settings import Settings

LANGUAGE_COOKIE = "wishtree_lang"
YEAR_SECONDS = 365 * 24 * 3600
RETRY_AFTER_SECONDS = 5
SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_FORM_BYTES = 64 * 1024
MAX_LIST_BYTES = 20 * 1024 * 1024
LARGE_FORMS = ("venue_month.send_list", "desk_settlement.send_list")


def make_pages(settings: Settings, call: Callable[..., TestResponse]) -> Flask:
    """Make the Flask app of the pages; `call(method, path, ...)` asks the upstream of the path."""
    app = Flask(__name__, static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_FORM_BYTES)
    app.extensions["settings"] = settings
    app.extensions["page_calls"] = {service: PageCalls(service, settings) for service in SERVICES}
    install_login_sessions(app, settings, call)
    install_form_tokens(app, settings)
    install_error_pages(app)
    app.add_url_rule("/healthz", view_func=healthz)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(choose_language)
    app.before_request(allow_large_forms)
    app.before_request(refuse_foreign_forms)
    app.after_request(finish)
    app.context_processor(template_names)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.tests["missing"] = lambda part: isinstance(part, Missing)
    return app


def healthz() -> dict[str, str]:
    return {"status": "ok"}


def choose_language() -> None:
    wanted = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    g.language = wanted if wanted in LANGUAGES else request_language()


def allow_large_forms() -> None:
    """Take a venue report, which is larger than any other form."""
    if request.endpoint in LARGE_FORMS:
        request.max_content_length = MAX_LIST_BYTES


def refuse_foreign_forms() -> tuple[str, int] | None:
    if request.method == "POST" and not is_own_form():
        return show_foreign_form()
    return None


def finish(response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    if _is_https():
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
    if request.endpoint != "static":  # the back button must not show a page after the log-out
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Cookie, Accept-Language"
        response.headers["Content-Language"] = g.language
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if request.args.get("lang") in LANGUAGES:
        _remember_language(response, request.args["lang"])
    return response


def template_names() -> dict[str, object]:
    """What every template can use."""
    return {
        "_": lambda text: translate(text, g.language),
        "label_of": label_of,
        "done_message": done_message(request.args.get("done")),
        "form_id": lambda: uuid4().hex,
        "form_token": form_token,
        "language": g.language,
        "who": current_login(),
        "in_language": in_language,
    }


def in_language(language: str) -> str:
    """A link to this page in another language.

    It is relative, so that no path the visitor typed gets into it.
    """
    if request.method != "GET":
        return "/?" + urlencode({"lang": language})
    return "?" + urlencode({**request.args.to_dict(), "lang": language})


def _remember_language(response: Response, language: str) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=YEAR_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=_is_https(),
    )


def _is_https() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])

"""Pages for what went wrong, in the language of the page and without internal details."""

from flask import Flask, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from gateway.login_sessions import LogInNeeded
from gateway.refusals import Refusal, Unanswered
from shared.core.language import translate
from shared.core.logs import current_traceparent, get_logger

log = get_logger(__name__)

NOTHING_HERE = "There is nothing here, or you may not see it."
TITLES = {403: "Your role may not do this.", 404: NOTHING_HERE, 405: NOTHING_HERE}
UNEXPECTED = "Something went wrong here."
FOREIGN_FORM = "This form is not from here, or too old. Load the page and try again."


def install_error_pages(app: Flask) -> None:
    app.register_error_handler(LogInNeeded, go_to_log_in)
    app.register_error_handler(Unanswered, show_away)
    app.register_error_handler(Refusal, show_refusal)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, show_unexpected)


def go_to_log_in(_: LogInNeeded) -> Response:
    back = request.full_path if request.method == "GET" else None
    return redirect(url_for("log_in.show_log_in", next=back))


def show_refusal(refusal: Refusal) -> tuple[str, int]:
    return error_page(refusal.status, refusal.title, refusal.request_id)


def show_away(silence: Unanswered) -> tuple[str, int]:
    """The page that needs what does not answer: what is missing, and when to try again."""
    if request.headers.get("X-Part"):
        return render_template("counter_result.html", refusal=silence), silence.status
    return render_template("away.html", title=silence.title), silence.status


def show_http_error(error: HTTPException) -> tuple[str, int]:
    status = error.code or 500
    title = translate(TITLES[status], g.language) if status in TITLES else error.name
    return error_page(status, title)


def show_unexpected(_: Exception) -> tuple[str, int]:
    log.exception("unexpected error", route=str(request.url_rule))
    return error_page(500)


def show_foreign_form() -> tuple[str, int]:
    return error_page(400, translate(FOREIGN_FORM, g.language))


def error_page(status: int, title: str = "", request_id: str = "") -> tuple[str, int]:
    title = title or translate(UNEXPECTED, g.language)
    if request.headers.get("X-Part"):  # counter.js puts the answer into its page
        return render_template("counter_result.html", refusal=Refusal(status, title)), status
    # A service names its request id in a 500; for our own errors the trace finds the log lines.
    request_id = request_id or _trace_id()
    return render_template("error.html", title=title, status=status, request_id=request_id), status


def _trace_id() -> str:
    return (current_traceparent() or "")[3:35]

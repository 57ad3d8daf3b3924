"""Every error leaves as a problem document (RFC 9457) with a request id; a 500 carries nothing
else.
"""

from collections.abc import Sequence
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify, request
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.exceptions import HTTPException

from shared.core.language import translate
from shared.core.logs import get_logger
from shared.core.problems import BadRequest, Conflict, Problem, Unavailable
from shared.db.contention import is_contention, is_database_away
from shared.http.limits import MAX_BODY_BYTES

log = get_logger(__name__)

HINTS = {
    404: "No such path. An id in a path is a UUID.",
    405: "This path knows other methods: see the Allow header.",
}


def answer_problems(app: APIFlask) -> None:
    """Every error leaves as application/problem+json with a request id; a 500 carries nothing
    else.
    """

    @app.errorhandler(Problem)
    def on_problem(error: Problem) -> Response:
        return problem_response(error.document(translate(error.title())), error.headers)

    @app.error_processor
    def on_http_error(error: HTTPError) -> Response:
        # The text is the client's own mistake; pydantic's messages name the rule, never the value.
        slug = error.message.lower().replace(" ", "-")
        body: dict[str, Any] = {
            "type": f"/problems/{slug}",
            "title": translate(error.message),
            "status": error.status_code,
        }
        if error.status_code == 413:
            most = (request.max_content_length or MAX_BODY_BYTES) // 1024 // 1024
            body["detail"] = f"At most {most} MB at once: send smaller batches."
        elif error.status_code in HINTS:
            body["detail"] = HINTS[error.status_code]
        if isinstance(error.detail, dict) and error.detail:
            body["type"] = "/problems/invalid"
            body["errors"] = _pointers(error.detail)
            body["detail"] = "; ".join(f"{e['pointer']}: {e['detail']}" for e in body["errors"][:3])
        headers = {
            k: v for k, v in dict(error.headers or {}).items() if k.lower() != "content-type"
        }
        return problem_response(body, headers)

    @app.errorhandler(RecursionError)
    def on_deep_json(_: RecursionError) -> Response:
        return on_problem(BadRequest("The JSON is nested too deeply."))

    @app.errorhandler(DBAPIError)
    def on_database_error(error: DBAPIError) -> Response:
        if isinstance(error, IntegrityError):
            # A race that a constraint decided and no verb named: still the client's 409, and a log
            # line for us.
            log.warning(
                "constraint decided",
                constraint=getattr(getattr(error.orig, "diag", None), "constraint_name", None),
            )
            return on_problem(Conflict("This contradicts something that is already stored."))
        if is_contention(error) or is_database_away(error):
            return on_away(error)
        return on_any(error)

    @app.errorhandler(Exception)
    def on_any(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return on_http_error(_as_http_error(error))
        if is_database_away(error):
            return on_away(error)
        log.exception("unexpected error", route=str(request.url_rule))
        return problem_response(
            {
                "type": "/problems/internal",
                "title": translate("Something went wrong here."),
                "status": 500,
            }
        )

    def on_away(error: Exception) -> Response:
        log.warning("database away or busy", error=type(error).__name__)
        problem = Unavailable("The database is away or busy. Nothing was changed.")
        problem.headers["Retry-After"] = "2"
        return on_problem(problem)


def _as_http_error(error: HTTPException) -> HTTPError:
    headers = {k: v for k, v in error.get_headers() if k.lower() in ("allow", "retry-after")}
    return HTTPError(error.code or 500, error.name, headers=headers)


def problem_response(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    from shared.core.logs import current_traceparent

    body["request_id"] = (current_traceparent() or "")[3:35]
    response = jsonify(body)
    response.status_code = body["status"]
    response.headers["Content-Type"] = "application/problem+json"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(headers or {})
    return response


def _pointers(detail: dict[str, Any]) -> Sequence[dict[str, str]]:
    """APIFlask's {location: {"items.0.minutes": [reasons]}} as JSON pointers (RFC 6901)."""
    found = []
    for fields in detail.values():
        for path, reasons in fields.items() if isinstance(fields, dict) else ():
            pointer = (
                ""
                if path == "_schema"
                else "/" + path.replace("~", "~0").replace("/", "~1").replace(".", "/")
            )
            found.append(
                {"pointer": pointer, "detail": "; ".join(str(reason) for reason in reasons)}
            )
    return found

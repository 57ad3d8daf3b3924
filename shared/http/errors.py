"""Every error leaves as a problem document (RFC 9457) with a request id; a 500 says no more."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify, request
from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from werkzeug.exceptions import HTTPException

from shared.contracts.base import catalogue
from shared.core.json import in_pointer
from shared.core.language import translate
from shared.core.logs import current_traceparent, get_logger
from shared.core.problems import BadRequest, Conflict, Problem, Unavailable, Unprocessable, invalid
from shared.db.contention import (
    constraint_of,
    first_line,
    is_database_away,
    is_passing,
    took_too_long,
)
from shared.http.limits import MAX_BODY_BYTES

log = get_logger(__name__)

HINTS = {
    404: "No such path. An id in a path is a UUID.",
    405: "This path knows other methods: see the Allow header.",
}
MOST_ERRORS = 100  #: of one body; a body of a million wrong fields is not answered with a million
PASSED_ON = ("allow", "retry-after")  #: headers of werkzeug's errors that clients need


def answer_problems(app: APIFlask) -> None:
    """Let every error of an app leave as a problem document."""
    app.register_error_handler(Problem, _on_problem)
    app.register_error_handler(RecursionError, _on_deep_json)
    app.register_error_handler(DBAPIError, _on_database_error)
    app.register_error_handler(ValidationError, _on_event_out_of_bounds)
    app.register_error_handler(Exception, _on_any)
    app.error_processor(_on_http_error)


def _on_problem(error: Problem) -> Response:
    return problem_response(error.document(translate(error.title())), error.headers)


def _on_deep_json(_: RecursionError) -> Response:
    return _on_problem(BadRequest("The JSON is nested too deeply."))


def _on_database_error(error: DBAPIError) -> Response:
    if isinstance(error, IntegrityError):
        # No verb expected this constraint. The client gets a 409 all the same, and we log it.
        log.warning("constraint decided", constraint=constraint_of(error))
        return _on_problem(Conflict("This contradicts something that is already stored."))
    if isinstance(error, DataError):
        # No check before knew that PostgreSQL cannot hold this. It is the client's, and we log it.
        log.warning("value not storable", error=first_line(error))
        return _on_problem(Unprocessable("A value is out of range, or cannot be stored as text."))
    return _on_passing(error) if is_passing(error) or took_too_long(error) else _on_any(error)


def _on_event_out_of_bounds(error: ValidationError) -> Response:
    """Refuse a change that no event could report. Anything else that is invalid is our mistake."""
    if error.title not in {contract.__name__ for contract in catalogue().values()}:
        return _on_any(error)
    log.warning("event out of bounds", contract=error.title)
    first = error.errors(include_input=False, include_url=False)[0]
    pointer = "".join(f"/{part}" for part in first["loc"])
    return _on_problem(invalid(pointer, first["msg"]))


def _on_passing(error: Exception) -> Response:
    log.warning("database away or busy", error=type(error).__name__)
    return _on_problem(Unavailable("The database is away or busy. Send the request again."))


def _on_any(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _on_http_error(_as_http_error(error))
    if is_database_away(error):
        return _on_passing(error)
    log.exception("unexpected error", route=str(request.url_rule))
    title = translate("Something went wrong here.")
    return problem_response({"type": "/problems/internal", "title": title, "status": 500})


def _on_http_error(error: HTTPError) -> Response:
    slug = error.message.lower().replace(" ", "-")
    body: dict[str, Any] = {
        "type": f"/problems/{slug}",
        "title": translate(error.message),
        "status": error.status_code,
    }
    if error.status_code == 413:
        body["detail"] = _size_hint()
    elif error.status_code in HINTS:
        body["detail"] = HINTS[error.status_code]
    if isinstance(error.detail, dict) and error.detail:
        # The client's own mistake; pydantic's messages name the rule, never the value.
        body |= _validation_problem(error.detail)
    return problem_response(body, _without_content_type(error.headers))


def _size_hint() -> str:
    most = (request.max_content_length or MAX_BODY_BYTES) // 1024 // 1024
    return f"At most {most} MB at once: send smaller batches."


def _validation_problem(detail: dict[str, Any]) -> dict[str, Any]:
    errors = list(islice(_pointers(detail), MOST_ERRORS))
    first = "; ".join(f"{error['pointer']}: {error['detail']}" for error in errors[:3])
    return {"type": "/problems/invalid", "errors": errors, "detail": first}


def _without_content_type(headers: Any) -> dict[str, str]:
    kept = dict(headers or {})
    return {name: value for name, value in kept.items() if name.lower() != "content-type"}


def _as_http_error(error: HTTPException) -> HTTPError:
    headers = {name: value for name, value in error.get_headers() if name.lower() in PASSED_ON}
    return HTTPError(error.code or 500, error.name, headers=headers)


def problem_response(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Send a problem document, with the trace id as request id."""
    body["request_id"] = (current_traceparent() or "")[3:35]
    response = jsonify(body)
    response.status_code = body["status"]
    response.headers["Content-Type"] = "application/problem+json"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(headers or {})
    return response


def _pointers(detail: dict[str, Any]) -> Iterator[dict[str, str]]:
    """APIFlask's {location: {"items.0.minutes": [reasons]}} as JSON pointers (RFC 6901)."""
    for fields in detail.values():
        for path, reasons in fields.items() if isinstance(fields, dict) else ():
            text = "; ".join(str(reason) for reason in reasons)
            yield {"pointer": _pointer(path), "detail": text}


def _pointer(path: str) -> str:
    if path == "_schema":  # the whole body
        return ""
    return "/" + in_pointer(path).replace(".", "/")

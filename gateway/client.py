"""How pages ask the services: as the person who is logged in, in the language of the page. A
refusal becomes words.
"""

from collections.abc import Callable
from typing import Any

from flask import current_app, g, request

from gateway.login_sessions import LogInNeeded, Sessions

Call = Callable[..., Any]
"""`call(method, path, json=..., headers=...)`, answering a werkzeug TestResponse."""


class Told(Exception):
    """A service said no. `title` is in the language of the page; `more` is what else the problem
    names.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        request_id: str = "",
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.detail, self.request_id = status, title, detail, request_id
        self.more = more or {}


def ask(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    as_anyone: bool = False,
    data: bytes | None = None,
) -> Any:
    """The JSON answer of a service. Raises Told for a refusal, LogInNeeded when the log-in is over.

    `as_anyone` sends no log-in: for proofs in the body or another header, whose refusal says
    nothing about the log-in.
    """
    return fetch(
        method, path, body, query=query, headers=headers, as_anyone=as_anyone, data=data
    ).get_json(silent=True)


def fetch(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    as_anyone: bool = False,
    data: bytes | None = None,
) -> Any:
    """The whole answer of a service, such as a file. Raises as `ask` does."""
    sessions: Sessions = current_app.extensions["sessions"]
    session = None if as_anyone else sessions.current()
    answer = _send(method, path, body, query, headers, session.access if session else None, data)
    if answer.status_code == 401 and session is not None:
        session = sessions.renew(session)
        answer = _send(method, path, body, query, headers, session.access, data)
        if answer.status_code == 401:
            raise LogInNeeded
    if answer.status_code >= 400:
        document = answer.get_json(silent=True)
        known = document if isinstance(document, dict) else {}
        raise Told(
            answer.status_code,
            known.get("title", ""),
            known.get("detail", ""),
            known.get("request_id", ""),
            known,
        )
    return answer


def _send(
    method: str,
    path: str,
    body: Any,
    query: dict[str, Any] | None,
    headers: dict[str, str] | None,
    access: str | None,
    data: bytes | None,
) -> Any:
    sent = {"Accept-Language": g.language, **(headers or {})}
    once = request.form.get("once") if method == "POST" and request.method == "POST" else None
    if once:  # the form names itself, so that sending it twice has one effect
        sent["Idempotency-Key"] = once[:200]
    if "HTTP_TRACEPARENT" in request.environ:
        sent["Traceparent"] = request.environ["HTTP_TRACEPARENT"]
    if access is not None:
        sent["Authorization"] = f"Bearer {access}"
    options: dict[str, Any] = {
        "headers": sent,
        "environ_overrides": {"REMOTE_ADDR": request.remote_addr or ""},
    }
    if query:
        options["query_string"] = {key: value for key, value in query.items() if value}
    if body is not None:
        options["json"] = body
    elif data is not None:
        options["data"] = data
    return current_app.extensions["call"](method, path, **options)

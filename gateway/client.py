"""How pages ask the services: as the person who is logged in, in the language of the page.

A page asks for all it needs at once with `ask_all`. The requests are prepared and the log-in is
renewed in the thread that serves the page, because only that thread knows the page's request;
other threads only send.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from flask import current_app, g, request
from werkzeug.test import TestResponse

from gateway.login_sessions import LogInNeeded, LoginSession, login_sessions
from gateway.refusals import refusal_from
from shared.core.logs import current_traceparent, traced

MOST_AT_ONCE = 32
"""Threads of a process that send for pages: two pages that ask much, or many that ask little.
More than that waits its turn, so that a burst of pages does not use up the services' connections.
"""
ANY_REFUSAL = range(400, 600)

Send = Callable[[], TestResponse]


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What a page asks of a service. Who asks is added when it is sent."""

    method: str
    path: str
    body: Any = None  #: sent as JSON
    query: Mapping[str, object] | None = None  #: what is empty is left out
    csv: bytes | None = None  #: sent as it is, instead of a JSON body
    api_key: str | None = None  #: a venue's key
    anonymous: bool = False  #: sent without the log-in
    fallback: Any = None
    fallback_for: Collection[int] = ()

    def or_else(self, fallback: Any, statuses: Collection[int] = (404,)) -> "ApiRequest":
        """The same, but a refusal with one of these statuses is answered by `fallback`."""
        return replace(self, fallback=fallback, fallback_for=statuses)

    def as_anyone(self) -> "ApiRequest":
        """The same without the log-in, for a proof in the body: its refusal ends no log-in."""
        return replace(self, anonymous=True)

    def with_key(self, api_key: str) -> "ApiRequest":
        """The same with a venue's key in the place of the log-in."""
        return replace(self, anonymous=True, api_key=api_key)


def get(path: str, **query: Any) -> ApiRequest:
    return ApiRequest("GET", path, query=query)


def post(path: str, body: Any = None) -> ApiRequest:
    return ApiRequest("POST", path, body)


def put(path: str, body: Any = None) -> ApiRequest:
    return ApiRequest("PUT", path, body)


def delete(path: str, body: Any = None) -> ApiRequest:
    return ApiRequest("DELETE", path, body)


def ask(wanted: ApiRequest) -> Any:
    """The JSON of one response. Raises Refusal, or LogInNeeded when the log-in has ended."""
    return ask_all(wanted)[0]


def ask_all(*wanted: ApiRequest | None) -> list[Any]:
    """The JSON of several responses in order, asked for at the same time; None stays None.

    Raises the first Refusal that has no fallback, or LogInNeeded.
    """
    asked = [one for one in wanted if one is not None]
    results = iter([_result(*pair) for pair in zip(asked, _responses(asked), strict=True)])
    return [None if one is None else next(results) for one in wanted]


def fetch(wanted: ApiRequest) -> TestResponse:
    """The whole response, such as a file. Raises as `ask` does."""
    (response,) = _responses([wanted])
    _result(wanted, response)
    return response


def _result(wanted: ApiRequest, response: TestResponse) -> Any:
    found = response.get_json(silent=True)
    if response.status_code < 400:
        return found
    if response.status_code in wanted.fallback_for:
        return wanted.fallback
    raise refusal_from(response.status_code, found)


def _responses(wanted: Sequence[ApiRequest]) -> list[TestResponse]:
    """Send all. If the access token has ended, renew it once and repeat what was refused."""
    if all(one.anonymous for one in wanted):
        return _send_all([_sender(one, None) for one in wanted])
    session = login_sessions().current()
    responses = _send_all([_sender(one, session) for one in wanted])
    if session is None:
        return responses
    # The access token may end before the time in the cookie: the clocks of two machines differ,
    # and registration can withdraw it.
    refused = [i for i, one in enumerate(wanted) if _is_log_in_over(one, responses[i])]
    if refused:
        again = _repeat([wanted[i] for i in refused], session)
        for i, response in zip(refused, again, strict=True):
            responses[i] = response
    return responses


def _repeat(wanted: Sequence[ApiRequest], session: LoginSession) -> list[TestResponse]:
    renewed = login_sessions().renew(session)
    responses = _send_all([_sender(one, renewed) for one in wanted])
    if any(_is_log_in_over(*pair) for pair in zip(wanted, responses, strict=True)):
        raise LogInNeeded
    return responses


def _is_log_in_over(wanted: ApiRequest, response: TestResponse) -> bool:
    return response.status_code == 401 and not wanted.anonymous


def _send_all(senders: Sequence[Send]) -> list[TestResponse]:
    """Send at the same time: the last here, the others in threads."""
    if not senders:
        return []
    *others, own = (partial(_send_in_trace, current_traceparent(), one) for one in senders)
    # The thread that serves the page would only wait, so it sends one too: a page of one request
    # needs no other thread.
    waiting = [_threads().submit(one) for one in others]
    response = own()
    return [*(one.result() for one in waiting), response]


def _send_in_trace(traceparent: str | None, send: Send) -> TestResponse:
    with traced(traceparent):
        return send()


@cache
def _threads() -> ThreadPoolExecutor:
    """One pool a process, made at first use: threads would not live through a fork."""
    return ThreadPoolExecutor(MOST_AT_ONCE, "pages")


def _sender(wanted: ApiRequest, session: LoginSession | None) -> Send:
    """The request with everything it needs from the page's own, ready for another thread."""
    send = partial(
        current_app.extensions["call"],
        wanted.method,
        wanted.path,
        headers=_headers(wanted, session),
        environ_overrides={"REMOTE_ADDR": request.remote_addr or ""},
    )
    if wanted.query:
        filled = {name: value for name, value in wanted.query.items() if value}
        send = partial(send, query_string=filled)
    if wanted.csv is not None:
        return partial(send, data=wanted.csv)
    return send if wanted.body is None else partial(send, json=wanted.body)


def _headers(wanted: ApiRequest, session: LoginSession | None) -> dict[str, str]:
    possible = {
        "Accept-Language": g.language,
        "Api-Key": wanted.api_key,
        "Authorization": _authorization(wanted, session),
        "Content-Type": None if wanted.csv is None else "text/csv",
        "Idempotency-Key": _idempotency_key(wanted),
        "Traceparent": current_traceparent(),
    }
    return {name: value for name, value in possible.items() if value is not None}


def _authorization(wanted: ApiRequest, session: LoginSession | None) -> str | None:
    if session is None or wanted.anonymous:
        return None
    return f"Bearer {session.access}"


def _idempotency_key(wanted: ApiRequest) -> str | None:
    """The id of the form that was sent, so that sending it twice has one effect."""
    if wanted.method != "POST" or request.method != "POST":
        return None
    return request.form.get("once", "")[:200] or None

"""How pages ask the services: as the person who is logged in, in the language of the page.

A page asks for all it needs at once with `ask_all`. The requests are prepared and the log-in is
renewed in the thread that serves the page, because only that thread knows the page's request;
other threads send, those of `gateway.page_calls`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import current_app, g, request
from werkzeug.test import TestResponse

from gateway.login_sessions import LogInNeeded, LoginSession, login_sessions
from gateway.page_calls import PageCalls, Patience, Pending, Send
from gateway.refusals import Missing, Refusal, Unanswered, refusal_from, unanswered
from gateway.routing import owner_of
from gateway.upstreams import SECONDS, NoAnswer
from shared.core.logs import current_traceparent, traced

ANY_REFUSAL = range(400, 600)
AWAY = (502, 503, 504)


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
    patience: Patience | None = None  #: by default that of a page for GET, of a form for the rest
    optional: bool = False

    @property
    def service(self) -> str:
        """Who is asked."""
        owner = owner_of(self.path)
        if owner is None:
            raise ValueError(f"No service owns {self.path}.")
        return owner

    @property
    def time_to_wait(self) -> Patience:
        return self.patience or (Patience.PAGE if self.method == "GET" else Patience.FORM)

    def as_part(self) -> "ApiRequest":
        """The same for a part of a page that may be left out: its result is Missing while the
        service does not answer.
        """
        return replace(self, optional=True)

    def with_patience(self, patience: Patience) -> "ApiRequest":
        return replace(self, patience=patience)

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
    """The JSON of one response.

    Raises Refusal, Unanswered among them, or LogInNeeded when the log-in has ended.
    """
    return ask_all(wanted)[0]


def ask_all(*wanted: ApiRequest | None) -> list[Any]:
    """The JSON of several responses in order, asked for at the same time; None stays None.

    A part of a page that its service does not give is Missing. Raises the first other Refusal that
    has no fallback, or LogInNeeded.
    """
    asked = [one for one in wanted if one is not None]
    results = iter([_result(*pair) for pair in zip(asked, _responses(asked), strict=True)])
    return [None if one is None else next(results) for one in wanted]


def fetch(wanted: ApiRequest) -> TestResponse:
    """The whole response, such as a file. Raises as `ask` does."""
    (response,) = _responses([wanted])
    _result(wanted, response)
    assert isinstance(response, TestResponse)  # else it was refused
    return response


def _result(wanted: ApiRequest, response: TestResponse | Unanswered) -> Any:
    if isinstance(response, TestResponse) and response.status_code < 400:
        return response.get_json(silent=True)
    refusal = _refusal_of(wanted, response)
    if refusal.status in wanted.fallback_for:
        return wanted.fallback
    if wanted.optional and isinstance(refusal, Unanswered):
        return Missing(refusal)
    raise refusal


def _refusal_of(wanted: ApiRequest, response: TestResponse | Unanswered) -> Refusal:
    if isinstance(response, Unanswered):
        return response
    if response.status_code in AWAY:
        # Its database may have gone while it committed: then the change may stand.
        return unanswered(wanted.method, wanted.path, may_be_done=True)
    return refusal_from(response.status_code, response.get_json(silent=True))


def _responses(wanted: Sequence[ApiRequest]) -> list[TestResponse | Unanswered]:
    """Send all. If the access token has ended, renew it once and repeat what was refused."""
    if all(one.anonymous for one in wanted):
        return _send_all(wanted, None)
    session = login_sessions().current()
    # What everybody may read is shown while the log-in cannot be renewed.
    responses = _send_all(wanted, session if session and not session.has_ended else None)
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


def _repeat(wanted: Sequence[ApiRequest], session: LoginSession) -> list[TestResponse | Unanswered]:
    renewed = login_sessions().renew(session)
    responses = _send_all(wanted, renewed)
    if any(_is_log_in_over(*pair) for pair in zip(wanted, responses, strict=True)):
        raise LogInNeeded
    return responses


def _is_log_in_over(wanted: ApiRequest, response: TestResponse | Unanswered) -> bool:
    if isinstance(response, Unanswered):
        return False
    return response.status_code == 401 and not wanted.anonymous


def _send_all(
    wanted: Sequence[ApiRequest], session: LoginSession | None
) -> list[TestResponse | Unanswered]:
    """Send at the same time; who does not answer gives Unanswered."""
    begun = [_begin(one, session) for one in wanted]
    return [_wait_for(*pair) for pair in zip(wanted, begun, strict=True)]


def _begin(wanted: ApiRequest, session: LoginSession | None) -> Pending | Unanswered:
    calls = _calls_to(wanted.service)
    if calls.service in _silent_services():
        return unanswered(wanted.method, wanted.path, may_be_done=False)
    seconds = calls.seconds_of(wanted.time_to_wait)
    send = partial(_send_in_trace, current_traceparent(), _sender(wanted, session, seconds))
    try:
        return calls.begin(send, wanted.time_to_wait)
    except NoAnswer:
        return unanswered(wanted.method, wanted.path, may_be_done=False)


def _wait_for(wanted: ApiRequest, begun: Pending | Unanswered) -> TestResponse | Unanswered:
    if isinstance(begun, Unanswered):
        return begun
    try:
        return begun.response()
    except NoAnswer as error:
        _silent_services().add(wanted.service)
        return unanswered(wanted.method, wanted.path, may_be_done=error.may_be_done)


def _silent_services() -> set[str]:
    """Who did not answer this page. It waits for nobody twice."""
    if "silent_services" not in g:
        g.silent_services = set()
    found: set[str] = g.silent_services
    return found


def _calls_to(service: str) -> PageCalls:
    page_calls: dict[str, PageCalls] = current_app.extensions["page_calls"]
    return page_calls[service]


def _send_in_trace(traceparent: str | None, send: Send) -> TestResponse:
    with traced(traceparent):
        return send()


def _sender(wanted: ApiRequest, session: LoginSession | None, seconds: float) -> Send:
    """The request with everything it needs from the page's own, ready for another thread."""
    send = partial(
        current_app.extensions["call"],
        wanted.method,
        wanted.path,
        headers=_headers(wanted, session),
        environ_overrides={"REMOTE_ADDR": request.remote_addr or "", SECONDS: seconds},
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

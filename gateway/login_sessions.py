"""Who looks at a page: the login session, kept in one sealed cookie.

Nothing is kept on the server. Every replica of the gateway opens the same cookie, with a key
derived from the data key.
"""

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TypedDict

from flask import Flask, Response, current_app, g, request
from werkzeug.test import TestResponse

from gateway.refusals import Unanswered, unanswered
from gateway.upstreams import SECONDS, NoAnswer
from shared.core.crypto import vault
from shared.core.json import JsonObject
from shared.core.settings import Settings

REFRESH_PATH = "/v1/auth/refresh"
RENEW_BEFORE_SECONDS = 30
REMEMBER_RENEWAL_SECONDS = 120
"""From when it was sent. An answer may take most of it."""

LONGEST_RENEWAL_SECONDS = 90
RETRY_RENEWAL_SECONDS = 2
RENEWALS_AT_ONCE = 4
COOKIE_SECONDS = 30 * 24 * 3600
MOST_COORDINATED = 20
"""A cookie holds no more organisations: browsers refuse more than 4 KB."""


class LogInNeeded(Exception):
    """Nobody is logged in, or the login session has ended."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """The access token, what renews it, and what the token says of its owner.

    The field names are in the cookies of people who are logged in: renaming one logs them out.
    """

    access: str
    refresh: str
    role: str
    subject: str
    expires: int
    organisation: str = ""  #: where its owner coordinates now
    coordinates: tuple[str, ...] = ()  #: where its owner may coordinate

    @property
    def volunteers(self) -> bool:
        """A coordinator is a volunteer too."""
        return self.role in ("volunteer", "coordinator")

    @property
    def ends_soon(self) -> bool:
        return self.expires - RENEW_BEFORE_SECONDS < time.time()

    @property
    def has_ended(self) -> bool:
        return self.expires < time.time()


def login_session_from(answer: JsonObject) -> LoginSession:
    """Read what registration answered to a log-in or a refresh."""
    claims = _claims_of(answer["access_token"])
    return LoginSession(
        answer["access_token"],
        answer.get("refresh_token") or "",
        claims["role"],
        claims["sub"],
        int(claims["exp"]),
        answer.get("organisation_id") or "",
        tuple(answer.get("coordinates") or ())[:MOST_COORDINATED],
    )


def _claims_of(token: str) -> JsonObject:
    """What a token says. It comes straight from registration, so it is read and not verified."""
    part = token.split(".")[1]
    claims: JsonObject = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class RenewalUnanswered(Exception):
    """Registration does not say just now whether the login session goes on."""


@dataclass(slots=True)
class Renewal:
    """A refresh token on its way to registration, or waiting for a thread that sends it."""

    future: Future[LoginSession | None]
    begun: float
    sent_at: float | None = None


class Renewals:
    """Renew each refresh token once, also when several requests ask at the same time.

    A refresh token works once, but a browser asks for several pages at a time: the first one here
    renews, the others get the same answer. A page waits a second at most. The request itself goes
    on: given up and sent again it would be a second use, which ends the log-in everywhere.
    """

    def __init__(self, call: Callable[..., TestResponse], page_seconds: float) -> None:
        self._call, self._page_seconds = call, page_seconds
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(RENEWALS_AT_ONCE, "renewals")
        self._known: dict[str, Renewal] = {}

    def renewed(self, session: LoginSession, organisation: str) -> LoginSession | None:
        """The session with a new pair of tokens, or None if registration refuses.

        Raises RenewalUnanswered.
        """
        renewal = self._renewal_of(session, organisation)
        left = renewal.begun + self._page_seconds - time.monotonic()
        try:
            return renewal.future.result(max(0.0, left))
        except (TimeoutError, NoAnswer):
            raise RenewalUnanswered from None

    def _renewal_of(self, session: LoginSession, organisation: str) -> Renewal:
        with self._lock:
            self._forget_old()
            if session.refresh not in self._known:
                future = self._threads.submit(self._refresh, session, organisation)
                self._known[session.refresh] = Renewal(future, time.monotonic())
            return self._known[session.refresh]

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._known = {
            key: kept for key, kept in self._known.items() if not _is_forgotten(kept, now)
        }

    def _refresh(self, session: LoginSession, organisation: str) -> LoginSession | None:
        with self._lock:
            self._known[session.refresh].sent_at = time.monotonic()
        body = {"refresh_token": session.refresh}
        if organisation:
            body["organisation_id"] = organisation
        environ = {SECONDS: LONGEST_RENEWAL_SECONDS}
        response = self._call("POST", REFRESH_PATH, json=body, environ_overrides=environ)
        if response.status_code >= 500:
            raise NoAnswer(may_be_done=False)
        return login_session_from(response.get_json()) if response.status_code < 300 else None


def _is_forgotten(renewal: Renewal, now: float) -> bool:
    """An answer is remembered for a while, a failure for two seconds."""
    if renewal.sent_at is None or not renewal.future.done():
        return False
    failed = renewal.future.exception() is not None
    kept = RETRY_RENEWAL_SECONDS if failed else REMEMBER_RENEWAL_SECONDS
    return renewal.sent_at + kept < now


class CookieOptions(TypedDict):
    """Options that setting and deleting a cookie share."""

    httponly: bool
    samesite: str
    secure: bool
    path: str


class LoginSessions:
    """Open, renew, keep and end the login session of a request."""

    def __init__(self, settings: Settings, call: Callable[..., TestResponse]) -> None:
        self._vault = vault(settings, "gateway.session")
        self._renewals = Renewals(call, settings.page_seconds)
        self._secure = settings.public_url.startswith("https://")
        self._cookie = cookie_name("wishtree_session", self._secure)

    def current(self) -> LoginSession | None:
        """The login session of this request, renewed when it is about to end."""
        if "login_session" not in g:
            g.login_session = self._open(request.cookies.get(self._cookie, ""))
            if g.login_session is not None and g.login_session.ends_soon:
                self._renew_or_forget(g.login_session)
        found: LoginSession | None = g.login_session
        return found

    def renew(self, session: LoginSession, organisation: str | None = None) -> LoginSession:
        """Change the refresh token for a new pair. Raises LogInNeeded, or Unanswered.

        `organisation` is where its owner wants to coordinate from now on; "" is nowhere.
        """
        where = session.organisation if organisation is None else organisation
        try:
            renewed = self._renewals.renewed(session, where)
        except RenewalUnanswered:
            raise unanswered("GET", REFRESH_PATH, may_be_done=False) from None
        if renewed is None:
            self.end()
            raise LogInNeeded
        self.begin(renewed)
        return renewed

    def begin(self, session: LoginSession) -> None:
        g.login_session, g.login_session_changed = session, True

    def end(self) -> None:
        g.login_session, g.login_session_changed = None, True

    def write_cookie(self, response: Response) -> Response:
        """Write the login session into the response, if this request changed it."""
        if g.get("login_session_changed", False):
            options: CookieOptions = {
                "httponly": True,
                "samesite": "Lax",
                "secure": self._secure,
                "path": "/",
            }
            if g.login_session is None:
                response.delete_cookie(self._cookie, **options)
            else:
                # Staff share computers: their cookie ends with the browser.
                seconds = COOKIE_SECONDS if g.login_session.volunteers else None
                sealed = self._seal(g.login_session)
                response.set_cookie(self._cookie, sealed, max_age=seconds, **options)
        return response

    def _renew_or_forget(self, session: LoginSession) -> None:
        """Renew it. While registration does not answer, its owner stays who they are."""
        try:
            self.renew(session)
        except LogInNeeded:
            g.login_session = None
        except Unanswered:
            pass

    def _seal(self, session: LoginSession) -> str:
        return base64.urlsafe_b64encode(self._vault.seal(json.dumps(asdict(session)))).decode()

    def _open(self, cookie: str) -> LoginSession | None:
        try:
            plain = self._vault.unseal(base64.urlsafe_b64decode(cookie))
            return LoginSession(**json.loads(plain))
        except (ValueError, TypeError):  # altered, of another installation, or of an older version
            return None


def cookie_name(name: str, secure: bool) -> str:
    """Over https the prefix makes browsers refuse the cookie from a neighbouring host."""
    return f"__Host-{name}" if secure else name


def install_login_sessions(
    app: Flask, settings: Settings, call: Callable[..., TestResponse]
) -> None:
    sessions = LoginSessions(settings, call)
    app.extensions["login_sessions"], app.extensions["call"] = sessions, call
    app.after_request(sessions.write_cookie)


def login_sessions() -> LoginSessions:
    found: LoginSessions = current_app.extensions["login_sessions"]
    return found


def current_login() -> LoginSession | None:
    """Who looks at this page, or None."""
    return login_sessions().current()

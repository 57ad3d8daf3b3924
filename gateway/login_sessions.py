"""Who looks at a page: the login session, kept in one sealed cookie.

Nothing is kept on the server. Every replica of the gateway opens the same cookie, with a key
derived from the data key.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TypedDict

from flask import Flask, Response, current_app, g, request
from werkzeug.test import TestResponse

from shared.core.crypto import vault
from shared.core.json import JsonObject
from shared.core.settings import Settings

REFRESH_PATH = "/v1/auth/refresh"
RENEW_BEFORE_SECONDS = 30
REMEMBER_RENEWAL_SECONDS = 60
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


class Renewals:
    """Renew each refresh token once, also when several requests ask at the same time.

    A refresh token works once, but a browser asks for several pages at a time: the first one here
    renews, the others get the same answer.
    """

    def __init__(self, call: Callable[..., TestResponse]) -> None:
        self._call = call
        self._lock = Lock()
        self._known: dict[str, tuple[float, LoginSession | None]] = {}

    def renewed(self, session: LoginSession, organisation: str) -> LoginSession | None:
        """The session with a new pair of tokens, or None if registration refuses."""
        # The lock is held while registration answers: without it two threads would send the same
        # refresh token, and the second use of one ends the log-in everywhere.
        with self._lock:
            self._forget_old()
            if session.refresh not in self._known:
                until = time.monotonic() + REMEMBER_RENEWAL_SECONDS
                self._known[session.refresh] = until, self._refresh(session, organisation)
            return self._known[session.refresh][1]

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._known = {key: kept for key, kept in self._known.items() if kept[0] > now}

    def _refresh(self, session: LoginSession, organisation: str) -> LoginSession | None:
        body = {"refresh_token": session.refresh}
        if organisation:
            body["organisation_id"] = organisation
        response = self._call("POST", REFRESH_PATH, json=body)
        if response.status_code >= 500:
            raise LogInNeeded  # not remembered: the next page tries again
        return login_session_from(response.get_json()) if response.status_code < 300 else None


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
        self._renewals = Renewals(call)
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
        """Change the refresh token for a new pair. Raises LogInNeeded.

        `organisation` is where its owner wants to coordinate from now on; "" is nowhere.
        """
        where = session.organisation if organisation is None else organisation
        renewed = self._renewals.renewed(session, where)
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
        try:
            self.renew(session)
        except LogInNeeded:
            g.login_session = None

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

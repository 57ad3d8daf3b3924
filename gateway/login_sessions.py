"""Who is looking at a page. The log-in is one sealed cookie; forms carry a token that only our own
pages can know.

Nothing is kept on the server: every replica of the gateway opens the same cookie with a key derived
from the data key.
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from flask import Flask, Response, g, request

from shared.core.crypto import vault
from shared.core.settings import Settings

REFRESH_PATH = "/v1/auth/refresh"
RENEW_BEFORE_SECONDS = 30
REMEMBER_RENEWAL_SECONDS = 60
STAYS_SECONDS = 30 * 24 * 3600
MOST_COORDINATED = 20
"""A cookie holds no more."""


class LogInNeeded(Exception):
    """Nobody is logged in, or not any more."""


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in: the access token, what renews it, and what the token says of its owner."""

    access: str
    refresh: str
    role: str
    subject: str
    expires: int
    organisation: str = ""
    """Where its owner coordinates just now."""
    coordinates: tuple[str, ...] = ()
    """Where its owner may coordinate."""

    @property
    def volunteers(self) -> bool:
        """Who coordinates volunteers too."""
        return self.role in ("volunteer", "coordinator")


def session_of(log_in: dict[str, Any]) -> Session:
    """From what registration answered to a log-in or a refresh. The token comes from there, so it
    is only read here.
    """
    part = str(log_in["access_token"]).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return Session(
        log_in["access_token"],
        log_in.get("refresh_token") or "",
        claims["role"],
        claims["sub"],
        int(claims["exp"]),
        log_in.get("organisation_id") or "",
        tuple(log_in.get("coordinates") or ())[:MOST_COORDINATED],
    )


class Sessions:
    """Opens, renews, keeps and ends the log-in of a request."""

    def __init__(self, settings: Settings, call: Callable[..., Any]) -> None:
        self._sealed = vault(settings, "gateway.session")
        self._forms = vault(settings, "gateway.form")
        self._call = call
        self.secure = settings.public_url.startswith("https://")
        prefix = "__Host-" if self.secure else ""
        self._cookie, self._form_cookie = f"{prefix}wishtree_session", f"{prefix}wishtree_form"
        self._lock = Lock()
        self._renewals: dict[str, tuple[float, Session | None]] = {}

    def current(self) -> Session | None:
        """The log-in of this request, renewed when it is about to end."""
        if not hasattr(g, "session"):
            g.session = self._open(request.cookies.get(self._cookie, ""))
            if g.session is not None and g.session.expires - RENEW_BEFORE_SECONDS < time.time():
                try:
                    self.renew(g.session)
                except LogInNeeded:
                    g.session = None
        found: Session | None = g.session
        return found

    def renew(self, session: Session, organisation: str | None = None) -> Session:
        """Change the refresh token for a new pair; `organisation` is where its owner wants to
        coordinate from now on.

        Raises LogInNeeded.

        A refresh token works once, and a browser asks for several pages at a time: the first one
        here renews and the others get the same answer.
        """
        with self._lock:
            now = time.monotonic()
            self._renewals = {k: v for k, v in self._renewals.items() if v[0] > now}
            if session.refresh not in self._renewals:
                body = {"refresh_token": session.refresh}
                where = session.organisation if organisation is None else organisation
                if where:
                    body["organisation_id"] = where
                answer = self._call("POST", REFRESH_PATH, json=body)
                if answer.status_code >= 500:
                    raise LogInNeeded
                renewed = session_of(answer.get_json()) if answer.status_code < 300 else None
                self._renewals[session.refresh] = (now + REMEMBER_RENEWAL_SECONDS, renewed)
            renewed = self._renewals[session.refresh][1]
        if renewed is None:
            self.end()
            raise LogInNeeded
        self.begin(renewed)
        return renewed

    def begin(self, session: Session) -> None:
        g.session, g.session_changed = session, True

    def end(self) -> None:
        g.session, g.session_changed = None, True

    def form_token(self) -> str:
        """What a form sends back: bound to this browser and this log-in."""
        if not hasattr(g, "form_key"):
            g.form_key = request.cookies.get(self._form_cookie) or secrets.token_urlsafe(24)
        session = self.current()
        return self._forms.fingerprint(f"{g.form_key}:{session.subject if session else ''}").hex()

    def is_own_form(self) -> bool:
        """Whether this POST came from one of our own pages."""
        sent = request.form.get("form_token", "").encode()
        return self._form_cookie in request.cookies and hmac.compare_digest(
            self.form_token().encode(), sent
        )

    def keep(self, response: Response) -> Response:
        """Write what changed into the cookies of the answer."""
        same: dict[str, Any] = {
            "httponly": True,
            "samesite": "Lax",
            "secure": self.secure,
            "path": "/",
        }
        if getattr(g, "session_changed", False):
            if g.session is None:
                response.delete_cookie(self._cookie, **same)
            else:
                sealed = self._sealed.seal(json.dumps(asdict(g.session)))
                stays = STAYS_SECONDS if g.session.volunteers else None  # staff share computers
                response.set_cookie(
                    self._cookie, base64.urlsafe_b64encode(sealed).decode(), max_age=stays, **same
                )
        if hasattr(g, "form_key") and request.cookies.get(self._form_cookie) != g.form_key:
            response.set_cookie(self._form_cookie, g.form_key, **same)
        return response

    def _open(self, cookie: str) -> Session | None:
        try:
            return Session(**json.loads(self._sealed.unseal(base64.urlsafe_b64decode(cookie))))
        except (ValueError, TypeError):  # altered, of another installation, or of an older version
            return None


def keep_sessions(app: Flask, settings: Settings, call: Callable[..., Any]) -> Sessions:
    sessions = Sessions(settings, call)
    app.extensions["sessions"], app.extensions["call"] = sessions, call
    app.after_request(sessions.keep)
    return sessions

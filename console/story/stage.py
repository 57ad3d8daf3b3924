"""Who plays and what they have made.

Every actor has a token of their own and may do only what that role may.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import requests

from console.story.webhooks import Receiver
from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.core.ids import new_id
from shared.core.settings import Settings

PATIENCE_SECONDS = 30
VERIFIED_RECORDS = "records:write records:verified"


class NotAsExpected(Exception):
    """What was expected, and what came instead."""


@dataclass(slots=True)
class Actor:
    """Somebody with a token or a key of their own."""

    name: str
    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    id: str = ""

    def call(
        self, method: str, path: str, body: Any = None, *, expect: tuple[int, ...] = (200, 201)
    ) -> Any:
        """Send a request. Raises NotAsExpected for any other status than expected."""
        headers = dict(self.headers)
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(8)
        url = self.base_url + path
        response = requests.request(method, url, json=body, headers=headers, timeout=15)
        if response.status_code not in expect:
            raise NotAsExpected(
                f"{self.name}: {method} {path} answered {response.status_code}:"
                f" {response.text[:400]}"
            )
        return response.json() if response.content else None

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("PUT", path, body, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, body, **options)

    def create(self, path: str, body: Any) -> Any:
        """POST something that must be created."""
        return self.call("POST", path, body, expect=(201,))


class Stage:
    """Who plays, and what they have made so far: each step finds what earlier steps set."""

    station: str
    branch: str
    coordinator: Actor  #: of the station
    second_coordinator: Actor  #: of the branch above it
    fang: Actor  #: 沈芳, a volunteer
    qiang: Actor  #: 王强, another one
    product: str
    receiver: Receiver | None  #: None where the installation refuses private addresses
    subscription: str
    voucher: Any  #: as the API shows it
    code: str
    record: Any  #: a service record of another system, as the API shows it
    venue: str
    swim: str  #: a product that is issued only in an exchange
    swim_voucher: Any
    till: Actor
    wish: str

    def __init__(self, base_url: str, settings: Settings) -> None:
        self.base_url, self.settings = base_url.rstrip("/"), settings
        self.staff = self.actor("staff", Role.STAFF)
        self.anyone = Actor("anyone", self.base_url)
        self.run = secrets.token_hex(3)  #: makes the names of this run unique

    def actor(
        self,
        name: str,
        role: Role,
        subject: str | None = None,
        organisation: str | None = None,
    ) -> Actor:
        """Somebody with this role; a new person unless `subject` is the id of one."""
        who = UUID(subject) if subject else new_id()
        where = UUID(organisation) if organisation else None
        token = sign_token(self.settings, role=role, subject=who, organisation_id=where)
        return Actor(name, self.base_url, _bearer(token), str(who))

    def system(self, name: str, scopes: str) -> Actor:
        """Another system, by the name under which it is registered."""
        name = f"{name}-{self.run}"
        token = sign_token(
            self.settings, role=Role.SYSTEM, subject=name, scopes=frozenset(scopes.split())
        )
        return Actor(name, self.base_url, _bearer(token), name)

    def with_key(self, name: str, key: str) -> Actor:
        """A venue's till, which has an API key instead of a token."""
        return Actor(name, self.base_url, {"Api-Key": key})

    def volunteer(self, name: str) -> Actor:
        """Register a person on the web; staff activate the person."""
        phone = f"138{secrets.randbelow(10**8):08}"
        body = {"name": name, "phone": phone, "birth_date": "1991-05-04"}
        created = self.anyone.create("/v1/volunteers", body)
        must(created["status"] == "applied", "a new volunteer is `applied`", created)
        activated = self.staff.put(f"/v1/volunteers/{created['id']}/activation")
        must(activated["status"] == "active", "staff activate a volunteer", activated)
        return self.actor(name, Role.VOLUNTEER, created["id"])

    def key_of(self, venue: str, kind: str) -> str:
        """A new secret of a venue."""
        made = self.staff.create(f"/v1/venues/{venue}/secrets", {"kind": kind})
        return str(made["secret"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def must(true: Any, what: str, instead: Any = "") -> None:
    """Raise NotAsExpected unless it is true."""
    if not true:
        shown = json.dumps(instead, ensure_ascii=False, default=str)
        raise NotAsExpected(f"{what}; instead: {shown[:600]}")


def eventually(get: Callable[[], Any], fits: Callable[[Any], Any], what: str) -> Any:
    """Get something again and again until it fits: events take moments to reach a service."""
    deadline, response = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < deadline:
        response = get()
        if fits(response):
            return response
        time.sleep(0.1)
    shown = json.dumps(response, ensure_ascii=False)
    raise NotAsExpected(f"within {PATIENCE_SECONDS} s: {what}; instead: {shown[:600]}")


def account_when(actor: Actor, minutes: int) -> Any:
    """The account of a volunteer, once it has these credited minutes."""
    return eventually(
        lambda: actor.get(f"/v1/accounts/{actor.id}"),
        lambda account: account["minutes_credited"] == minutes,
        f"{minutes} minutes credited",
    )


def alert_when(actor: Actor, fits: Callable[[Any], bool], what: str) -> Any:
    """The first alert that fits, once there is one."""
    alerts = eventually(
        lambda: actor.get(f"/v1/people/{actor.id}/alerts"),
        lambda page: any(fits(alert) for alert in page["items"]),
        what,
    )
    return next(alert for alert in alerts["items"] if fits(alert))


def days_ago(days: int, hour: int) -> datetime:
    """A full hour on an earlier day, UTC."""
    today = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def period(start: datetime, minutes: int) -> dict[str, str]:
    """Start and end of a service record, as the API takes them."""
    end = start + timedelta(minutes=minutes)
    return {"started_at": start.isoformat(), "ended_at": end.isoformat()}


Step = Callable[[Stage], str]
"""Plays one part of the story, and returns in a few words what it made."""

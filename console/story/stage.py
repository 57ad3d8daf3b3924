"""Who plays and what they have made: every actor has a token of their own and may do only what that
role may.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import requests

from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.core.ids import new_id
from shared.core.settings import Settings

PATIENCE_SECONDS = 30


class NotAsItMustBe(Exception):
    """What was expected, and what came instead."""


@dataclass
class Actor:
    """Somebody with a token or a key of their own."""

    name: str
    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    id: str = ""

    def call(
        self, method: str, path: str, body: Any = None, *, expect: tuple[int, ...] = (200, 201)
    ) -> Any:
        """One request. Raises NotAsItMustBe for any other status than expected."""
        headers = dict(self.headers)
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(8)
        answer = requests.request(
            method, self.base_url + path, json=body, headers=headers, timeout=15
        )
        if answer.status_code not in expect:
            raise NotAsItMustBe(
                f"{self.name}: {method} {path} answered {answer.status_code}: {answer.text[:400]}"
            )
        return answer.json() if answer.content else None

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("PUT", path, body, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, body, **options)


class Stage:
    """Who plays, and what they have made so far."""

    def __init__(self, base_url: str, settings: Settings) -> None:
        self.base_url, self.settings = base_url.rstrip("/"), settings
        self.staff = self.actor("staff", Role.STAFF)
        self.anyone = Actor("anyone", self.base_url)
        self.run = secrets.token_hex(3)
        self.made: dict[str, Any] = {}

    def actor(
        self,
        name: str,
        role: Role,
        subject: str | None = None,
        organisation: str | None = None,
        scopes: str = "",
    ) -> Actor:
        who: Any = subject if role is Role.SYSTEM else UUID(subject) if subject else new_id()
        token = sign_token(
            self.settings,
            role=role,
            subject=who or name,
            scopes=frozenset(scopes.split()),
            organisation_id=UUID(organisation) if organisation else None,
        )
        return Actor(name, self.base_url, {"Authorization": f"Bearer {token}"}, str(who))

    def volunteer(self, name: str) -> Actor:
        """Registers by web, staff activates."""
        phone = f"138{secrets.randbelow(10**8):08}"
        body = {"name": name, "phone": phone, "birth_date": "1991-05-04"}
        created = self.anyone.post("/v1/volunteers", body, expect=(201,))
        must(created["status"] == "applied", "a new volunteer is `applied`", created)
        activated = self.staff.put(f"/v1/volunteers/{created['id']}/activation")
        must(activated["status"] == "active", "staff activate a volunteer", activated)
        return self.actor(name, Role.VOLUNTEER, created["id"])

    def __getattr__(self, name: str) -> Any:
        try:
            return self.made[name]
        except KeyError:
            raise AttributeError(name) from None


def must(true: Any, what: str, instead: Any = "") -> None:
    if not true:
        raise NotAsItMustBe(
            f"{what}; instead: {json.dumps(instead, ensure_ascii=False, default=str)[:600]}"
        )


def eventually(ask: Callable[[], Any], fits: Callable[[Any], Any], what: str) -> Any:
    """Services hear of each other within moments: ask until it fits."""
    deadline, answer = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < deadline:
        answer = ask()
        if fits(answer):
            return answer
        time.sleep(0.1)
    raise NotAsItMustBe(
        f"within {PATIENCE_SECONDS} s: {what}; instead: {json.dumps(answer, ensure_ascii=False)[:600]}"
    )


Step = Callable[[Stage], str]
STEPS: list[Step] = []


def step(function: Step) -> Step:
    STEPS.append(function)
    return function

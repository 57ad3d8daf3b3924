"""Who is asking: JWTs of people and systems (ES256, 15 min, RFC 8725), API keys of venues; and `@allow` on each route.

Registration signs; everyone checks offline with its public keys. A route without `@allow` stops the start-up.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import requests
from flask import current_app, g
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.clock import app_now
from shared.contracts.registration import PersonAccessChanged
from shared.db import Plumbing, transaction
from shared.problems import Forbidden, NotFound, Unauthorized, Unavailable
from shared.settings import Settings, missing

ISSUER = "wishtree"
TOKEN_SECONDS = 15 * 60
JWKS_SECONDS = 300
JWKS_RETRY_SECONDS = 15
DENIALS_SECONDS = 5
LONGEST_TOKEN = timedelta(days=1)
"""What `wishtree token --minutes` may ask for at most; denials older than that meet no token any more."""


class Role(StrEnum):
    """What somebody may be. A coordinator's role is scoped to an organisation and holds for its subtree."""

    VOLUNTEER = "volunteer"
    COORDINATOR = "coordinator"
    STAFF = "staff"
    AUDITOR = "auditor"
    VENUE = "venue"
    RESIDENT = "resident"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of this request."""

    role: Role
    subject: UUID | str  #: a person's id, a venue's id, or a client's name
    organisation_id: UUID | None = None  #: where a coordinator coordinates
    scopes: frozenset[str] = frozenset()  #: what a system was granted
    issued_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_staff(self) -> bool:
        return self.role is Role.STAFF

    def has(self, scope: str) -> bool:
        return scope in self.scopes

    def is_person(self, person_id: UUID) -> bool:
        return self.subject == person_id and self.role in (Role.VOLUNTEER, Role.COORDINATOR)

    @property
    def key(self) -> str:
        """Names the caller in idempotency keys and logs."""
        return f"{self.role}:{self.subject}"


class DeniedPerson(Plumbing):
    """Tokens of a person issued before `valid_from` are void. Fed by `person.access_changed`; newest wins."""

    __tablename__ = "denied_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime]


def note_access_changed(session: Session, facts: list[PersonAccessChanged]) -> None:
    """Remember from when on tokens of these people count."""
    newest = {f.person_id: f.valid_from for f in sorted(facts, key=lambda f: f.valid_from)}
    for person_id, valid_from in sorted(newest.items()):
        row = insert(DeniedPerson).values(person_id=person_id, valid_from=valid_from)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["person_id"],
                set_={"valid_from": row.excluded.valid_from},
                where=DeniedPerson.valid_from < row.excluded.valid_from,
            )
        )


def sign_token(
    settings: Settings,
    *,
    role: Role,
    subject: UUID | str,
    organisation_id: UUID | None = None,
    scopes: frozenset[str] = frozenset(),
    seconds: int = TOKEN_SECONDS,
) -> str:
    """An access token (RFC 9068 `at+jwt`). Only registration and the operator's command line have the key."""
    key = signing_key(settings)
    now = int(time.time())
    claims: dict[str, Any] = {"iss": ISSUER, "aud": ISSUER, "sub": str(subject), "role": role.value,
                              "iat": now, "exp": now + seconds}  # fmt: skip
    if organisation_id is not None:
        claims["org"] = str(organisation_id)
    if scopes:
        claims["scope"] = " ".join(sorted(scopes))
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=["ES256"])


def signing_key(settings: Settings) -> ECKey:
    key = ECKey.import_key(settings.signing_key or missing("signing_key", "the PEM of an EC P-256 private key"))
    key.ensure_kid()
    return key


def public_keys(settings: Settings) -> dict[str, Any]:
    """The JWKS document that registration serves."""
    key = signing_key(settings)
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}


class Verifier:
    """Checks bearer tokens of one service: public keys from registration (cached), denials from its own table."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: KeySet | None = None
        self._keys_until = 0.0
        self._denied: dict[str, datetime] = {}
        self._denied_until = 0.0
        self._denials_lock = threading.Lock()
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": ISSUER},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            leeway=5,
        )

    def principal(self, token: str) -> Principal:
        """Raises Unauthorized for anything but a current token that we signed."""
        try:
            decoded = jwt.decode(token, self._key_set(), algorithms=["ES256"])
            if decoded.header.get("typ") != "at+jwt":
                raise Unauthorized("This is not an access token.")
            self._claims.validate(decoded.claims)
            principal = _principal(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthorized("The token is expired, altered or not ours.") from error
        valid_from = self._denials().get(str(principal.subject))
        if valid_from is not None and principal.issued_at < valid_from:
            raise Unauthorized("This access was withdrawn. Log in again.")
        return principal

    def _key_set(self) -> KeySet:
        if self._keys is None or time.monotonic() > self._keys_until:
            try:
                self._keys = KeySet.import_key_set(self._fetch_keys())  # type: ignore[arg-type]
                self._keys_until = time.monotonic() + JWKS_SECONDS
            except Unavailable:
                if self._keys is None:
                    raise
                self._keys_until = time.monotonic() + JWKS_RETRY_SECONDS  # the keys we have are still good
        return self._keys

    def _fetch_keys(self) -> dict[str, Any]:
        if self._settings.signing_key:  # registration itself, and the compact process
            return public_keys(self._settings)
        try:
            answer = requests.get(f"{self._settings.url_of('registration')}/.well-known/jwks.json", timeout=3)
            answer.raise_for_status()
            document: dict[str, Any] = answer.json()
            return document
        except requests.RequestException as error:
            raise Unavailable("Tokens cannot be checked: registration does not answer.") from error

    def _denials(self) -> dict[str, datetime]:
        """Denials that may still meet a living token, read again every few seconds by one thread at a time."""
        with self._denials_lock:
            if time.monotonic() > self._denied_until:
                recent = DeniedPerson.valid_from > app_now() - LONGEST_TOKEN
                with transaction() as session:
                    rows = session.execute(select(DeniedPerson.person_id, DeniedPerson.valid_from).where(recent))
                    self._denied = {str(row.person_id): row.valid_from for row in rows}
                self._denied_until = time.monotonic() + DENIALS_SECONDS
            return self._denied


def _principal(claims: dict[str, Any]) -> Principal:
    role = Role(claims["role"])
    return Principal(
        role=role,
        subject=claims["sub"] if role is Role.SYSTEM else UUID(claims["sub"]),
        organisation_id=UUID(claims["org"]) if "org" in claims else None,
        scopes=frozenset(claims.get("scope", "").split()),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route."""

    roles: frozenset[Role]
    scope: str | None
    public: bool


View = TypeVar("View", bound=Callable[..., Any])


def allow(*roles: Role, scope: str | None = None, public: bool = False) -> Callable[[View], View]:
    """State who may use a route: these roles, or a system with this scope, or (`public`) anybody.

    `public` still reads a token if one is sent, so that the view may show more. Staff must be named like any other.
    """

    def mark(view: View) -> View:
        view.__access__ = Access(frozenset(roles), scope, public)  # type: ignore[attr-defined]
        return view

    return mark


def authorize(access: Access, principal: Principal | None) -> None:
    """Raises Unauthorized without a caller, Forbidden for the wrong role."""
    if access.public:
        return
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    if principal.role in access.roles:
        return
    if principal.role is Role.SYSTEM and access.scope is not None and principal.has(access.scope):
        return
    needed = [*sorted(access.roles), *([f"system:{access.scope}"] if access.scope else [])]
    raise Forbidden(f"This needs one of: {', '.join(needed)}.")


def caller() -> Principal:
    """The caller of the current request; only for routes that are not public."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    return principal


def caller_if_any() -> Principal | None:
    principal: Principal | None = g.get("principal")
    return principal


def only_self_or_staff(person_id: UUID) -> None:
    """What belongs to one person is shown to that person, to staff and to auditors; to others it does not exist."""
    principal = caller()
    if principal.role in (Role.STAFF, Role.AUDITOR) or principal.subject == person_id:
        return
    raise NotFound(f"No {person_id}.")


def settings() -> Settings:
    """The settings of the app that serves this request."""
    found: Settings = current_app.extensions["settings"]
    return found

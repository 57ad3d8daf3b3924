"""Verifies bearer tokens offline, with registration's public keys."""

import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select

from shared.auth.principal import Principal, Role
from shared.auth.tokens import ISSUER, LONGEST_TOKEN, public_keys
from shared.auth.withdrawn import DeniedPerson
from shared.core.clock import app_now
from shared.core.json import JsonObject
from shared.core.problems import Unauthorized, Unavailable
from shared.core.settings import Settings
from shared.db.engine import transaction

JWKS_SECONDS = 300
JWKS_RETRY_SECONDS, FIRST_JWKS_RETRY_SECONDS = 15, 1
FIRST_JWKS_TIMEOUT, JWKS_TIMEOUT = 3, 0.5
"""Seconds. With older keys at hand one request waits for new ones, and only a little: registration
may hang, and pages wait a second for this service.
"""

DENIALS_SECONDS = 5
LONGEST_WAIT_SECONDS = 2  #: as for a connection of the pool
NO_KEYS = "Tokens cannot be checked: registration does not answer."


class Verifier:
    """Verifies bearer tokens for one service.

    It keeps registration's public keys for a while and reads denials from the service's own table.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: KeySet | None = None
        self._keys_until = 0.0
        self._keys_lock = threading.Lock()
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
        """Return the holder of a token. Raises Unauthorized unless we signed it and it is valid."""
        try:
            principal = self._decoded(token)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthorized("The token is expired, altered or not ours.") from error
        valid_from = self._denials().get(str(principal.subject))
        if valid_from is not None and principal.issued_at < valid_from:
            raise Unauthorized("This access was withdrawn. Log in again.")
        return principal

    def _decoded(self, token: str) -> Principal:
        decoded = jwt.decode(token, self._key_set(), algorithms=["ES256"])
        if decoded.header.get("typ") != "at+jwt":
            raise Unauthorized("This is not an access token.")
        self._claims.validate(decoded.claims)
        return _principal(decoded.claims)

    def _key_set(self) -> KeySet:
        if self._keys is None:
            return self._first_keys()
        if time.monotonic() > self._keys_until and self._keys_lock.acquire(blocking=False):
            try:
                return self._renewed_keys(JWKS_TIMEOUT)
            except Unavailable:
                # The keys we have are still good; asking at each request would slow them all.
                self._keys_until = time.monotonic() + JWKS_RETRY_SECONDS
            finally:
                self._keys_lock.release()
        return self._keys

    def _first_keys(self) -> KeySet:
        """The keys, which one thread at a time asks for. Raises Unavailable.

        Nobody waits for one failure after another: a failure holds for a second.
        """
        if not self._keys_lock.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise Unavailable(NO_KEYS)
        try:
            if self._keys is not None:
                return self._keys
            if time.monotonic() < self._keys_until:
                raise Unavailable(NO_KEYS)
            return self._keys_or_failure()
        finally:
            self._keys_lock.release()

    def _keys_or_failure(self) -> KeySet:
        """Ask for the first keys, and remember a failure."""
        try:
            return self._renewed_keys(FIRST_JWKS_TIMEOUT)
        except Unavailable:
            self._keys_until = time.monotonic() + FIRST_JWKS_RETRY_SECONDS
            raise

    def _renewed_keys(self, timeout: float) -> KeySet:
        keys = KeySet.import_key_set(self._fetch_keys(timeout))  # type: ignore[arg-type]
        self._keys, self._keys_until = keys, time.monotonic() + JWKS_SECONDS
        return keys

    def _fetch_keys(self, timeout: float) -> JsonObject:
        if self._settings.signing_key:  # registration itself, and the compact process
            return public_keys(self._settings)
        url = f"{self._settings.url_of('registration')}/.well-known/jwks.json"
        try:
            response = requests.get(url, timeout=timeout)
            response.raise_for_status()
            document: JsonObject = response.json()
            return document
        except requests.RequestException as error:
            raise Unavailable(NO_KEYS) from error

    def _denials(self) -> dict[str, datetime]:
        """Denials of tokens that have not expired by themselves.

        One thread at a time reads them again, every few seconds. Raises Unavailable when the
        database keeps it from doing so: the threads behind it must not wait one after another.
        """
        if not self._denials_lock.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise Unavailable("Tokens cannot be checked: the database is away or busy.")
        try:
            if time.monotonic() > self._denied_until:
                self._denied = _read_denials()
                self._denied_until = time.monotonic() + DENIALS_SECONDS
            return self._denied
        finally:
            self._denials_lock.release()


def _read_denials() -> dict[str, datetime]:
    recent = DeniedPerson.valid_from > app_now() - LONGEST_TOKEN
    denials = select(DeniedPerson.person_id, DeniedPerson.valid_from).where(recent)
    with transaction() as session:
        rows = session.execute(denials)
        return {str(row.person_id): row.valid_from for row in rows}


def _principal(claims: JsonObject) -> Principal:
    role = Role(claims["role"])
    return Principal(
        role=role,
        subject=claims["sub"] if role is Role.SYSTEM else UUID(claims["sub"]),
        organisation_id=UUID(claims["org"]) if "org" in claims else None,
        scopes=frozenset(claims.get("scope", "").split()),
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
    )

"""Access tokens: JWTs of people and systems (ES256, 15 minutes, by the rules of RFC 8725).

Registration signs them, every service verifies them.
"""

import time
from datetime import timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.auth.principal import Role
from shared.core.json import JsonObject
from shared.core.settings import Settings, missing

ISSUER = "wishtree"
TOKEN_SECONDS = 15 * 60
LONGEST_TOKEN = timedelta(days=1)
"""The most that `wishtree token --minutes` gives: an older denial meets no valid token."""


def sign_token(
    settings: Settings,
    *,
    role: Role,
    subject: UUID | str,
    organisation_id: UUID | None = None,
    scopes: frozenset[str] = frozenset(),
    seconds: int = TOKEN_SECONDS,
) -> str:
    """Sign an access token (RFC 9068 `at+jwt`).

    Only registration and the operator's command line have the key.
    """
    claims: JsonObject = {"sub": str(subject), "role": role.value, **_standard_claims(seconds)}
    if organisation_id is not None:
        claims["org"] = str(organisation_id)
    if scopes:
        claims["scope"] = " ".join(sorted(scopes))
    key = signing_key(settings)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def _standard_claims(seconds: int) -> JsonObject:
    now = int(time.time())
    return {"iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + seconds}


def signing_key(settings: Settings) -> ECKey:
    """The private key. Raises SettingsError where it was not given."""
    key = ECKey.import_key(
        settings.signing_key or missing("signing_key", "the PEM of an EC P-256 private key")
    )
    key.ensure_kid()
    return key


def public_keys(settings: Settings) -> JsonObject:
    """The JWKS document that registration serves."""
    key = signing_key(settings)
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}

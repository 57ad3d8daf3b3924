"""Access tokens: JWTs of people and systems (ES256, 15 minutes, RFC 8725). Registration signs,
everybody checks.
"""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.auth.principal import Role
from shared.core.settings import Settings, missing

ISSUER = "wishtree"
TOKEN_SECONDS = 15 * 60
LONGEST_TOKEN = timedelta(days=1)
"""What `wishtree token --minutes` may ask for at most; denials older than that meet no token any
more.
"""


def sign_token(
    settings: Settings,
    *,
    role: Role,
    subject: UUID | str,
    organisation_id: UUID | None = None,
    scopes: frozenset[str] = frozenset(),
    seconds: int = TOKEN_SECONDS,
) -> str:
    """An access token (RFC 9068 `at+jwt`). Only registration and the operator's command line have
    the key.
    """
    key = signing_key(settings)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(subject),
        "role": role.value,
        "iat": now,
        "exp": now + seconds,
    }
    if organisation_id is not None:
        claims["org"] = str(organisation_id)
    if scopes:
        claims["scope"] = " ".join(sorted(scopes))
    return jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=["ES256"]
    )


def signing_key(settings: Settings) -> ECKey:
    key = ECKey.import_key(
        settings.signing_key or missing("signing_key", "the PEM of an EC P-256 private key")
    )
    key.ensure_kid()
    return key


def public_keys(settings: Settings) -> dict[str, Any]:
    """The JWKS document that registration serves."""
    key = signing_key(settings)
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}

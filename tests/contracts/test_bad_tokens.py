"""Every service refuses every token that registration did not sign for now, for us, as it is."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from devkit.testkit import District
from shared import SERVICES
from shared.auth.tokens import ISSUER, signing_key
from shared.core.ids import new_id

Forge = Callable[[District], str]
DAY = 24 * 3600


def packed(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token of staff; None leaves one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 900, "role": "staff"}
    return {
        name: value
        for name, value in ({"sub": str(new_id())} | good | changes).items()
        if value is not None
    }


def signed(header: dict[str, Any] | None = None, key: ECKey | None = None, **changes: Any) -> Forge:
    """Sign as registration does, or with another key, except for these changes."""

    def forge(district: District) -> str:
        ours = signing_key(district.settings)
        head = {"alg": "ES256", "typ": "at+jwt", "kid": ours.kid, **(header or {})}
        return jwt.encode(head, claims(**changes), key or ours, algorithms=["ES256"])

    return forge


def hs256(district: District) -> str:
    """Signed with our public key as if it were a shared secret."""
    ours = signing_key(district.settings)
    head = json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": ours.kid}).encode()
    text = f"{packed(head)}.{packed(json.dumps(claims()).encode())}"
    digest = hmac.digest(ours.as_pem(private=False), text.encode(), hashlib.sha256)
    return f"{text}.{packed(digest)}"


def unsigned(district: District) -> str:
    head = packed(b'{"alg":"none","typ":"at+jwt"}')
    return f"{head}.{packed(json.dumps(claims()).encode())}."


def altered(district: District) -> str:
    """A volunteer's own token, with another role written into it."""
    head, _, signature = district.token("volunteer").split(".")
    return f"{head}.{packed(json.dumps(claims()).encode())}.{signature}"


def cut(district: District) -> str:
    return district.token("staff")[:-4]


def without_signature(district: District) -> str:
    return district.token("staff").rpartition(".")[0] + "."


OTHER = ECKey.generate_key("P-256")
BAD: dict[str, Forge] = {
    "no algorithm": unsigned,
    "public key as secret": hs256,
    "altered": altered,
    "cut": cut,
    "without signature": without_signature,
    "another key under our name": signed(key=OTHER),
    "another key in the token": signed({"jwk": OTHER.as_dict(private=False)}, OTHER),
    "another key by address": signed({"jku": "http://127.0.0.1/jwks.json"}, OTHER),
    "an unknown key": signed({"kid": "../../etc/passwd"}),
    "not an access token": signed({"typ": "JWT"}),
    "a refresh token": signed({"typ": "refresh"}),
    "another issuer": signed(iss="elsewhere"),
    "another audience": signed(aud="elsewhere"),
    "no issuer": signed(iss=None),
    "no audience": signed(aud=None),
    "nobody": signed(sub=None),
    "no end": signed(exp=None),
    "no beginning": signed(iat=None),
    "expired": signed(exp=int(time.time()) - 60),
    "an end that is text": signed(exp="tomorrow"),
    "an unknown role": signed(role="god"),
    "no role": signed(role=None),
    "a person without id": signed(sub="staff"),
    "not a token": lambda _: "null",
}


@pytest.mark.check("S4")
@pytest.mark.parametrize("service", SERVICES)
def test_bad_tokens_are_refused_by_every_service(district: District, service: str) -> None:
    def status(token: str) -> int:
        path = f"/{service}/dead-letters"
        return district.services[service].call("GET", path, as_=token).status_code

    assert status(signed()(district)) == status(district.token("staff")) == 200
    assert len(BAD) == 24
    answers = {name: status(forge(district)) for name, forge in BAD.items()}
    assert answers == dict.fromkeys(BAD, 401)


@pytest.mark.check("S4")
def test_a_token_of_somebody_else_opens_nothing(district: District) -> None:
    path = f"/v1/people/{new_id()}/alerts"
    response = district.notify.call("GET", path, as_=district.token("volunteer"))
    assert response.status_code == 404

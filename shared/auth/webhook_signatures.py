"""Standard Webhooks: sign what we send and verify what we receive, HMAC-SHA256 over id, time, body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The `standardwebhooks` package is not used here, because the 5 minutes are counted by the database's
clock and a malformed header must be a refusal, never an error. The package is a dependency of the
tests alone: one of them checks each implementation against the other.
"""

import base64
import binascii
import hashlib
import hmac
import secrets as random_source
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.core.problems import Unauthorized

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
MAX_SIGNATURES = 16  #: more than a rotation ever needs


class BadSignature(Unauthorized):
    """This message is not signed with a valid secret of yours."""


def new_secret() -> str:
    """Make a secret for one other system: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(random_source.token_bytes(32)).decode()


def sign(secrets: Iterable[str], webhook_id: str, timestamp: datetime, body: bytes) -> str:
    """The `webhook-signature` header: one signature per secret, separated by spaces."""
    moment = str(int(timestamp.timestamp())).encode()
    digests = (_digest(secret, webhook_id.encode(), moment, body) for secret in secrets)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a message that one of the secrets signed within 5 minutes of `now`.

    Raises BadSignature for anything else.
    """
    message_id = _message_id(headers.get("webhook-id", ""))
    seconds = _seconds(headers.get("webhook-timestamp", ""), now)
    given = list(_signatures(headers.get("webhook-signature", "")))
    matched = False
    for secret in secrets:
        expected = _digest(secret, message_id.encode(), seconds.encode(), body)
        for signature in given:  # all of them: the time taken tells nothing
            matched |= hmac.compare_digest(expected, signature)
    if not matched:
        raise BadSignature("No signature matches.")
    return message_id


def _message_id(text: str) -> str:
    if not 1 <= len(text) <= 255 or not text.isascii() or not text.isprintable():
        raise BadSignature("webhook-id is missing or not plain text of at most 255 characters.")
    return text


def _seconds(text: str, now: datetime) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadSignature("webhook-timestamp must be whole seconds since 1970.")
    if abs(now.timestamp() - int(text)) > TOLERANCE.total_seconds():
        raise BadSignature("webhook-timestamp is more than 5 minutes away.")
    return text


def _signatures(header: str) -> Iterable[bytes]:
    for part in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = part.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue


def _digest(secret: str, message_id: bytes, seconds: bytes, body: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return hmac.digest(key, b".".join((message_id, seconds, body)), hashlib.sha256)

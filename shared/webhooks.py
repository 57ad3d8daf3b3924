"""Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, several signatures during a rotation.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import secrets as random_source
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret to share with one other side; shown once."""
    return PREFIX + b64encode(random_source.token_bytes(SECRET_BYTES)).decode()


def sign(secrets: Iterable[str], webhook_id: str, timestamp: datetime, body: bytes) -> str:
    """The `webhook-signature` header: one signature per secret, separated by spaces."""
    # The library replaces the zone instead of converting, so it must get UTC.
    moment = timestamp.astimezone(UTC)
    return " ".join(Webhook(secret).sign(webhook_id, moment, body.decode()) for secret in secrets)

"""Systems that call us: OAuth2 client credentials. Our own four services are clients too, by
settings.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.registration.models import Client
from shared import SERVICES
from shared.core.crypto import secret_hash
from shared.core.ids import new_id
from shared.core.problems import invalid
from shared.core.settings import SettingsError
from shared.db.engine import current_database

SCOPES = frozenset(
    {
        "records:write",
        "records:verified",
        "contacts:read",
        "messages:send",
        "events:read",
        "events:*",
    }
)
SERVICE_SCOPES = frozenset({"events:read", "events:*", "contacts:read", "messages:send"})


def is_scope(scope: str) -> bool:
    """`events:<type>` lets a system read facts of one type."""
    return scope in SCOPES or re.fullmatch(r"events:[a-z_]+\.[a-z_]+", scope) is not None


def create_client(session: Session, name: str, scopes: list[str]) -> dict[str, Any]:
    """Register a system. Returns {client_id, client_secret}, the secret this once. Raises a 422 for
    a bad scope.
    """
    for scope in scopes:
        if not is_scope(scope):
            raise invalid("/scopes", f"There is no scope {scope[:60]!r}.")
    client_id = f"client-{secrets.token_hex(8)}"
    secret = secrets.token_urlsafe(32)
    session.add(
        Client(
            id=new_id(),
            client_id=client_id,
            name=name,
            scopes=sorted(set(scopes)),
            secret_hash=secret_hash(secret),
        )
    )
    session.flush()
    return {"client_id": client_id, "client_secret": secret}


def scopes_of(session: Session, client_id: str, client_secret: str) -> frozenset[str] | None:
    """What this client may do; None when id or secret is wrong. Secrets are compared in constant
    time.
    """
    service = client_id.removeprefix("service-")
    if client_id.startswith("service-") and service in SERVICES:
        try:
            expected = current_database().settings.client_secret_of(service)
        except SettingsError:
            return None
        return (
            SERVICE_SCOPES
            if hmac.compare_digest(expected.encode(), client_secret.encode())
            else None
        )
    client = session.scalar(select(Client).where(Client.client_id == client_id))
    if client is None or not hmac.compare_digest(client.secret_hash, secret_hash(client_secret)):
        return None
    return frozenset(client.scopes)


def known_clients(session: Session) -> Sequence[Client]:
    """All systems that were registered, newest first, at most 1,000."""
    return session.scalars(select(Client).order_by(Client.id.desc()).limit(1000)).all()

"""Systems that call us: OAuth2 client credentials.

Our own four services are clients too, by settings.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

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
SERVICE_SCOPES = frozenset(
    {"events:read", "events:*", "contacts:read", "messages:send", "evidence:read"}
)
"""Evidence is for our own services alone: no client can be given its scope."""
SERVICE_PREFIX = "service-"


@dataclass(frozen=True, slots=True)
class NewClient:
    """The credentials of a new client; the secret is shown this once."""

    client_id: str
    client_secret: str


def is_scope(scope: str) -> bool:
    """Tell whether a scope exists. `events:<type>` lets a system read events of one type."""
    return scope in SCOPES or re.fullmatch(r"events:[a-z_]+\.[a-z_]+", scope) is not None


def create_client(session: Session, name: str, scopes: Sequence[str]) -> NewClient:
    """Register a system. Raises a 422 for a scope that does not exist."""
    for scope in scopes:
        if not is_scope(scope):
            raise invalid("/scopes", f"There is no scope {scope[:60]!r}.")
    created = NewClient(f"client-{secrets.token_hex(8)}", secrets.token_urlsafe(32))
    session.add(
        Client(
            id=new_id(),
            client_id=created.client_id,
            name=name,
            scopes=sorted(set(scopes)),
            secret_hash=secret_hash(created.client_secret),
        )
    )
    session.flush()
    return created


def scopes_of(session: Session, client_id: str, client_secret: str) -> frozenset[str] | None:
    """Return what this client may do; None when id or secret is wrong.

    Secrets are compared in constant time.
    """
    # No row can take such a name: ids of clients begin with `client-`.
    service = client_id.removeprefix(SERVICE_PREFIX)
    if client_id.startswith(SERVICE_PREFIX) and service in SERVICES:
        return SERVICE_SCOPES if _is_service_secret(service, client_secret) else None
    client = session.scalar(select(Client).where(Client.client_id == client_id))
    if client is None or not hmac.compare_digest(client.secret_hash, secret_hash(client_secret)):
        return None
    return frozenset(client.scopes)


def _is_service_secret(service: str, client_secret: str) -> bool:
    try:
        expected = current_database().settings.client_secret_of(service)
    except SettingsError:
        return False
    return hmac.compare_digest(expected.encode(), client_secret.encode())


def known_clients(session: Session) -> Sequence[Client]:
    """Return all systems that were registered, newest first, at most 1,000."""
    return session.scalars(select(Client).order_by(Client.id.desc()).limit(1000)).all()

"""How venues authenticate: API keys at the counter, secrets that sign webhooks.

Each is shown once, when it is made.
"""

import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from services.rewards.models import SecretKind, Venue, VenueSecret, VenueStatus
from services.rewards.venues.venues import get_venue
from shared.auth import webhook_signatures
from shared.auth.principal import Principal, Role
from shared.core.clock import app_now
from shared.core.crypto import Vault, secret_hash, vault
from shared.core.ids import new_id
from shared.core.problems import Forbidden, NotFound, Unauthorized, invalid
from shared.db.engine import current_database, transaction
from shared.db.statements import changed

OVERLAP = timedelta(hours=24)
_NO_SECRET = UUID(int=0)


class SecretNotFound(NotFound):
    """This venue has no such secret."""


class VenueSuspended(Forbidden):
    """This venue does not take part at present."""


class Scope(StrEnum):
    """What an API key may do. A key without scopes may do all of it."""

    CHECK = "vouchers:check"
    HOLD = "vouchers:hold"
    REDEEM = "vouchers:redeem"
    STATEMENTS = "statements"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made. It cannot be shown again."""

    id: UUID
    kind: SecretKind
    secret: str
    label: str | None
    scopes: Sequence[str]
    valid_until: datetime | None


def create_secret(
    session: Session,
    venue_id: UUID,
    kind: SecretKind,
    *,
    label: str | None = None,
    scopes: Collection[Scope] = (),
    expires_at: datetime | None = None,
) -> NewSecret:
    """Make a secret. The older webhook secret stays valid for 24 hours more; API keys stay.

    Only API keys have scopes and an expiry. Raises VenueNotFound, and Unprocessable for fields
    that do not fit.
    """
    get_venue(session, venue_id)
    _check(session, kind, scopes, expires_at)
    row = VenueSecret(
        id=new_id(),
        venue_id=venue_id,
        kind=kind,
        label=label,
        scopes=sorted(set(scopes)),
        valid_until=expires_at,
    )
    secret = _new_webhook_secret(session, row) if kind is SecretKind.WEBHOOK else _new_key(row)
    session.add(row)
    session.flush()
    return NewSecret(row.id, kind, secret, label, row.scopes, expires_at)


def _check(
    session: Session, kind: SecretKind, scopes: Collection[Scope], expires_at: datetime | None
) -> None:
    """Raise Unprocessable for fields that do not fit."""
    if expires_at is not None and not session.scalar(select(app_now() < expires_at)):
        raise invalid("/expires_at", "This moment has passed.")
    if kind is SecretKind.WEBHOOK and (scopes or expires_at is not None):
        raise invalid(
            "/kind", "A webhook secret has neither scopes nor an end; a newer one replaces it."
        )


def _new_key(row: VenueSecret) -> str:
    """Make an API key. It contains the id of its row, so that the look-up needs no scan."""
    key = f"wt_{row.id.hex}_{secrets.token_urlsafe(32)}"
    row.hashed = secret_hash(key)
    return key


def _new_webhook_secret(session: Session, row: VenueSecret) -> str:
    """Make a webhook secret and let the older one end after the overlap."""
    session.execute(
        update(VenueSecret)
        .where(
            VenueSecret.venue_id == row.venue_id,
            VenueSecret.kind == SecretKind.WEBHOOK,
            VenueSecret.valid_until.is_(None),
        )
        .values(valid_until=app_now() + OVERLAP)
    )
    secret = webhook_signatures.new_secret()
    row.sealed = _vault().seal(secret)
    return secret


def secrets_of(session: Session, venue_id: UUID) -> Select[VenueSecret]:
    """Select all secrets that a venue ever had. Raises VenueNotFound."""
    get_venue(session, venue_id)
    return select(VenueSecret).where(VenueSecret.venue_id == venue_id)


def revoke_secret(session: Session, venue_id: UUID, secret_id: UUID) -> None:
    """End a secret at once. Repeating it changes nothing. Raises SecretNotFound."""
    earliest_end = func.least(func.coalesce(VenueSecret.valid_until, app_now()), app_now())
    ended = session.execute(
        update(VenueSecret)
        .where(VenueSecret.id == secret_id, VenueSecret.venue_id == venue_id)
        .values(valid_until=earliest_end)
    )
    if not changed(ended):
        raise SecretNotFound(f"No secret {secret_id}.")


def webhook_secrets(session: Session, venue_id: UUID) -> list[str]:
    """Return the secrets that may sign for a venue now; none for an unknown venue.

    A suspended venue keeps its secrets.
    """
    sealed: Sequence[bytes | None] = session.scalars(
        select(VenueSecret.sealed).where(
            VenueSecret.venue_id == venue_id, VenueSecret.kind == SecretKind.WEBHOOK, valid_now()
        )
    ).all()
    return [_vault().unseal(box) for box in sealed if box is not None]


def principal_of_key(key: str) -> Principal:
    """Return the venue of an API key, with the key's scopes.

    Raises Unauthorized, VenueSuspended.
    """
    with transaction() as session:
        found = session.execute(
            select(VenueSecret.venue_id, VenueSecret.hashed, VenueSecret.scopes, Venue.status)
            .join(Venue, Venue.id == VenueSecret.venue_id)
            .where(
                VenueSecret.id == _secret_id_of(key),
                VenueSecret.kind == SecretKind.API_KEY,
                valid_now(),
            )
        ).one_or_none()
    # Hash and compare also for an unknown key, so that both take equally long.
    hashed = found.hashed if found is not None else bytes(32)
    if not hmac.compare_digest(hashed, secret_hash(key)) or found is None:
        raise Unauthorized("This API key is unknown, has ended, or was revoked.")
    if found.status is VenueStatus.SUSPENDED:
        raise VenueSuspended(
            "The centre has suspended this venue. Signed webhooks are still accepted."
        )
    return Principal(role=Role.VENUE, subject=found.venue_id, scopes=frozenset(found.scopes))


def _secret_id_of(key: str) -> UUID:
    """Read the id that a key contains; an id that no row has for anything else."""
    prefix, _, rest = key.partition("_")
    written_id, separator, _ = rest.partition("_")
    if prefix != "wt" or not separator:
        return _NO_SECRET
    try:
        return UUID(hex=written_id)
    except ValueError:
        return _NO_SECRET


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raise Forbidden, naming the scope that a key lacks."""
    if principal.scopes and not principal.has(scope):
        raise Forbidden(f"This key lacks the scope {scope}.")


def valid_now() -> ColumnElement[bool]:
    """Condition: the secret has not ended."""
    return or_(VenueSecret.valid_until.is_(None), VenueSecret.valid_until > app_now())


def _vault() -> Vault:
    return vault(current_database().settings, "rewards.venue_secrets.sealed")

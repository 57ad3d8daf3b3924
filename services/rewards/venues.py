"""Partner venues and how they prove themselves: an API key at the counter, a signing secret for webhooks."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.rewards.models import FailedLook, SecretKind, Venue, VenueSecret
from shared import webhooks
from shared.auth import Principal, Role
from shared.clock import app_now
from shared.crypto import Vault, secret_hash, vault
from shared.db import changed, current_database, transaction
from shared.ids import new_id
from shared.problems import NotFound, TooManyRequests, Unauthorized

OVERLAP = timedelta(hours=24)
GUESSES, GUESS_WINDOW = 20, timedelta(minutes=10)


class VenueNotFound(NotFound):
    """There is no such venue."""


class SecretNotFound(NotFound):
    """This venue has no such secret."""


class TooManyGuesses(TooManyRequests):
    """Too many unknown codes. Codes that exist still work."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made: the only time it can be seen."""

    id: UUID
    kind: SecretKind
    secret: str


def create_venue(session: Session, name: str, kind: str) -> Venue:
    """Add a partner venue."""
    venue = Venue(id=new_id(), name=name, kind=kind)
    session.add(venue)
    session.flush()
    return venue


def get_venue(session: Session, venue_id: UUID) -> Venue:
    """Raises VenueNotFound."""
    venue = session.get(Venue, venue_id)
    if venue is None:
        raise VenueNotFound(f"No venue {venue_id}.")
    return venue


def create_secret(session: Session, venue_id: UUID, kind: SecretKind) -> NewSecret:
    """Make a secret. An older webhook secret stays valid for 24 hours more; API keys stay until they are taken back.

    Raises VenueNotFound.
    """
    get_venue(session, venue_id)
    row = VenueSecret(id=new_id(), venue_id=venue_id, kind=kind)
    if kind is SecretKind.WEBHOOK:
        session.execute(
            update(VenueSecret)
            .where(VenueSecret.venue_id == venue_id, VenueSecret.kind == kind, VenueSecret.valid_until.is_(None))
            .values(valid_until=app_now() + OVERLAP)
        )
        secret = webhooks.new_secret()
        row.sealed = _vault().seal(secret)
    else:
        secret = f"wt_{row.id.hex}_{secrets.token_urlsafe(32)}"
        row.hashed = secret_hash(secret)
    session.add(row)
    session.flush()
    return NewSecret(row.id, kind, secret)


def revoke_secret(session: Session, venue_id: UUID, secret_id: UUID) -> None:
    """End a secret at once. Repeating it changes nothing. Raises SecretNotFound."""
    ended = session.execute(
        update(VenueSecret)
        .where(VenueSecret.id == secret_id, VenueSecret.venue_id == venue_id)
        .values(valid_until=func.least(func.coalesce(VenueSecret.valid_until, app_now()), app_now()))
    )
    if not changed(ended):
        raise SecretNotFound(f"No secret {secret_id}.")


def webhook_secrets(session: Session, venue_id: UUID) -> list[str]:
    """What may sign for a venue now; none for an unknown one."""
    sealed: Sequence[bytes | None] = session.scalars(
        select(VenueSecret.sealed).where(
            VenueSecret.venue_id == venue_id, VenueSecret.kind == SecretKind.WEBHOOK, _valid()
        )
    ).all()
    return [_vault().unseal(box) for box in sealed if box is not None]


def principal_of_key(key: str) -> Principal:
    """The venue behind an API key. Raises Unauthorized."""
    parts = key.split("_", 2)
    try:
        secret_id = UUID(hex=parts[1]) if len(parts) == 3 and parts[0] == "wt" else UUID(int=0)
    except ValueError:
        secret_id = UUID(int=0)
    with transaction() as session:
        found = session.execute(
            select(VenueSecret.venue_id, VenueSecret.hashed).where(
                VenueSecret.id == secret_id, VenueSecret.kind == SecretKind.API_KEY, _valid()
            )
        ).one_or_none()
    hashed = found.hashed if found is not None else bytes(32)
    if not hmac.compare_digest(hashed, secret_hash(key)) or found is None:
        raise Unauthorized("This API key is not one of ours, or was taken back.")
    return Principal(role=Role.VENUE, subject=found.venue_id)


def note_guess(session: Session, venue_id: UUID) -> None:
    """Count a look-up of a code that is none of this venue's vouchers.

    Raises TooManyGuesses, and counts nothing more, when there were 20 in the last 10 minutes. Parallel guesses wait
    for each other, so that none slips past the count.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"rewards.guesses {venue_id}", 0))))
    since = app_now() - GUESS_WINDOW
    recent = session.execute(
        select(FailedLook.looked_at, app_now().label("now"))
        .where(FailedLook.venue_id == venue_id, FailedLook.looked_at > since)
        .order_by(FailedLook.looked_at.desc())
        .limit(GUESSES)
    ).all()
    if len(recent) == GUESSES:
        oldest, moment = recent[-1].looked_at, recent[-1].now
        problem = TooManyGuesses("Check the code with the guest before trying again.")
        problem.headers["Retry-After"] = str(max(1, _seconds(oldest + GUESS_WINDOW, moment)))
        raise problem
    session.add(FailedLook(venue_id=venue_id))
    session.flush()


def _seconds(end: datetime, start: datetime) -> int:
    return int((end - start).total_seconds()) + 1


def _valid() -> ColumnElement[bool]:
    return or_(VenueSecret.valid_until.is_(None), VenueSecret.valid_until > app_now())


def _vault() -> Vault:
    return vault(current_database().settings, "rewards.venue_secrets.sealed")


def forget_guesses(session: Session) -> None:
    """Drop guesses of more than a day ago."""
    session.execute(delete(FailedLook).where(FailedLook.looked_at < app_now() - timedelta(days=1)))

"""The checklist of a new venue: what it lacks before its first guest."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from services.rewards.models import Product, Redemption, SecretKind, Venue, VenueSecret, VenueStatus
from services.rewards.venues.keys import valid_now
from services.rewards.venues.venues import VenueNotFound


class Step(StrEnum):
    """The steps, in the order in which they are best taken."""

    PRODUCT = "product"  #: it offers something
    API_KEY = "api_key"  #: its counter can check and redeem
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - its system can report redemptions
    PRACTISED = "practised"  #: a sandbox of the same name and kind has redeemed a voucher
    ACTIVE = "active"  #: it is not suspended


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Which steps are done."""

    venue_id: UUID
    steps: dict[Step, bool]

    @property
    def next(self) -> Step | None:
        """The first step that is not done; None when nothing is missing."""
        return next((step for step, done in self.steps.items() if not done), None)


def onboarding(session: Session, venue_id: UUID) -> Onboarding:
    """Read the checklist of a venue from the database. Raises VenueNotFound."""
    done = {
        Step.PRODUCT: exists().where(Product.venue_id == venue_id),
        Step.API_KEY: _has_secret(venue_id, SecretKind.API_KEY),
        Step.WEBHOOK_SECRET: _has_secret(venue_id, SecretKind.WEBHOOK),
        Step.PRACTISED: _has_practised(),
        Step.ACTIVE: Venue.status == VenueStatus.ACTIVE,
    }
    columns = [condition.label(step) for step, condition in done.items()]
    row = session.execute(select(*columns).where(Venue.id == venue_id)).one_or_none()
    if row is None:
        raise VenueNotFound(f"No venue {venue_id}.")
    return Onboarding(venue_id, dict(zip(done, row, strict=True)))


def _has_secret(venue_id: UUID, kind: SecretKind) -> ColumnElement[bool]:
    return exists().where(VenueSecret.venue_id == venue_id, valid_now(), VenueSecret.kind == kind)


def _has_practised() -> ColumnElement[bool]:
    sandbox = aliased(Venue)
    redeemed = exists().where(
        Redemption.venue_id == sandbox.id,
        sandbox.sandbox,
        sandbox.name == Venue.name,
        sandbox.kind == Venue.kind,
    )
    return redeemed.correlate(Venue)

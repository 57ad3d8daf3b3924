"""What a new venue still lacks before its first guest: a checklist, read from what is there."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, select
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
    """Which steps are done, and which is next; None when nothing is missing."""

    venue_id: UUID
    steps: dict[Step, bool]

    @property
    def next(self) -> Step | None:
        return next((step for step, done in self.steps.items() if not done), None)


def onboarding(session: Session, venue_id: UUID) -> Onboarding:
    """How far a venue has come. Raises VenueNotFound."""
    secrets = exists().where(VenueSecret.venue_id == venue_id, valid_now())
    sandbox = aliased(Venue)
    practised = exists().where(
        Redemption.venue_id == sandbox.id,
        sandbox.sandbox,
        sandbox.name == Venue.name,
        sandbox.kind == Venue.kind,
    )
    row = session.execute(
        select(
            exists().where(Product.venue_id == venue_id).label(Step.PRODUCT),
            secrets.where(VenueSecret.kind == SecretKind.API_KEY).label(Step.API_KEY),
            secrets.where(VenueSecret.kind == SecretKind.WEBHOOK).label(Step.WEBHOOK_SECRET),
            practised.correlate(Venue).label(Step.PRACTISED),
            (Venue.status == VenueStatus.ACTIVE).label(Step.ACTIVE),
        ).where(Venue.id == venue_id)
    ).one_or_none()
    if row is None:
        raise VenueNotFound(f"No venue {venue_id}.")
    return Onboarding(venue_id, dict(zip(Step, row, strict=True)))

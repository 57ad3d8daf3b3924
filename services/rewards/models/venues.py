"""Partner venues, how they prove themselves, and what they sent."""

from datetime import datetime
from enum import StrEnum
from typing import NotRequired, TypedDict
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class VenueStatus(StrEnum):
    """Whether a venue takes part."""

    ACTIVE = "active"  #: its products are issued, its counter takes vouchers in
    #: nothing new is issued for it and its keys are refused; what it signs is still taken
    SUSPENDED = "suspended"


class Venue(Base):
    __tablename__ = "venues"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[VenueStatus] = mapped_column(server_default=VenueStatus.ACTIVE.value)
    sandbox: Mapped[bool] = mapped_column(server_default=text("false"))
    """To practise with: never settled, nobody earns for it."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class SecretKind(StrEnum):
    """What a secret is for."""

    WEBHOOK = "webhook"  #: signs what the venue sends us; sealed, because checking needs it
    API_KEY = "api_key"  #: opens the counter; only its hash is kept


class VenueSecret(Base):
    __tablename__ = "venue_secrets"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), index=True)
    kind: Mapped[SecretKind]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    hashed: Mapped[bytes | None] = mapped_column(LargeBinary)
    label: Mapped[str | None]
    """Where it is used, such as "till 2"."""
    scopes: Mapped[list[str]] = mapped_column(server_default="[]")
    """API keys: what it may do; empty means everything a counter does."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    valid_until: Mapped[datetime | None]
    """When it ends: as requested, when staff revoked it, or 24 h after a newer secret came."""

    __table_args__ = (
        CheckConstraint(
            "(kind = 'webhook') = (sealed IS NOT NULL)"
            " AND (kind = 'api_key') = (hashed IS NOT NULL)",
            "kept",
        ),
    )


class FailedLook(Base):
    """A venue sent a code that no voucher of it has. Twenty in ten minutes lock it out."""

    __tablename__ = "failed_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID]
    looked_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        Index("ix_failed_looks_venue_id_looked_at", "venue_id", "looked_at"),
        Index("ix_failed_looks_looked_at", "looked_at"),
    )


class LockOut(Base):
    """Guessing was locked out, at one venue or (scope `all`) everywhere; one alarm was raised."""

    __tablename__ = "lock_outs"

    scope: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class LineAnswer(TypedDict):
    """What became of one redemption or reversal that a venue reported."""

    reference: NotRequired[str]  #: in a batch only
    outcome: str
    voucher_id: NotRequired[str]
    redeemed_at: NotRequired[str]


class BatchAnswer(TypedDict):
    """What became of each line of a batch, in the order sent."""

    items: list[LineAnswer]


class WebhookReceipt(Base):
    """A webhook that took effect, and our answer: sent again, it gets the same answer."""

    __tablename__ = "webhook_receipts"

    venue_id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[LineAnswer | BatchAnswer] = mapped_column(JSONB(), server_default="{}")
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_webhook_receipts_received_at", "received_at"),)

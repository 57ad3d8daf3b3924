"""Partner venues, how they prove themselves, and what they sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.clock import app_now
from shared.ids import new_id


class Venue(Base):
    __tablename__ = "venues"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[str]
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
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    valid_until: Mapped[datetime | None]
    """Set when a newer webhook secret replaced it (24 h overlap) or staff took it back (at once)."""

    __table_args__ = (
        CheckConstraint(
            "(kind = 'webhook') = (sealed IS NOT NULL) AND (kind = 'api_key') = (hashed IS NOT NULL)", "kept"
        ),
    )


class FailedLook(Base):
    """A venue asked for a code that is not one of its vouchers'. Twenty in ten minutes lock its guessing out."""

    __tablename__ = "failed_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID]
    looked_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_failed_looks_venue_id_looked_at", "venue_id", "looked_at"),)


class WebhookReceipt(Base):
    """A webhook that took effect, and what we answered: sent again, it gets the same answer."""

    __tablename__ = "webhook_receipts"

    venue_id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())

"""What is to be sent to subscribers, and how each attempt went."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  #: due at due_at; send_due takes it
    DELIVERED = "delivered"  #: answered with 2xx; final
    DEAD = "dead"  #: the schedule is spent, or the address is gone; recover sends it again
    HELD = "held"  #: its subscription was disabled; recover sends it


class Delivery(Base):
    """One fact for one subscription."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    event_id: Mapped[UUID]
    """Also the `webhook-id`, by which the receiver drops repetitions."""
    event_type: Mapped[str]
    body: Mapped[str]
    """The CloudEvent as it was received: what is signed is what was said."""
    status: Mapped[DeliveryStatus] = mapped_column(
        default=DeliveryStatus.WAITING, server_default="waiting"
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """Counted and committed before sending; also the fence that a late failure must match."""
    due_at: Mapped[datetime] = mapped_column(server_default=app_now())
    claimed_until: Mapped[datetime | None]
    """Somebody is sending it. After this moment that somebody is taken for dead."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now(), index=True)
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("subscription_id", "event_id"),
        Index(
            "ix_deliveries_waiting",
            "subscription_id",
            "due_at",
            postgresql_where=text("status = 'waiting'"),
        ),
    )


class DeliveryAttempt(Base):
    """How one attempt went. No bodies, neither ours nor theirs."""

    __tablename__ = "delivery_attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), index=True
    )
    subscription_id: Mapped[UUID]
    number: Mapped[int]
    status: Mapped[int | None]
    """The HTTP status; None when there was no answer."""
    milliseconds: Mapped[int]
    error: Mapped[str | None]
    """Class of the error when there was no answer."""
    attempted_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_delivery_attempts_subscription_id_id", "subscription_id", "id"),)

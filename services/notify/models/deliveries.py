"""Deliveries to subscribers, and the attempts to send them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class DeliveryStatus(StrEnum):
    """What state a delivery is in."""

    WAITING = "waiting"  #: due at due_at; send_due takes it
    DELIVERED = "delivered"  #: the receiver answered with 2xx; final
    DEAD = "dead"  #: every attempt failed, or the address is gone; recover sends it again
    HELD = "held"  #: its subscription was disabled; recover sends it


class Delivery(Base):
    """One event for one subscription."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    event_id: Mapped[UUID]
    """Also the `webhook-id`, by which the receiver recognises repetitions."""
    event_type: Mapped[str]
    body: Mapped[str]
    """The CloudEvent as it was received; it is signed and sent unchanged."""
    status: Mapped[DeliveryStatus] = mapped_column(
        default=DeliveryStatus.WAITING, server_default="waiting"
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """Counted and committed before sending. A late failure must match it to count."""
    due_at: Mapped[datetime] = mapped_column(server_default=app_now())
    claimed_until: Mapped[datetime | None]
    """A process is sending it until then; afterwards another may send it."""
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
    """The result of one attempt. No bodies, neither ours nor theirs."""

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
    """The class of the error when there was no answer."""
    attempted_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_delivery_attempts_subscription_id_id", "subscription_id", "id"),)

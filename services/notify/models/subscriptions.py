"""Webhook subscriptions of other systems."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class Subscription(Base):
    """Events of these types go to this address. Active unless `disabled_at` is set."""

    __tablename__ = "subscriptions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    url: Mapped[str]
    events: Mapped[list[str]]
    venue_id: Mapped[UUID | None]
    """If set, only events of this venue are sent."""
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    failing_since: Mapped[datetime | None]
    """The first failure after the last success; after five days of failures it is disabled."""
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    """gone (it answered 410) or failing (five days of failures)."""


class EndedSubscription(Base):
    """A subscription with this id was deleted, so deleting it again is answered alike."""

    __tablename__ = "ended_subscriptions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(server_default=app_now())


class SubscriptionSecret(Base):
    """A signing secret. During a rotation two are valid, and every message has both signatures."""

    __tablename__ = "subscription_secrets"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subscription_id: Mapped[UUID] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    valid_until: Mapped[datetime | None]
    """None for the current secret."""

"""What points can become, how many of it are left, and who waits for more."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class Product(Base):
    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"), index=True)
    title: Mapped[str]
    points: Mapped[int]
    valid_days: Mapped[int]
    cost_fen: Mapped[int] = mapped_column(server_default="0")
    """What the centre owes the venue for each redemption, in fen 分; 0 where the venue gives it."""
    daily_quota: Mapped[int | None]
    """At most so many are issued per day (at the site)."""
    offered_from: Mapped[date | None]
    offered_until: Mapped[date | None]
    """First and last day on which it is issued; missing: no such limit."""
    blackout_days: Mapped[list[date]] = mapped_column(ARRAY(Date()), server_default="{}")
    """Days on which the venue's counter does not take it 不可用日."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        CheckConstraint("points > 0", "points_positive"),
        CheckConstraint("valid_days > 0", "valid_days_positive"),
        CheckConstraint("cost_fen >= 0", "cost_fen_not_negative"),
        CheckConstraint("daily_quota >= 0", "daily_quota_not_negative"),
    )


class IssueBacklog(Base):
    """An account whose points buy more vouchers than one transaction issues.

    Written while the account is locked. A job continues, the longest waiting first.
    """

    __tablename__ = "issue_backlog"

    volunteer_id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=app_now(), index=True)


class Stock(Base):
    """How many of a product are left.

    A row of its own: many transactions want it, so it is locked last and holds nothing else.
    """

    __tablename__ = "stocks"

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)
    left: Mapped[int]
    filled: Mapped[int]
    """What staff last set; a tenth of it is low."""
    day: Mapped[date | None]
    day_count: Mapped[int] = mapped_column(server_default="0")
    """How many were issued on `day`, for the daily quota."""
    month: Mapped[date | None]
    month_points: Mapped[int] = mapped_column(server_default="0")
    """Points of what was issued in the month that begins on `month`, for the budget."""

    __table_args__ = (
        CheckConstraint('"left" >= 0', "left_not_negative"),
        CheckConstraint("day_count >= 0", "day_count_not_negative"),
        CheckConstraint("month_points >= 0", "month_points_not_negative"),
    )


class BackorderStatus(StrEnum):
    """Where an entitlement without stock stands."""

    WAITING = "waiting"  #: its points are held; issue_waiting takes it first-come
    ISSUED = "issued"  #: became a voucher
    CANCELLED = "cancelled"  #: by a correction, a leaver, or an ended offer; points are released


class Backorder(Base):
    __tablename__ = "backorders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    volunteer_id: Mapped[UUID]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    points: Mapped[int]
    rule_id: Mapped[UUID | None]
    rule_version: Mapped[int | None]
    status: Mapped[BackorderStatus] = mapped_column(server_default=BackorderStatus.WAITING.value)
    voucher_id: Mapped[UUID | None] = mapped_column(unique=True)
    """What it became."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        Index(
            "ix_backorders_waiting", "product_id", "id", postgresql_where=text("status = 'waiting'")
        ),
        Index("ix_backorders_volunteer_id_id", "volunteer_id", "id"),
    )

"""Vouchers and their redemptions. The code is never in clear: a fingerprint to find it, a sealed copy to show it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.clock import app_now
from shared.ids import new_id


class VoucherStatus(StrEnum):
    """Where a voucher stands.

    issued -> held -> redeemed; aside expired and voided; a reversed redemption leads back to issued.
    """

    ISSUED = "issued"  #: its holder can see the code; hold_voucher, redeem, void_voucher or the clock move it on
    HELD = "held"  #: reserved by its venue until held_until, after which it counts as issued
    REDEEMED = "redeemed"  #: taken in by its venue; final unless reversed before settlement
    EXPIRED = "expired"  #: the last day passed; final
    VOIDED = "voided"  #: taken back by a correction, by staff, or because its holder left; final


class Voucher(Base):
    __tablename__ = "vouchers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    holder_id: Mapped[UUID]
    """The volunteer."""
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    venue_id: Mapped[UUID]
    title: Mapped[str]
    """Public title of the product, as it was then."""
    points: Mapped[int]
    """What it cost then."""
    code_fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[VoucherStatus] = mapped_column(server_default=VoucherStatus.ISSUED.value)
    rule_id: Mapped[UUID | None]
    rule_version: Mapped[int | None]
    issued_at: Mapped[datetime] = mapped_column(server_default=app_now())
    expires_at: Mapped[datetime]
    hold_id: Mapped[UUID | None] = mapped_column(unique=True)
    held_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it was redeemed, expired or voided."""
    end_reason: Mapped[str | None]
    """Why it was voided: correction, left, or what staff wrote."""

    __table_args__ = (
        Index("ix_vouchers_holder_id_id", "holder_id", "id"),
        Index("ix_vouchers_expires_at", "expires_at", postgresql_where=text("status IN ('issued', 'held')")),
        CheckConstraint("points > 0", "points_positive"),
        CheckConstraint("status <> 'held' OR (hold_id IS NOT NULL AND held_until IS NOT NULL)", "held_has_hold"),
    )


class Redemption(Base):
    """A venue took a voucher in."""

    __tablename__ = "redemptions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"))
    venue_id: Mapped[UUID]
    reference: Mapped[str]
    """The venue's own number of the sale: repeated, it gets the same answer."""
    channel: Mapped[str]
    """counter or webhook"""
    redeemed_at: Mapped[datetime] = mapped_column(server_default=app_now())
    reversed_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("venue_id", "reference"),
        Index("uq_redemptions_voucher_id", "voucher_id", unique=True, postgresql_where=text("reversed_at IS NULL")),
        CheckConstraint("reversed_at IS NULL OR settled_at IS NULL", "settled_is_final"),
    )


class Hold(Base):
    """A venue was given this hold once. Whether it still holds is on the voucher."""

    __tablename__ = "holds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    venue_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class CodeLook(Base):
    """Somebody saw a code."""

    __tablename__ = "code_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), index=True)
    looked_by: Mapped[UUID]
    looked_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Dispute(Base):
    """A venue reported a redemption by webhook that could not be booked; a person has to look. One per case."""

    __tablename__ = "disputes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID]
    reference: Mapped[str]
    reason_code: Mapped[str]
    voucher_id: Mapped[UUID | None]
    """None where the code is none of this venue's."""
    opened_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        UniqueConstraint("venue_id", "reference", "reason_code"),
        Index("ix_disputes_venue_id_id", "venue_id", "id"),
    )

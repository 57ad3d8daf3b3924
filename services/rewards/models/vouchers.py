"""Vouchers and their redemptions.

The code is never in clear: a fingerprint to find it, a sealed copy to show it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class VoucherStatus(StrEnum):
    """Where a voucher stands.

    issued -> held -> redeemed -> settled; aside expired, voided and given; a reversed redemption
    leads back to issued.
    """

    #: its holder can see the code; hold_voucher, redeem, void_voucher or the clock move it on
    ISSUED = "issued"
    HELD = "held"  #: reserved by its venue until held_until, after which it counts as issued
    REDEEMED = "redeemed"  #: taken in by its venue; reversed or settled later
    SETTLED = "settled"  #: its venue's month is closed; final unless that is reopened
    EXPIRED = "expired"  #: the last day passed; final
    VOIDED = "voided"  #: taken back by a correction, by staff, or because its holder left; final
    GIVEN = "given"  #: handed on: its code died, another voucher took its place; final


class VoucherOrigin(StrEnum):
    """How its holder came to it.

    Corrections of hours take back only what the holder's own points bought.
    """

    EARNED = "earned"  #: issued by a rule when the points were there
    EXCHANGED = "exchanged"  #: bought on request
    GIFT = "gift"  #: given on by somebody, or out of the pool
    SANDBOX = "sandbox"  #: made for a venue to practise with; without a holder


class Voucher(Base):
    __tablename__ = "vouchers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    holder_id: Mapped[UUID | None]
    """Who may see the code; None in the pool and in the sandbox."""
    origin: Mapped[VoucherOrigin] = mapped_column(server_default=VoucherOrigin.EARNED.value)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    venue_id: Mapped[UUID]
    title: Mapped[str]
    """Public title of the product, as it was then."""
    points: Mapped[int]
    """What it cost then."""
    cost_fen: Mapped[int] = mapped_column(server_default="0")
    """What the centre will owe the venue for it, as agreed then."""
    code_fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[VoucherStatus] = mapped_column(server_default=VoucherStatus.ISSUED.value)
    rule_id: Mapped[UUID | None]
    rule_version: Mapped[int | None]
    issued_at: Mapped[datetime] = mapped_column(server_default=app_now())
    expires_at: Mapped[datetime]
    hold_id: Mapped[UUID | None] = mapped_column(unique=True)
    held_until: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    """When its holder was reminded that it will expire soon."""
    ended_at: Mapped[datetime | None]
    """When it was redeemed, expired, voided or given."""
    end_reason: Mapped[str | None]
    """Why it was voided: correction, left, or what staff wrote."""

    __table_args__ = (
        Index("ix_vouchers_holder_id_id", "holder_id", "id"),
        Index(
            "ix_vouchers_expires_at",
            "expires_at",
            postgresql_where=text("status IN ('issued', 'held')"),
        ),
        Index("ix_vouchers_held_until", "held_until", postgresql_where=text("status = 'held'")),
        Index(
            "ix_vouchers_pool",
            "product_id",
            "expires_at",
            "id",
            postgresql_where=text(
                "holder_id IS NULL AND status = 'issued' AND origin <> 'sandbox'"
            ),
        ),
        CheckConstraint("points > 0", "points_positive"),
        CheckConstraint(
            "status <> 'held' OR (hold_id IS NOT NULL AND held_until IS NOT NULL)", "held_has_hold"
        ),
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
        Index(
            "uq_redemptions_voucher_id",
            "voucher_id",
            unique=True,
            postgresql_where=text("reversed_at IS NULL"),
        ),
        CheckConstraint("reversed_at IS NULL OR settled_at IS NULL", "settled_is_final"),
        Index(
            "ix_redemptions_unsettled",
            "venue_id",
            "redeemed_at",
            postgresql_where=text("reversed_at IS NULL AND settled_at IS NULL"),
        ),
    )


class CodeLook(Base):
    """Somebody saw a code."""

    __tablename__ = "code_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), index=True)
    looked_by: Mapped[UUID]
    looked_at: Mapped[datetime] = mapped_column(server_default=app_now())

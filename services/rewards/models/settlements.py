"""What the centre and a venue agree on for a month: settlements, venue reports, disputes."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class DisputeStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"  #: a person has to decide before `due_at`
    ACCEPTED = "accepted"  #: the centre pays it, with the next settlement
    REJECTED = "rejected"  #: the centre does not
    LAPSED = "lapsed"  #: nobody decided in time; the venue may bring it up again with its own list


class Dispute(Base):
    """A redemption that a venue reported and that could not be booked: a person decides.

    One row per case.
    """

    __tablename__ = "disputes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID]
    reference: Mapped[str]
    reason_code: Mapped[str]
    voucher_id: Mapped[UUID | None]
    """None where no voucher of this venue has the code."""
    status: Mapped[DisputeStatus] = mapped_column(server_default=DisputeStatus.OPEN.value)
    opened_at: Mapped[datetime] = mapped_column(server_default=app_now())
    due_at: Mapped[datetime] = mapped_column(server_default=text("app_now() + interval '14 days'"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    note: Mapped[str | None]
    amount_fen: Mapped[int] = mapped_column(server_default="0")
    """What the centre pays for it, in fen."""
    settlement_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlements.id"))
    """The settlement that paid it: once."""

    __table_args__ = (
        UniqueConstraint("venue_id", "reference", "reason_code"),
        Index("ix_disputes_venue_id_id", "venue_id", "id"),
        Index("ix_disputes_due_at", "due_at", postgresql_where=text("status = 'open'")),
        CheckConstraint("amount_fen >= 0", "amount_fen_not_negative"),
    )


class Settlement(Base):
    """A closed month of a venue 结算.

    Reopened, it stays as it was and a later one takes its place.
    """

    __tablename__ = "settlements"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    month: Mapped[date] = mapped_column(Date())
    """Its first day."""
    redemptions: Mapped[int]
    points: Mapped[int]
    fen: Mapped[int]
    """Owed to the venue for the redemptions, without what disputes added."""
    disputes_fen: Mapped[int]
    closed_by: Mapped[str]
    closed_at: Mapped[datetime] = mapped_column(server_default=app_now())
    reopened_by: Mapped[str | None]
    reopened_at: Mapped[datetime | None]
    reopen_reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_settlements_venue_id_month",
            "venue_id",
            "month",
            unique=True,
            postgresql_where=text("reopened_at IS NULL"),
        ),
        Index("ix_settlements_venue_id_id", "venue_id", "id"),
    )


class SettlementLine(Base):
    """A redemption in a settlement; of those that stand, a redemption is in one only."""

    __tablename__ = "settlement_lines"

    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("settlements.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemptions.id"), primary_key=True)
    stands: Mapped[bool] = mapped_column(server_default=text("true"))
    """False when its settlement was reopened."""

    __table_args__ = (
        Index(
            "uq_settlement_lines_redemption_id",
            "redemption_id",
            unique=True,
            postgresql_where=text("stands"),
        ),
    )


class VenueReport(Base):
    """A venue's own list for a month. The newest counts; older ones stay."""

    __tablename__ = "venue_statements"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    month: Mapped[date] = mapped_column(Date())
    lines: Mapped[int]
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_venue_statements_venue_id_month", "venue_id", "month", "id"),)


class VenueReportLine(Base):
    """One line of a venue's own list, as sent."""

    __tablename__ = "venue_statement_lines"

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("venue_statements.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str]
    voucher_id: Mapped[UUID | None]
    redeemed_on: Mapped[date | None] = mapped_column(Date())
    amount_fen: Mapped[int | None]

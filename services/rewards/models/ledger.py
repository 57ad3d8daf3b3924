"""The journal: double-entry, append-only for the application role, so that it sums to zero by construction.

Account codes: `volunteer:<id>` points to spend, `held:<id>` points waiting for stock, `owed:<id>` what a correction
took beyond them, `product:<id>` vouchers out, `venue:<id>` vouchers taken in, `outside` everything else.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.clock import app_now
from shared.ids import new_id


class TransferKind(StrEnum):
    """Why points moved, from where to where, and what `cause_id` names. Each (kind, cause) happens once."""

    EARNED = "earned"  #: outside -> volunteer; service record
    CORRECTED = "corrected"  #: outside -> volunteer, or back; correction of a record
    OWED = "owed"  #: owed -> outside; the correction that found too few points
    REPAID = "repaid"  #: volunteer -> owed; the record or correction that paid
    FORFEITED = "forfeited"  #: volunteer -> outside; the volunteer who left, or the record that came after that
    FORGIVEN = "forgiven"  #: outside -> owed; the volunteer who left
    MERGED = "merged"  #: volunteer -> volunteer; the duplicate
    MERGED_HELD = "merged_held"  #: held -> held; the duplicate
    MERGED_OWED = "merged_owed"  #: owed -> owed; the duplicate
    BACKORDERED = "backordered"  #: volunteer -> held; backorder
    RELEASED = "released"  #: held -> volunteer; cancelled backorder
    ISSUED = "issued"  #: volunteer or held -> product; voucher
    REDEEMED = "redeemed"  #: product -> venue; redemption
    REVERSED = "reversed"  #: venue -> product; redemption
    EXPIRED = "expired"  #: product -> outside; voucher
    VOIDED = "voided"  #: product -> volunteer; voucher


class Transfer(Base):
    __tablename__ = "transfers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    debit_account: Mapped[str]
    """Where the points come from."""
    credit_account: Mapped[str]
    """Where they go."""
    amount: Mapped[int]
    kind: Mapped[TransferKind]
    cause_id: Mapped[UUID]
    rule_id: Mapped[UUID | None]
    rule_version: Mapped[int | None]
    actor: Mapped[str]
    """`registration` for facts, `clock`, or role and id of a caller."""
    volunteer_id: Mapped[UUID | None]
    """Whose statement shows it."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        UniqueConstraint("kind", "cause_id"),
        CheckConstraint("amount > 0", "amount_positive"),
        CheckConstraint("debit_account <> credit_account", "two_accounts"),
        Index("ix_transfers_volunteer_id_id", "volunteer_id", "id"),
    )


class CreditedRecord(Base):
    """What one service record counts for now. The row where a record and its corrections meet, in whatever order."""

    __tablename__ = "credited_records"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    volunteer_id: Mapped[UUID]
    """As the fact said; a merge does not rewrite it."""
    recorded: Mapped[bool]
    """False while only corrections are known: they wait here and count when the record comes."""
    minutes: Mapped[int]
    """As first recorded."""
    corrected_by: Mapped[int] = mapped_column(server_default="0")
    """Sum of all corrections, in minutes; may be negative."""
    minutes_credited: Mapped[int] = mapped_column(server_default="0")
    points_credited: Mapped[int] = mapped_column(server_default="0")
    rule_id: Mapped[UUID | None]
    """The earn rule in force on `worked_on` when the record was first heard of; its corrections use it too."""
    rule_version: Mapped[int | None]
    rule_minutes: Mapped[int]
    rule_points: Mapped[int]
    """Points per `rule_minutes`; 0 where no rule applied."""
    worked_on: Mapped[date]


class Correction(Base):
    """A correction that was taken in. Its key is why it counts once."""

    __tablename__ = "corrections"

    correction_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(index=True)
    minutes: Mapped[int]
    """New minus old; may be negative."""
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())


OUTSIDE = "outside"

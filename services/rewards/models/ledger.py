"""The journal: double-entry, append-only for the application role, so that it sums to zero by
construction.

Account codes: `volunteer:<id>` points to spend, `held:<id>` points waiting for stock, `owed:<id>`
what a correction took beyond them, `product:<id>` vouchers out, `pool:<product id>` vouchers left
to people in need, `venue:<id>` vouchers taken in and not yet settled, `outside` everything
else. The part before the colon is the book (账簿).

A transfer may be prepared first: a pending transfer moves nothing, and is posted, voided or expired
once.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.db.types import Xid8


class TransferKind(StrEnum):
    """Why points moved, from where to where, and what `cause_id` names.

    Each (kind, cause) happens once.
    """

    EARNED = "earned"  #: outside -> volunteer; service record
    CORRECTED = "corrected"  #: outside -> volunteer, or back; correction of a record
    OWED = "owed"  #: owed -> outside; the correction that found too few points
    REPAID = "repaid"  #: volunteer -> owed; the record or correction that paid
    FORFEITED = "forfeited"  #: volunteer -> outside; the volunteer who left, or a later record
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
    VOIDED = "voided"  #: product -> volunteer (outside where nobody paid for it); voucher
    DONATED = "donated"  #: volunteer -> pool; the voucher bought for it
    GIVEN = "given"  #: product -> pool; the handover
    ALLOCATED = "allocated"  #: pool -> product; the handover
    LAPSED = "lapsed"  #: volunteer -> outside; points that grew too old, one id per account and day
    #: outside -> volunteer; what a new rule gave for old records, one id per account and batch
    ADJUSTED = "adjusted"
    SETTLED = "settled"  #: venue -> outside; settlement
    REOPENED = "reopened"  #: outside -> venue; settlement
    SANDBOX = "sandbox"  #: outside -> product; a voucher to practise with


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
    """`registration` for events, `clock`, or role and id of a caller."""
    volunteer_id: Mapped[UUID | None]
    """Whose statement shows it."""
    pending_id: Mapped[UUID | None]
    """The pending transfer that this one posts."""
    txid: Mapped[str] = mapped_column(
        Xid8(), server_default=text("journal_txid(pg_current_xact_id())")
    )
    """Its transaction: the sealer chains in the order (txid, id), and only what no running
    transaction can precede.

    After a restore into another cluster it is lifted by an epoch (migration 0005).
    """
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        UniqueConstraint("kind", "cause_id"),
        CheckConstraint("amount > 0", "amount_positive"),
        CheckConstraint("debit_account <> credit_account", "two_accounts"),
        Index("ix_transfers_volunteer_id_id", "volunteer_id", "id"),
        Index("ix_transfers_txid_id", "txid", "id"),
        # Venues and the pool have statements too; the kinds of the hot path stay out of these two.
        Index(
            "ix_transfers_credit_account",
            "credit_account",
            "created_at",
            postgresql_where=text("kind IN ('redeemed', 'reopened', 'given', 'donated')"),
        ),
        Index(
            "ix_transfers_debit_account",
            "debit_account",
            "created_at",
            postgresql_where=text(
                "kind IN ('reversed', 'settled', 'allocated', 'expired', 'voided')"
            ),
        ),
    )


class CreditedRecord(Base):
    """What one service record counts for now.

    A record and its corrections share this row, in any order of arrival.
    """

    __tablename__ = "credited_records"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    volunteer_id: Mapped[UUID]
    """As the event has it; a merge does not rewrite it."""
    recorded: Mapped[bool]
    """False while only corrections are known: they wait here and count when the record comes."""
    minutes: Mapped[int]
    """As first recorded."""
    corrected_by: Mapped[int] = mapped_column(server_default="0")
    """Sum of all corrections, in minutes; may be negative."""
    minutes_credited: Mapped[int] = mapped_column(server_default="0")
    points_credited: Mapped[int] = mapped_column(server_default="0")
    rule_id: Mapped[UUID | None]
    """The earn rule in force on `worked_on` when the first event of the record came.

    Its corrections use it too.
    """
    rule_version: Mapped[int | None]
    rule_minutes: Mapped[int]
    rule_points: Mapped[int]
    """Points per `rule_minutes`; 0 where no rule applied."""
    worked_on: Mapped[date]
    category: Mapped[str | None]
    """None for records from before this column: rules are then replayed with the general rate."""

    __table_args__ = (Index("ix_credited_records_volunteer_id", "volunteer_id", "record_id"),)


class PendingTransfer(Base):
    """A transfer that was prepared: it moves nothing until it is posted. A venue's hold is one."""

    __tablename__ = "pending_transfers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    debit_account: Mapped[str]
    credit_account: Mapped[str]
    amount: Mapped[int]
    cause_id: Mapped[UUID]
    """The voucher."""
    volunteer_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (CheckConstraint("amount > 0", "amount_positive"),)


class Resolution(StrEnum):
    """How a pending transfer ended."""

    POSTED = "posted"  #: the transfer was made
    VOIDED = "voided"  #: given up by whom it was for
    EXPIRED = "expired"  #: its time passed


class PendingResolution(Base):
    """The end of a pending transfer. Its key is why there is only one."""

    __tablename__ = "pending_resolutions"

    pending_id: Mapped[UUID] = mapped_column(ForeignKey("pending_transfers.id"), primary_key=True)
    outcome: Mapped[Resolution]
    actor: Mapped[str]
    resolved_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Seal(Base):
    """One link of the chain over the journal: a batch of transfers in the order (txid, id)."""

    __tablename__ = "seals"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3, ... without gaps."""
    count: Mapped[int]
    entries: Mapped[bytes] = mapped_column(LargeBinary)
    """Per transfer 16 bytes of id and 32 of digest: an audit names the row that was changed."""
    last_txid: Mapped[str] = mapped_column(Xid8())
    last_id: Mapped[UUID]
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=app_now())


class ExportedHead(Base):
    """The head of the chain as published on a day: a chain that was cut no longer holds it."""

    __tablename__ = "exported_heads"

    exported_on: Mapped[date] = mapped_column(Date(), primary_key=True)
    number: Mapped[int]
    entries: Mapped[int]
    """Transfers sealed so far."""
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    exported_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Sweep(Base):
    """How far a sweep over all accounts has come on a day: it survives a crash, and runs once."""

    __tablename__ = "sweeps"

    name: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date())
    swept_to: Mapped[UUID | None]
    finished: Mapped[bool] = mapped_column(server_default=text("false"))


class Correction(Base):
    """A correction that was handled. Its key is why it counts once."""

    __tablename__ = "corrections"

    correction_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(index=True)
    minutes: Mapped[int]
    """New minus old; may be negative."""
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())


OUTSIDE = "outside"

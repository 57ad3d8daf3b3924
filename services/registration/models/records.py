"""Blocks of volunteered time, and their corrections. Hours never expire and are never edited."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.registration.models.base import Base
from shared.contracts.registration import Bucket, Origin
from shared.core.clock import app_now
from shared.core.ids import new_id


class RecordStatus(StrEnum):
    PENDING = "pending"  #: waits for a second person; approve_record or reject_record
    RECORDED = "recorded"  #: counts; approve_correction
    REJECTED = "rejected"  #: looked at and not accepted; final
    SUPERSEDED = "superseded"  #: replaced by a correction; final


class ServiceRecord(Base):
    """One block of time that a volunteer worked for an organisation 服务记录."""

    __tablename__ = "service_records"
    __table_args__ = (
        UniqueConstraint("client", "reference"),
        CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        CheckConstraint("minutes >= 0", name="minutes_not_negative"),
        ExcludeConstraint(
            (text("volunteer_id"), "="),
            (text("tstzrange(started_at, ended_at)"), "&&"),
            where=text("status IN ('pending', 'recorded') AND times_known"),
            name="ex_service_records_no_overlap",
        ),
        Index(None, "volunteer_id", "id"),
        Index(
            "ix_service_records_pending",
            "organisation_id",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(None, "root_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    volunteer_id: Mapped[UUID] = mapped_column(ForeignKey("volunteers.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    times_known: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    """False while only a length was proposed; the station gives the times when it approves."""
    minutes: Mapped[int]
    """Whole minutes. 0 only where a correction says that the block never happened."""
    category: Mapped[str]
    note: Mapped[str | None]
    origin: Mapped[Origin]
    bucket: Mapped[Bucket]
    status: Mapped[RecordStatus]
    client: Mapped[str | None]
    """Who sent it. `(client, reference)` is unique for ever: sending it again is harmless."""
    reference: Mapped[str | None]
    recorded_by: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    root_id: Mapped[UUID]
    """The first record of a chain of corrections, as `hours.recorded` named it; else its own id."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class CorrectionStatus(StrEnum):
    ASKED = "asked"  #: waits for a second, different person; approve_correction
    APPROVED = "approved"  #: a new record replaced the old one; final


class Correction(Base):
    """How a record should be, why, who asked for it and who approved: always two people."""

    __tablename__ = "corrections"
    __table_args__ = (
        CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        CheckConstraint("approved_by IS NULL OR approved_by <> asked_by", name="two_people"),
        Index(
            "ix_corrections_new_record_id",
            "new_record_id",
            postgresql_where=text("new_record_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("service_records.id"), index=True)
    new_record_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_records.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    reason: Mapped[str]
    status: Mapped[CorrectionStatus]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=app_now())
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]

"""How many minutes a volunteer has, and how that sum came about."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.registration.models import Correction, RecordStatus, ServiceRecord
from shared.contracts.registration import Bucket


@dataclass(frozen=True, slots=True)
class HoursSummary:
    """Minutes that count."""

    verified_minutes: int
    supplemented_minutes: int


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A record, and the correction that it came from if there was one."""

    record: ServiceRecord
    correction: Correction | None

    @property
    def counts(self) -> bool:
        return self.record.status is RecordStatus.RECORDED


@dataclass(frozen=True, slots=True)
class ExplainedHours:
    """Every record of a volunteer, oldest first, and the sum of those that count."""

    summary: HoursSummary
    records: list[ExplainedRecord]


def hours_of(session: Session, volunteer_id: UUID) -> HoursSummary:
    """Add up a volunteer's minutes in the database."""
    row = session.execute(
        select(_minutes_in(Bucket.VERIFIED), _minutes_in(Bucket.SUPPLEMENTED)).where(
            ServiceRecord.volunteer_id == volunteer_id,
            ServiceRecord.status == RecordStatus.RECORDED,
        )
    ).one()
    return HoursSummary(int(row[0]), int(row[1]))


def _minutes_in(bucket: Bucket) -> ColumnElement[int]:
    minutes = func.sum(ServiceRecord.minutes).filter(ServiceRecord.bucket == bucket)
    return func.coalesce(minutes, 0)


def explain_hours(session: Session, volunteer_id: UUID) -> ExplainedHours:
    """Add up a volunteer's minutes from the records, and show each record."""
    records = session.scalars(
        select(ServiceRecord)
        .where(ServiceRecord.volunteer_id == volunteer_id)
        .order_by(ServiceRecord.id)
    ).all()
    corrections = _corrections_by_new_record(session, volunteer_id)
    explained = [ExplainedRecord(record, corrections.get(record.id)) for record in records]
    counted = [item.record for item in explained if item.counts]
    return ExplainedHours(
        HoursSummary(_sum_of(counted, Bucket.VERIFIED), _sum_of(counted, Bucket.SUPPLEMENTED)),
        explained,
    )


def _corrections_by_new_record(session: Session, volunteer_id: UUID) -> dict[UUID, Correction]:
    corrections = session.scalars(
        select(Correction)
        .join(ServiceRecord, ServiceRecord.id == Correction.new_record_id)
        .where(ServiceRecord.volunteer_id == volunteer_id)
    )
    return {
        correction.new_record_id: correction
        for correction in corrections
        if correction.new_record_id is not None
    }


def _sum_of(records: Iterable[ServiceRecord], bucket: Bucket) -> int:
    return sum(record.minutes for record in records if record.bucket is bucket)

"""How many minutes a volunteer has, and how that sum came about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.registration.models import Correction, RecordStatus, ServiceRecord
from shared.contracts.registration import Bucket


def hours_of(session: Session, volunteer_id: UUID) -> dict[Bucket, int]:
    """Minutes that count, by bucket."""
    sums = dict.fromkeys(Bucket, 0)
    rows = session.execute(
        select(ServiceRecord.bucket, func.sum(ServiceRecord.minutes))
        .where(
            ServiceRecord.volunteer_id == volunteer_id,
            ServiceRecord.status == RecordStatus.RECORDED,
        )
        .group_by(ServiceRecord.bucket)
    )
    for bucket, minutes in rows:
        sums[bucket] = int(minutes)
    return sums


def explain_hours(
    session: Session, volunteer_id: UUID
) -> tuple[Sequence[ServiceRecord], dict[UUID, Correction]]:
    """Every record of a volunteer, oldest first, and by which correction a record came about."""
    records = session.scalars(
        select(ServiceRecord)
        .where(ServiceRecord.volunteer_id == volunteer_id)
        .order_by(ServiceRecord.id)
    ).all()
    corrections = session.scalars(
        select(Correction)
        .join(ServiceRecord, ServiceRecord.id == Correction.new_record_id)
        .where(ServiceRecord.volunteer_id == volunteer_id)
    )
    return records, {
        correction.new_record_id: correction
        for correction in corrections
        if correction.new_record_id
    }

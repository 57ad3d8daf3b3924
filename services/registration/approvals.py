"""Approvals: a second person accepts or rejects a pending record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.registration.models import RecordStatus, ServiceRecord
from services.registration.policy import CLOCKS_DIFFER_BY, LONGEST
from services.registration.service_records import (
    NotWorkedYet,
    day_at_site,
    minutes_between,
    own_record,
    update_record,
)
from shared.auth.principal import Principal
from shared.contracts.registration import Bucket, HoursRecorded, HoursRejected
from shared.core.clock import app_now, now
from shared.core.problems import Conflict, Forbidden, invalid
from shared.messaging.outbox import publish


class RecordNotPending(Conflict):
    """This record was decided already."""


class SecondPersonNeeded(Forbidden):
    """Somebody else has to decide this: not the volunteer, nor who recorded or asked for it."""


@dataclass(frozen=True, slots=True)
class Times:
    """When the work of a record began and ended."""

    started_at: datetime
    ended_at: datetime

    @property
    def minutes(self) -> int:
        return minutes_between(self.started_at, self.ended_at)


def approve_record(
    session: Session,
    principal: Principal,
    record_id: UUID,
    *,
    bucket: Bucket | None = None,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> ServiceRecord:
    """Accept a pending record as a second person, and publish `hours.recorded`.

    A record that only proposed a length needs start and end, at most 24 hours apart. Repeating
    one's decision changes nothing. Raises RecordNotFound, RecordNotPending, SecondPersonNeeded,
    NotWorkedYet, OverlappingRecord.
    """
    record = _record_to_decide(session, principal, record_id)
    times = _times(record, started_at, ended_at)
    if times.ended_at > now() + CLOCKS_DIFFER_BY:
        raise NotWorkedYet(f"Record {record_id} is in the future.")
    decided = _decide(
        session,
        principal,
        record,
        RecordStatus.RECORDED,
        bucket=bucket or record.bucket,
        started_at=times.started_at,
        ended_at=times.ended_at,
        times_known=True,
        minutes=times.minutes,
    )
    if decided:
        publish(session, _recorded(record))
    return record


def reject_record(session: Session, principal: Principal, record_id: UUID) -> ServiceRecord:
    """Reject a pending record as a second person, and publish `hours.rejected`.

    Repeating one's decision changes nothing. Raises RecordNotFound, RecordNotPending,
    SecondPersonNeeded.
    """
    record = _record_to_decide(session, principal, record_id)
    if _decide(session, principal, record, RecordStatus.REJECTED):
        rejected = HoursRejected(
            record_id=record_id, volunteer_id=record.volunteer_id, minutes=record.minutes
        )
        publish(session, rejected)
    return record


def _record_to_decide(session: Session, principal: Principal, record_id: UUID) -> ServiceRecord:
    record = own_record(session, principal, record_id)
    if str(principal.subject) in (record.recorded_by, str(record.volunteer_id)):
        raise SecondPersonNeeded(f"Record {record_id}.")
    return record


def _times(record: ServiceRecord, started_at: datetime | None, ended_at: datetime | None) -> Times:
    """Return the record's times, or those given for a proposed length. Raises a 422."""
    if record.times_known:
        return Times(record.started_at, record.ended_at)
    if started_at is None or ended_at is None or minutes_between(started_at, ended_at) < 1:
        raise invalid(
            "/started_at", "Say when it began and ended: the record only proposed a length."
        )
    if ended_at - started_at > LONGEST:
        raise invalid("/ended_at", "One record covers at most 24 hours.")
    return Times(started_at, ended_at)


def _decide(
    session: Session,
    principal: Principal,
    record: ServiceRecord,
    status: RecordStatus,
    **values: Any,
) -> bool:
    """Decide by one guarded UPDATE. Returns False where the caller had decided the same before.

    Raises RecordNotPending, OverlappingRecord.
    """
    actor = str(principal.subject)
    decided = update_record(
        session,
        update(ServiceRecord)
        .where(ServiceRecord.id == record.id, ServiceRecord.status == RecordStatus.PENDING)
        .values(status=status, decided_by=actor, decided_at=app_now(), **values),
    )
    session.refresh(record)
    if not decided and (record.status, record.decided_by) != (status, actor):
        raise RecordNotPending(
            f"Record {record.id} is {record.status}.", record_status=record.status
        )
    return decided


def _recorded(record: ServiceRecord) -> HoursRecorded:
    return HoursRecorded(
        record_id=record.id,
        volunteer_id=record.volunteer_id,
        organisation_id=record.organisation_id,
        session_id=record.session_id,
        minutes=record.minutes,
        category=record.category,
        bucket=record.bucket,
        origin=record.origin,
        worked_on=day_at_site(record.started_at),
    )

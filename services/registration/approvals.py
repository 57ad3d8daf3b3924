"""Approvals: a second person accepts or rejects a pending record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.registration.models import RecordStatus, ServiceRecord
from services.registration.policy import CLOCKS_DIFFER_BY, LONGEST
from services.registration.service_records import NotWorkedYet, guarded, minutes_between, own_record
from shared.auth.principal import Principal
from shared.contracts.registration import Bucket, HoursRecorded, HoursRejected
from shared.core.clock import SITE, app_now, now
from shared.core.problems import Conflict, Forbidden, invalid
from shared.messaging.outbox import publish


class RecordNotPending(Conflict):
    """This record was decided already."""


class SecondPersonNeeded(Forbidden):
    """Somebody else has to decide this: not the volunteer, nor who recorded or asked for it."""


def decide_record(
    session: Session,
    principal: Principal,
    record_id: UUID,
    *,
    approve: bool,
    bucket: Bucket | None = None,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> ServiceRecord:
    """A second person accepts or rejects a pending record, and it is announced. Repeating one's
    decision is harmless.

    A record that only proposed a length needs start and end with its approval, at most 24 hours
    apart. Raises RecordNotFound, RecordNotPending, SecondPersonNeeded, NotWorkedYet,
    OverlappingRecord.
    """
    record = own_record(session, principal, record_id)
    actor = str(principal.subject)
    if actor in (record.recorded_by, str(record.volunteer_id)):
        raise SecondPersonNeeded(f"Record {record_id}.")
    values: dict[str, Any] = {"status": RecordStatus.REJECTED}
    if approve:
        values = {"status": RecordStatus.RECORDED, "bucket": bucket or record.bucket}
        if not record.times_known:
            if started_at is None or ended_at is None or minutes_between(started_at, ended_at) < 1:
                raise invalid(
                    "/started_at", "Say when it began and ended: the record only proposed a length."
                )
            if ended_at - started_at > LONGEST:
                raise invalid("/ended_at", "One record covers at most 24 hours.")
            values |= {
                "started_at": started_at,
                "ended_at": ended_at,
                "times_known": True,
                "minutes": minutes_between(started_at, ended_at),
            }
        if (
            ended_at if not record.times_known and ended_at else record.ended_at
        ) > now() + CLOCKS_DIFFER_BY:
            raise NotWorkedYet(f"Record {record_id} lies in the future.")
    moved = guarded(
        session,
        update(ServiceRecord)
        .where(ServiceRecord.id == record_id, ServiceRecord.status == RecordStatus.PENDING)
        .values(**values, decided_by=actor, decided_at=app_now()),
    )
    session.refresh(record)
    if not moved:
        if (record.status, record.decided_by) != (values["status"], actor):
            raise RecordNotPending(
                f"Record {record_id} is {record.status}.", record_status=record.status
            )
        return record
    if approve:
        publish(
            session,
            HoursRecorded(
                record_id=record.id,
                volunteer_id=record.volunteer_id,
                organisation_id=record.organisation_id,
                session_id=record.session_id,
                minutes=record.minutes,
                category=record.category,
                bucket=record.bucket,
                origin=record.origin,
                worked_on=record.started_at.astimezone(SITE).date(),
            ),
        )
    else:
        publish(
            session,
            HoursRejected(
                record_id=record_id, volunteer_id=record.volunteer_id, minutes=record.minutes
            ),
        )
    return record

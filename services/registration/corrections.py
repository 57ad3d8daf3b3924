"""Corrections: a recorded block is replaced by a new record; one person asks, another approves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.registration.approvals import SecondPersonNeeded
from services.registration.models import Correction, CorrectionStatus, RecordStatus, ServiceRecord
from services.registration.organisations import may_coordinate
from services.registration.policy import CLOCKS_DIFFER_BY
from services.registration.service_records import (
    NotWorkedYet,
    day_at_site,
    get_record,
    minutes_between,
    overlapping_record,
    own_record,
)
from shared.auth.principal import Principal
from shared.contracts.registration import HoursCorrected
from shared.core.clock import app_now, now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound
from shared.messaging.outbox import publish


class CorrectionNotFound(NotFound):
    """This correction is not known here."""


class RecordNotCurrent(Conflict):
    """Only the current version of a recorded block can be corrected."""


def ask_correction(
    session: Session,
    principal: Principal,
    record_id: UUID,
    started_at: datetime,
    ended_at: datetime,
    reason: str,
) -> Correction:
    """Ask that a recorded block be replaced. A second person approves.

    Equal times mean that it never happened. Raises RecordNotFound, RecordNotCurrent.
    """
    record = own_record(session, principal, record_id)
    if record.status is not RecordStatus.RECORDED:
        raise RecordNotCurrent(
            f"Record {record_id} is {record.status}.", record_status=record.status
        )
    correction = Correction(
        id=new_id(),
        record_id=record_id,
        started_at=started_at,
        ended_at=ended_at,
        reason=reason,
        status=CorrectionStatus.ASKED,
        asked_by=str(principal.subject),
    )
    session.add(correction)
    session.flush()
    return correction


def approve_correction(session: Session, principal: Principal, correction_id: UUID) -> Correction:
    """Replace a record by the corrected one as a second person, and publish `hours.corrected`.

    Repeating it changes nothing. Raises CorrectionNotFound, SecondPersonNeeded, NotWorkedYet,
    RecordNotCurrent, OverlappingRecord.
    """
    correction = _lock_correction(session, correction_id)
    old = get_record(session, correction.record_id)
    if not may_coordinate(session, principal, old.organisation_id):
        raise CorrectionNotFound(f"No correction {correction_id}.")
    actor = str(principal.subject)
    # Repeated by the same person; for anybody else the record is no longer current.
    if correction.status is CorrectionStatus.APPROVED and correction.approved_by == actor:
        return correction
    _check_approval(correction, old, actor)
    new = _replacement(old, correction, actor, _supersede(session, old))
    _add_record(session, new)
    _mark_approved(correction, new, actor)
    session.flush()
    publish(session, _corrected(old, new))
    session.refresh(correction)
    return correction


def _lock_correction(session: Session, correction_id: UUID) -> Correction:
    correction = session.get(
        Correction, correction_id, with_for_update=True, populate_existing=True
    )
    if correction is None:
        raise CorrectionNotFound(f"No correction {correction_id}.")
    return correction


def _check_approval(correction: Correction, old: ServiceRecord, actor: str) -> None:
    if actor in (correction.asked_by, str(old.volunteer_id)):
        raise SecondPersonNeeded(f"Correction {correction.id}.")
    if correction.ended_at > now() + CLOCKS_DIFFER_BY:
        raise NotWorkedYet(f"Correction {correction.id} is in the future.")


def _supersede(session: Session, old: ServiceRecord) -> UUID:
    """Take the old record out of the sum. Returns whose it is by now. Raises RecordNotCurrent."""
    # Its volunteer may have been merged since `old` was read: the row says who owns it now.
    volunteer_id = session.scalar(
        update(ServiceRecord)
        .where(ServiceRecord.id == old.id, ServiceRecord.status == RecordStatus.RECORDED)
        .values(status=RecordStatus.SUPERSEDED)
        .returning(ServiceRecord.volunteer_id)
        .execution_options(synchronize_session=False)
    )
    if volunteer_id is None:
        raise RecordNotCurrent(f"Record {old.id} was corrected already.")
    return volunteer_id


def _replacement(
    old: ServiceRecord, correction: Correction, approved_by: str, volunteer_id: UUID
) -> ServiceRecord:
    return ServiceRecord(
        id=new_id(),
        volunteer_id=volunteer_id,
        organisation_id=old.organisation_id,
        session_id=old.session_id,
        started_at=correction.started_at,
        ended_at=correction.ended_at,
        times_known=True,
        minutes=minutes_between(correction.started_at, correction.ended_at),
        category=old.category,
        note=old.note,
        origin=old.origin,
        bucket=old.bucket,
        status=RecordStatus.RECORDED,
        recorded_by=correction.asked_by,
        decided_by=approved_by,
        decided_at=app_now(),
        root_id=old.root_id,
    )


def _add_record(session: Session, record: ServiceRecord) -> None:
    try:
        with session.begin_nested():
            session.add(record)
    except IntegrityError as error:
        raise overlapping_record(error) from None


def _mark_approved(correction: Correction, new: ServiceRecord, actor: str) -> None:
    correction.status = CorrectionStatus.APPROVED
    correction.new_record_id = new.id
    correction.approved_by = actor
    correction.approved_at = app_now()  # type: ignore[assignment]


def _corrected(old: ServiceRecord, new: ServiceRecord) -> HoursCorrected:
    return HoursCorrected(
        correction_id=new.id,
        record_id=old.root_id,
        volunteer_id=new.volunteer_id,
        old_minutes=old.minutes,
        new_minutes=new.minutes,
        category=old.category,
        bucket=old.bucket,
        origin=old.origin,
        worked_on=day_at_site(new.started_at),
    )

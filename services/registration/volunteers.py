"""A volunteer's registration from applying to leaving, and the merger of two registrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.registration.identifiers import age_on, normal_phone, volunteer_number
from services.registration.log_in import phone_vault, void_tokens
from services.registration.models import (
    Attendance,
    ContactLook,
    Coordination,
    LoginCode,
    OutboundMessage,
    ServiceRecord,
    SignUp,
    SignUpStatus,
    Volunteer,
    VolunteerStatus,
)
from services.registration.models.volunteers import NUMBERS
from services.registration.policy import ADULT_AT
from services.registration.sign_ups import cancel_everything, cancel_sign_up
from shared.contracts.registration import (
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.core.clock import SITE, now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable, invalid
from shared.db.statements import changed
from shared.messaging.outbox import publish

GONE = (VolunteerStatus.ERASED, VolunteerStatus.MERGED)
NO_PERSONAL_DATA = dict.fromkeys(
    ("name", "phone_sealed", "phone_hash", "birth_date", "guardian_name", "guardian_phone_sealed")
)
"""What an erasure writes."""


class VolunteerNotFound(NotFound):
    """This volunteer is not known here."""


class GuardianNeeded(Unprocessable):
    """Under 18 a guardian has to consent."""


class VolunteerNotReady(Conflict):
    """The state of the volunteer's registration does not allow this."""


class RecordsCollide(Conflict):
    """Both registrations have hours for the same time; correct one of them first."""


@dataclass(frozen=True, slots=True)
class Guardian:
    """Who consents for a minor 监护人."""

    name: str
    phone: str


def register_volunteer(
    session: Session,
    name: str,
    phone: str,
    birth_date: date,
    guardian: Guardian | None = None,
    *,
    id_: UUID | None = None,
) -> Volunteer:
    """Take an application to volunteer, and publish it. Staff activate the volunteer.

    A phone that is known already makes a second registration, marked for staff: an error would tell
    a new volunteer. Raises GuardianNeeded, or a 422 naming a bad phone or birth date.
    """
    number = normal_phone(phone)
    _check_age(birth_date, guardian)
    volunteer = Volunteer(
        id=id_ or new_id(),
        number=_next_number(session),
        status=VolunteerStatus.APPLIED,
        name=name,
        birth_date=birth_date,
    )
    _set_phone(session, volunteer, number)
    if guardian is not None:
        _set_guardian(volunteer, guardian)
    session.add(volunteer)
    session.flush()
    publish(session, VolunteerRegistered(volunteer_id=volunteer.id, number=volunteer.number))
    return volunteer


def _next_number(session: Session) -> str:
    return volunteer_number(session.scalars(select(NUMBERS.next_value())).one())


def _check_age(birth_date: date, guardian: Guardian | None) -> None:
    age = age_on(birth_date, now().astimezone(SITE).date())
    if not 0 <= age <= 120:
        raise invalid("/birth_date", "This cannot be a date of birth.")
    if age < ADULT_AT and guardian is None:
        raise GuardianNeeded("Add `guardian` with name, phone and consent.")


def _set_phone(session: Session, volunteer: Volunteer, number: str) -> None:
    box = phone_vault()
    volunteer.phone_sealed = box.seal(number)
    volunteer.phone_hash = box.fingerprint(number)
    volunteer.possible_duplicate = _is_phone_known(session, volunteer.phone_hash)


def _is_phone_known(session: Session, phone_hash: bytes) -> bool:
    # Two registrations with one phone at the same moment: the second has to see the first.
    key = int.from_bytes(phone_hash[:8], signed=True)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    known = exists().where(Volunteer.phone_hash == phone_hash, Volunteer.status.not_in(GONE))
    return bool(session.scalar(select(known)))


def _set_guardian(volunteer: Volunteer, guardian: Guardian) -> None:
    phone = normal_phone(guardian.phone, "/guardian/phone")
    volunteer.guardian_name = guardian.name
    volunteer.guardian_phone_sealed = phone_vault().seal(phone)
    volunteer.guardian_consented_at = now()


def get_volunteer(session: Session, volunteer_id: UUID) -> Volunteer:
    """Return the newest row of a volunteer. Raises VolunteerNotFound."""
    volunteer = session.get(Volunteer, volunteer_id, populate_existing=True)
    if volunteer is None:
        raise VolunteerNotFound(f"No volunteer {volunteer_id}.")
    return volunteer


def activate_volunteer(session: Session, volunteer_id: UUID) -> Volunteer:
    """Accept a volunteer, or take a suspension back. Repeating it changes nothing.

    Raises VolunteerNotFound, VolunteerNotReady, as all moves here do.
    """
    volunteer, moved = _move(
        session,
        volunteer_id,
        VolunteerStatus.ACTIVE,
        VolunteerStatus.APPLIED,
        VolunteerStatus.SUSPENDED,
    )
    if moved:
        publish(session, VolunteerActivated(volunteer_id=volunteer_id))
    return volunteer


def suspend_volunteer(session: Session, volunteer_id: UUID) -> Volunteer:
    """Bar a volunteer: tokens are void, seats are given back, hours stay.

    Repeating it changes nothing. Raises VolunteerNotFound, VolunteerNotReady.
    """
    volunteer, moved = _move(
        session, volunteer_id, VolunteerStatus.SUSPENDED, VolunteerStatus.ACTIVE
    )
    if moved:
        cancel_everything(session, volunteer_id)
        void_tokens(session, volunteer_id)
        publish(session, VolunteerSuspended(volunteer_id=volunteer_id))
    return volunteer


def end_suspension(session: Session, volunteer_id: UUID) -> Volunteer:
    """Take a suspension back. Repeating it changes nothing.

    Somebody who only applied is not activated by it: VolunteerNotReady.
    """
    volunteer, moved = _move(
        session, volunteer_id, VolunteerStatus.ACTIVE, VolunteerStatus.SUSPENDED
    )
    if moved:
        publish(session, VolunteerActivated(volunteer_id=volunteer_id))
    return volunteer


def leave(session: Session, volunteer_id: UUID) -> Volunteer:
    """End a registration; hours stay. Repeating it changes nothing."""
    volunteer, moved = _move(
        session,
        volunteer_id,
        VolunteerStatus.LEFT,
        VolunteerStatus.APPLIED,
        VolunteerStatus.ACTIVE,
        VolunteerStatus.SUSPENDED,
    )
    if moved:
        _end_rights(session, volunteer_id)
        publish(session, VolunteerLeft(volunteer_id=volunteer_id))
    return volunteer


def erase_volunteer(session: Session, volunteer_id: UUID) -> Volunteer:
    """Wipe name, phone, birth date, guardian and the notes in records; the id stays.

    Somebody who has not left yet leaves by it. Repeating it changes nothing.
    """
    # Read before it is wiped: codes and messages are found by it.
    phone_hash = session.scalar(
        select(Volunteer.phone_hash).where(Volunteer.id == volunteer_id).with_for_update()
    )
    volunteer, moved = _move(
        session,
        volunteer_id,
        VolunteerStatus.ERASED,
        *(status for status in VolunteerStatus if status not in GONE),
        **NO_PERSONAL_DATA,
    )
    if moved:
        _end_rights(session, volunteer_id)
        _erase_traces(session, volunteer_id, phone_hash)
        publish(session, VolunteerErased(volunteer_id=volunteer_id))
    return volunteer


def _erase_traces(session: Session, volunteer_id: UUID, phone_hash: bytes | None) -> None:
    """Wipe what other tables know of a person."""
    session.execute(
        update(ServiceRecord).where(ServiceRecord.volunteer_id == volunteer_id).values(note=None)
    )
    session.execute(delete(LoginCode).where(LoginCode.phone_hash == phone_hash))
    session.execute(delete(OutboundMessage).where(OutboundMessage.phone_hash == phone_hash))
    # A duplicate merged into this person is the same person: its copy of the data goes too.
    session.execute(
        update(Volunteer).where(Volunteer.merged_into_id == volunteer_id).values(**NO_PERSONAL_DATA)
    )


def merge_volunteers(session: Session, volunteer_id: UUID, into_id: UUID) -> Volunteer:
    """Move records, seats and attendance of a duplicate to `into_id`, and publish the merger.

    Repeating it changes nothing. Raises VolunteerNotFound, VolunteerNotReady, RecordsCollide.
    """
    if volunteer_id == into_id:
        raise invalid("/into_id", "A volunteer cannot be merged into themselves.")
    duplicate, stays = _lock_both(session, volunteer_id, into_id)
    if duplicate.merged_into_id == into_id:
        return duplicate
    if duplicate.status in GONE or stays.status in (*GONE, VolunteerStatus.LEFT):
        raise VolunteerNotReady(
            f"{volunteer_id} is {duplicate.status}, {into_id} is {stays.status}."
        )
    _move_sign_ups(session, volunteer_id, into_id)
    _move_attendance(session, volunteer_id, into_id)
    _move_records(session, volunteer_id, into_id)
    _mark_merged(session, duplicate, into_id)
    session.execute(delete(Coordination).where(Coordination.volunteer_id == volunteer_id))
    void_tokens(session, volunteer_id)
    publish(session, VolunteerMerged(volunteer_id=volunteer_id, into_id=into_id))
    return duplicate


def _lock_both(session: Session, volunteer_id: UUID, into_id: UUID) -> tuple[Volunteer, Volunteer]:
    # In id order, so that two mergers of the same people do not deadlock.
    rows = session.scalars(
        select(Volunteer)
        .where(Volunteer.id.in_([volunteer_id, into_id]))
        .order_by(Volunteer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    found = {volunteer.id: volunteer for volunteer in rows}
    for id_ in (volunteer_id, into_id):
        if id_ not in found:
            raise VolunteerNotFound(f"No volunteer {id_}.")
    return found[volunteer_id], found[into_id]


def _mark_merged(session: Session, duplicate: Volunteer, into_id: UUID) -> None:
    duplicate.status, duplicate.merged_into_id = VolunteerStatus.MERGED, into_id
    session.flush()
    # Earlier duplicates of the duplicate point at the one that stays, so that no chain arises.
    session.execute(
        update(Volunteer)
        .where(Volunteer.merged_into_id == duplicate.id)
        .values(merged_into_id=into_id)
    )


def _move_sign_ups(session: Session, from_id: UUID, to_id: UUID) -> None:
    """Move seats; where the other registration has one at that time, give the duplicate's back."""
    rows = session.execute(
        select(SignUp.session_id, SignUp.status)
        .where(SignUp.volunteer_id == from_id)
        .order_by(SignUp.session_id)
    ).all()
    for session_id, status in rows:
        moved = _move_sign_up(session, session_id, from_id, to_id)
        if not moved and status is not SignUpStatus.CANCELLED:
            cancel_sign_up(session, session_id, from_id)


def _move_sign_up(session: Session, session_id: UUID, from_id: UUID, to_id: UUID) -> bool:
    try:
        with session.begin_nested():
            session.execute(
                update(SignUp)
                .where(SignUp.volunteer_id == from_id, SignUp.session_id == session_id)
                .values(volunteer_id=to_id)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError:
        return False
    return True


def _move_attendance(session: Session, from_id: UUID, to_id: UUID) -> None:
    # Where both were there, the duplicate's row stays: its key is taken.
    there_too = select(Attendance.session_id).where(Attendance.volunteer_id == to_id)
    session.execute(
        update(Attendance)
        .where(Attendance.volunteer_id == from_id, Attendance.session_id.not_in(there_too))
        .values(volunteer_id=to_id)
        .execution_options(synchronize_session=False)
    )


def _move_records(session: Session, from_id: UUID, to_id: UUID) -> None:
    try:
        with session.begin_nested():
            session.execute(
                update(ServiceRecord)
                .where(ServiceRecord.volunteer_id == from_id)
                .values(volunteer_id=to_id)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError:
        raise RecordsCollide(f"{from_id} and {to_id} have records at the same time.") from None


def look_up_contact(session: Session, volunteer_id: UUID, looked_by: str) -> str:
    """Return the phone number (E.164) for a delivery, and log who looked.

    Raises VolunteerNotFound.
    """
    volunteer = get_volunteer(session, volunteer_id)
    if volunteer.phone_sealed is None or volunteer.status in (*GONE, VolunteerStatus.LEFT):
        raise VolunteerNotFound(f"No contact of {volunteer_id}.")
    session.add(ContactLook(volunteer_id=volunteer_id, looked_by=looked_by))
    return phone_vault().unseal(volunteer.phone_sealed)


def _move(
    session: Session,
    volunteer_id: UUID,
    to: VolunteerStatus,
    *since: VolunteerStatus,
    **values: Any,
) -> tuple[Volunteer, bool]:
    """Move a volunteer to a status by one guarded UPDATE; the second value says whether it moved.

    Raises VolunteerNotFound, VolunteerNotReady.
    """
    moved = session.execute(
        update(Volunteer)
        .where(Volunteer.id == volunteer_id, Volunteer.status.in_(since))
        .values(status=to, **values)
        .execution_options(synchronize_session=False)
    )
    volunteer = get_volunteer(session, volunteer_id)
    if not changed(moved) and volunteer.status is not to:
        raise VolunteerNotReady(
            f"Volunteer {volunteer_id} is {volunteer.status}.", volunteer_status=volunteer.status
        )
    return volunteer, bool(changed(moved))


def _end_rights(session: Session, volunteer_id: UUID) -> None:
    """Give back seats, coordination and tokens of somebody who is no volunteer any more."""
    cancel_everything(session, volunteer_id)
    session.execute(delete(Coordination).where(Coordination.volunteer_id == volunteer_id))
    void_tokens(session, volunteer_id)


def sign_ups_of(session: Session, volunteer_id: UUID) -> Sequence[SignUp]:
    """Return the volunteer's last 200 sign-ups, newest first."""
    return session.scalars(
        select(SignUp)
        .where(SignUp.volunteer_id == volunteer_id)
        .order_by(SignUp.id.desc())
        .limit(200)
    ).all()

"""Log-ins: passwords, one-time codes, refresh tokens.

These verbs return None instead of raising when a proof is wrong: failed tries are counted in rows,
and the caller's transaction must commit them.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, Row, and_, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.registration.models import (
    Coordination,
    LoginCode,
    OutboundMessage,
    RefreshToken,
    StaffMember,
    Volunteer,
    VolunteerStatus,
)
from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.auth.withdrawn import withdraw_access
from shared.contracts.registration import PersonAccessChanged
from shared.core.clock import app_now
from shared.core.crypto import Vault, secret_hash, vault
from shared.core.ids import new_id
from shared.db.engine import current_database
from shared.messaging.outbox import publish

PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's second profile for argon2id: 19 MiB, t=2, p=1.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
CODE_FOR = timedelta(minutes=5)
CODE_EVERY = timedelta(seconds=60)
CODES_PER_DAY = 10
REFRESH_FOR = timedelta(days=30)
MAY_LOG_IN = (VolunteerStatus.APPLIED, VolunteerStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class LogIn:
    """What a person gets: an access token for 15 minutes and a refresh token that works once."""

    access_token: str
    refresh_token: str
    role: str
    person_id: UUID
    organisation_id: UUID | None
    coordinates: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Message:
    """A text and the phone (E.164) that it goes to."""

    to: str
    text: str


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who has proved who they are, and the family that their refresh tokens belong to."""

    role: Role
    id: UUID
    family_id: UUID


def phone_vault() -> Vault:
    return vault(current_database().settings, "volunteers.phone")


def message_vault() -> Vault:
    return vault(current_database().settings, "outbound_messages.text")


@cache
def _nobodys_hash() -> str:
    return str(PASSWORDS.hash(secrets.token_urlsafe(16)))


def log_in_staff(session: Session, login: str, password: str) -> LogIn | None:
    """Log staff in by password. None: wrong, unknown or locked; all look and take the same."""
    counted = _count_password_try(session, login)
    # An unknown log-in is compared too: the time it takes does not tell who exists.
    password_hash = counted.password_hash if counted else _nobodys_hash()
    if not _is_password(password_hash, password) or counted is None:
        return None
    session.execute(
        update(StaffMember)
        .where(StaffMember.id == counted.id)
        .values(failures=0, locked_until=None)
    )
    return _log_in(session, _Person(Role.STAFF, counted.id, new_id()))


def _count_password_try(session: Session, login: str) -> Row[UUID, str] | None:
    """Count the try before the password is compared, so that parallel guesses are all counted.

    Returns None for a log-in that is unknown or locked.
    """
    is_last_try = StaffMember.failures + 1 >= TRIES
    return session.execute(
        update(StaffMember)
        .where(
            StaffMember.login == login,
            or_(StaffMember.locked_until.is_(None), StaffMember.locked_until < app_now()),
        )
        .values(
            failures=case((is_last_try, 0), else_=StaffMember.failures + 1),
            locked_until=case((is_last_try, app_now() + LOCKED_FOR), else_=None),
        )
        .returning(StaffMember.id, StaffMember.password_hash)
    ).first()


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return bool(PASSWORDS.verify(password_hash, password))
    except VerificationError:
        return False


def send_code(session: Session, phone: str) -> None:
    """Send a one-time code to a volunteer's phone (E.164), at most one a minute and ten a day.

    Nothing is returned and nothing raised: a caller must not learn whether somebody volunteers.
    """
    phone_hash = phone_vault().fingerprint(phone)
    known = select(Volunteer.id).where(
        Volunteer.phone_hash == phone_hash, Volunteer.status.in_(MAY_LOG_IN)
    )
    if session.scalar(known.limit(1)) is None:
        return
    code = f"{secrets.randbelow(10**6):06d}"
    # Hashed with the phone: the same code of two phones has two hashes.
    if _store_code(session, phone_hash, phone_vault().fingerprint(phone + code)):
        _store_message(session, phone, _code_message(code))


def _store_code(session: Session, phone_hash: bytes, code_hash: bytes) -> bool:
    """Replace the phone's code, unless it got too many of late. Returns whether it was stored."""
    fresh = _fresh_code(code_hash)
    row = insert(LoginCode).values(phone_hash=phone_hash, window_from=app_now(), sends=1, **fresh)
    row = row.on_conflict_do_update(
        index_elements=["phone_hash"], set_=fresh | _next_window(), where=_may_send()
    )
    return session.scalar(row.returning(LoginCode.sends)) is not None


def _may_send() -> ColumnElement[bool]:
    was_a_while_ago = LoginCode.sent_at < app_now() - CODE_EVERY
    return and_(was_a_while_ago, or_(_is_new_day(), LoginCode.sends < CODES_PER_DAY))


def _next_window() -> dict[str, object]:
    """Count one more code in the running day, or the first of a new one."""
    return {
        "window_from": case((_is_new_day(), app_now()), else_=LoginCode.window_from),
        "sends": case((_is_new_day(), 1), else_=LoginCode.sends + 1),
    }


def _is_new_day() -> ColumnElement[bool]:
    return LoginCode.window_from < app_now() - timedelta(days=1)


def _fresh_code(code_hash: bytes) -> dict[str, object]:
    return {
        "code_hash": code_hash,
        "sent_at": app_now(),
        "expires_at": app_now() + CODE_FOR,
        "attempts": 0,
        "used_at": None,
    }


def _code_message(code: str) -> str:
    chinese = f"柯城志愿：{code} 是您的登录验证码，5 分钟内有效。"
    return f"{chinese}Your log-in code, valid for 5 minutes."


def _store_message(session: Session, phone: str, text: str) -> None:
    box = phone_vault()
    session.add(
        OutboundMessage(
            phone_hash=box.fingerprint(phone),
            phone_sealed=box.seal(phone),
            text_sealed=message_vault().seal(text),
            expires_at=app_now() + CODE_FOR,
        )
    )


def log_in_by_code(
    session: Session, phone: str, code: str, organisation_id: UUID | None = None
) -> LogIn | None:
    """Log a volunteer in; with `organisation_id` as its coordinator.

    None: wrong, used, expired, tried too often, or no such volunteer.
    """
    phone_hash = phone_vault().fingerprint(phone)
    stored = _count_code_try(session, phone_hash)
    given = phone_vault().fingerprint(phone + code)
    if stored is None or not hmac.compare_digest(stored, given):
        return None
    session.execute(
        update(LoginCode).where(LoginCode.phone_hash == phone_hash).values(used_at=app_now())
    )
    volunteer_id = _volunteer_with_phone(session, phone_hash)
    if volunteer_id is None:
        return None
    return _log_in(session, _Person(Role.VOLUNTEER, volunteer_id, new_id()), organisation_id)


def _count_code_try(session: Session, phone_hash: bytes) -> bytes | None:
    """Count the try before the code is compared. Returns the hash of the code if one is valid."""
    return session.scalar(
        update(LoginCode)
        .where(
            LoginCode.phone_hash == phone_hash,
            LoginCode.used_at.is_(None),
            LoginCode.expires_at > app_now(),
            LoginCode.attempts < TRIES,
        )
        .values(attempts=LoginCode.attempts + 1)
        .returning(LoginCode.code_hash)
    )


def _volunteer_with_phone(session: Session, phone_hash: bytes) -> UUID | None:
    """Of several registrations with one phone: first the active ones, then the earliest."""
    return session.scalar(
        select(Volunteer.id)
        .where(Volunteer.phone_hash == phone_hash, Volunteer.status.in_(MAY_LOG_IN))
        .order_by(
            Volunteer.status == VolunteerStatus.APPLIED, Volunteer.possible_duplicate, Volunteer.id
        )
        .limit(1)
    )


def refresh(session: Session, token: str, organisation_id: UUID | None = None) -> LogIn | None:
    """Change a refresh token for a new pair; with `organisation_id` as its coordinator.

    A token used before ends its family. None: unknown, used, expired, or the person may no longer
    log in.
    """
    person = _use_refresh_token(session, token)
    if person is None:
        # Used before: one of the two who have it copied it, and neither keeps the log-in.
        sign_out(session, token)
        return None
    if person.role is Role.VOLUNTEER and not _may_log_in(session, person.id):
        return None
    return _log_in(session, person, organisation_id)


def _use_refresh_token(session: Session, token: str) -> _Person | None:
    used = session.execute(
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == secret_hash(token),
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > app_now(),
        )
        .values(used_at=app_now())
        .returning(RefreshToken.role, RefreshToken.person_id, RefreshToken.family_id)
    ).first()
    return _Person(Role(used.role), used.person_id, used.family_id) if used else None


def _may_log_in(session: Session, volunteer_id: UUID) -> bool:
    volunteer = session.get(Volunteer, volunteer_id)
    return volunteer is not None and volunteer.status in MAY_LOG_IN


def sign_out(session: Session, token: str) -> None:
    """End the log-in this refresh token belongs to. An unknown token changes nothing."""
    family = (
        select(RefreshToken.family_id)
        .where(RefreshToken.token_hash == secret_hash(token))
        .scalar_subquery()
    )
    session.execute(
        delete(RefreshToken)
        .where(RefreshToken.family_id == family)
        .execution_options(synchronize_session=False)
    )


def void_tokens(session: Session, person_id: UUID, *, sign_out: bool = True) -> None:
    """Void every token of a person issued so far: here at once, elsewhere by the event.

    With `sign_out` refresh tokens end as well. Repeating it is harmless.
    """
    # Tokens are stamped by this process's clock, so this is compared with the same.
    changed = PersonAccessChanged(person_id=person_id, valid_from=datetime.now(UTC))
    if sign_out:
        session.execute(delete(RefreshToken).where(RefreshToken.person_id == person_id))
    withdraw_access(session, [changed])
    publish(session, changed)


def forget_expired_log_ins(session: Session) -> None:
    """Delete messages, codes and refresh tokens that are of no use any more."""
    session.execute(delete(OutboundMessage).where(OutboundMessage.expires_at < app_now()))
    # A code's row also counts what was sent in its day: it stays for two.
    session.execute(delete(LoginCode).where(LoginCode.window_from < app_now() - timedelta(days=2)))
    session.execute(delete(RefreshToken).where(RefreshToken.expires_at < app_now()))


def waiting_messages(session: Session) -> list[Message]:
    """Return what would have gone out by SMS, newest first. For embedded mode only."""
    rows = session.scalars(
        select(OutboundMessage)
        .where(OutboundMessage.expires_at > app_now())
        .order_by(OutboundMessage.id.desc())
        .limit(20)
    )
    phones, texts = phone_vault(), message_vault()
    return [Message(phones.unseal(row.phone_sealed), texts.unseal(row.text_sealed)) for row in rows]


def _log_in(session: Session, person: _Person, organisation_id: UUID | None = None) -> LogIn | None:
    """Sign an access token and store a refresh token.

    Only a volunteer takes the role of a coordinator; None if they do not coordinate there.
    """
    refresh_token = _new_refresh_token(session, person)
    # Looked up at each refresh: a role that has ended is in no new token.
    coordinates = _coordinated_by(session, person.id)
    if person.role is not Role.VOLUNTEER:
        organisation_id = None
    if organisation_id is not None and organisation_id not in coordinates:
        return None
    role = Role.COORDINATOR if organisation_id is not None else person.role
    access_token = sign_token(
        current_database().settings,
        role=role,
        subject=person.id,
        organisation_id=organisation_id,
    )
    return LogIn(access_token, refresh_token, role.value, person.id, organisation_id, coordinates)


def _new_refresh_token(session: Session, person: _Person) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            token_hash=secret_hash(token),
            family_id=person.family_id,
            person_id=person.id,
            role=person.role.value,
            expires_at=app_now() + REFRESH_FOR,
        )
    )
    return token


def _coordinated_by(session: Session, person_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(Coordination.organisation_id)
        .where(Coordination.volunteer_id == person_id)
        .order_by(Coordination.organisation_id)
    ).all()

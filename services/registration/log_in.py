"""Log-ins: passwords, one-time codes, refresh tokens. Failed tries are counted in rows, so the
caller must commit them.

These verbs answer None instead of raising when a proof is wrong: the counted try has to survive.
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
from sqlalchemy import case, delete, or_, select, update
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
"""OWASP's second profile for argon2id: 19 MiB, t=2, p=1."""
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


def phone_vault() -> Vault:
    return vault(current_database().settings, "volunteers.phone")


def message_vault() -> Vault:
    return vault(current_database().settings, "outbound_messages.text")


@cache
def _nobodys_hash() -> str:
    return str(PASSWORDS.hash(secrets.token_urlsafe(16)))


def log_in_staff(session: Session, login: str, password: str) -> LogIn | None:
    """A staff log-in by password. None: wrong, unknown or locked, which look and take the same."""
    locked = StaffMember.failures + 1 >= TRIES
    row = session.execute(
        update(StaffMember)
        .where(
            StaffMember.login == login,
            or_(StaffMember.locked_until.is_(None), StaffMember.locked_until < app_now()),
        )
        .values(
            failures=case((locked, 0), else_=StaffMember.failures + 1),
            locked_until=case((locked, app_now() + LOCKED_FOR), else_=None),
        )
        .returning(StaffMember.id, StaffMember.password_hash)
    ).first()
    if not _is_password(row.password_hash if row else _nobodys_hash(), password) or row is None:
        return None
    session.execute(
        update(StaffMember).where(StaffMember.id == row.id).values(failures=0, locked_until=None)
    )
    return _log_in(session, Role.STAFF, row.id, new_id())


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return bool(PASSWORDS.verify(password_hash, password))
    except VerificationError:
        return False


def send_code(session: Session, phone: str) -> None:
    """Send a one-time code to a volunteer's phone (E.164), at most one a minute and ten a day.

    Nothing is returned and nothing raised: whether somebody volunteers is nobody's business.
    """
    box = phone_vault()
    phone_hash = box.fingerprint(phone)
    code = f"{secrets.randbelow(10**6):06d}"
    known = select(Volunteer.id).where(
        Volunteer.phone_hash == phone_hash, Volunteer.status.in_(MAY_LOG_IN)
    )
    if session.scalar(known.limit(1)) is None:
        return
    fresh = {
        "code_hash": box.fingerprint(phone + code),
        "sent_at": app_now(),
        "expires_at": app_now() + CODE_FOR,
        "attempts": 0,
        "used_at": None,
    }
    new_day = LoginCode.window_from < app_now() - timedelta(days=1)
    row = insert(LoginCode).values(phone_hash=phone_hash, window_from=app_now(), sends=1, **fresh)
    sent = session.scalar(
        row.on_conflict_do_update(
            index_elements=["phone_hash"],
            set_=fresh
            | {
                "window_from": case((new_day, app_now()), else_=LoginCode.window_from),
                "sends": case((new_day, 1), else_=LoginCode.sends + 1),
            },
            where=(LoginCode.sent_at < app_now() - CODE_EVERY)
            & or_(new_day, LoginCode.sends < CODES_PER_DAY),
        ).returning(LoginCode.sends)
    )
    if sent is not None:
        text = f"柯城志愿: {code} 是您的登录验证码, 5 分钟内有效。Your log-in code, valid for 5 minutes."
        session.add(
            OutboundMessage(
                phone_hash=phone_hash,
                phone_sealed=box.seal(phone),
                text_sealed=message_vault().seal(text),
                expires_at=app_now() + CODE_FOR,
            )
        )


def log_in_by_code(
    session: Session, phone: str, code: str, organisation_id: UUID | None = None
) -> LogIn | None:
    """A volunteer's log-in. None: wrong, used, expired, tried too often, or no such volunteer."""
    box = phone_vault()
    phone_hash = box.fingerprint(phone)
    stored = session.scalar(
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
    if stored is None or not hmac.compare_digest(stored, box.fingerprint(phone + code)):
        return None
    session.execute(
        update(LoginCode).where(LoginCode.phone_hash == phone_hash).values(used_at=app_now())
    )
    volunteer_id = session.scalar(
        select(Volunteer.id)
        .where(Volunteer.phone_hash == phone_hash, Volunteer.status.in_(MAY_LOG_IN))
        .order_by(
            Volunteer.status == VolunteerStatus.APPLIED, Volunteer.possible_duplicate, Volunteer.id
        )
        .limit(1)
    )
    return (
        None
        if volunteer_id is None
        else _log_in(session, Role.VOLUNTEER, volunteer_id, new_id(), organisation_id)
    )


def refresh(session: Session, token: str, organisation_id: UUID | None = None) -> LogIn | None:
    """Change a refresh token for a new pair; `organisation_id` asks for the coordinator's role
    there.

    A token used before ends its family. None: unknown, used, expired, or the person may no longer
    log in.
    """
    used = session.execute(
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == secret_hash(token),
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > app_now(),
        )
        .values(used_at=app_now())
        .returning(RefreshToken.family_id, RefreshToken.person_id, RefreshToken.role)
    ).first()
    if used is None:
        sign_out(session, token)
        return None
    if used.role == Role.VOLUNTEER:
        volunteer = session.get(Volunteer, used.person_id)
        if volunteer is None or volunteer.status not in MAY_LOG_IN:
            return None
    return _log_in(session, Role(used.role), used.person_id, used.family_id, organisation_id)


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
    """Void every token of a person issued so far, here at once and elsewhere by the fact. Repeating
    it is harmless.
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
    session.execute(delete(LoginCode).where(LoginCode.window_from < app_now() - timedelta(days=2)))
    session.execute(delete(RefreshToken).where(RefreshToken.expires_at < app_now()))


def waiting_messages(session: Session) -> list[dict[str, str]]:
    """What would have gone out by SMS, newest first. For embedded mode only."""
    rows = session.scalars(
        select(OutboundMessage)
        .where(OutboundMessage.expires_at > app_now())
        .order_by(OutboundMessage.id.desc())
        .limit(20)
    ).all()
    return [
        {
            "to": phone_vault().unseal(row.phone_sealed),
            "text": message_vault().unseal(row.text_sealed),
        }
        for row in rows
    ]


def _log_in(
    session: Session,
    role: Role,
    person_id: UUID,
    family_id: UUID,
    organisation_id: UUID | None = None,
) -> LogIn | None:
    coordinates = session.scalars(
        select(Coordination.organisation_id)
        .where(Coordination.volunteer_id == person_id)
        .order_by(Coordination.organisation_id)
    ).all()
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            token_hash=secret_hash(token),
            family_id=family_id,
            person_id=person_id,
            role=role.value,
            expires_at=app_now() + REFRESH_FOR,
        )
    )
    as_role = role
    if role is Role.VOLUNTEER and organisation_id is not None:
        if organisation_id not in coordinates:
            return None
        as_role = Role.COORDINATOR
    access = sign_token(
        current_database().settings,
        role=as_role,
        subject=person_id,
        organisation_id=organisation_id if as_role is Role.COORDINATOR else None,
    )
    return LogIn(
        access,
        token,
        as_role.value,
        person_id,
        organisation_id if as_role is Role.COORDINATOR else None,
        coordinates,
    )

"""Log-ins of people and systems. Secrets are stored as hashes; what must be sent is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.registration.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class Client(Base):
    """A system that calls us by OAuth2 client credentials. Our four services come from settings."""

    __tablename__ = "clients"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[str] = mapped_column(unique=True)
    """The token's `sub`; never reused."""
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class StaffMember(Base):
    """Somebody of the centre, with login name and password (argon2id)."""

    __tablename__ = "staff_members"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    login: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Tries since the last success, counted before the password is compared."""
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class LoginCode(Base):
    """The one-time code last sent to a phone: one row per phone, so a new code ends the old one."""

    __tablename__ = "login_codes"

    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    used_at: Mapped[datetime | None]
    window_from: Mapped[datetime]
    sends: Mapped[int]
    """Codes sent since `window_from`: bounds both SMS cost and guessing."""


class RefreshToken(Base):
    """A refresh token: used once, then replaced.

    Using one twice ends its whole family: somebody copied it.
    """

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    family_id: Mapped[UUID] = mapped_column(index=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    role: Mapped[str]
    """`staff` or `volunteer`; a coordinator's role is looked up again at each refresh."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class OutboundMessage(Base):
    """A text that has to reach a phone at once. Sealed, and deleted when it has expired."""

    __tablename__ = "outbound_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    phone_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

"""One-time codes and notices to one person."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class MessageKind(StrEnum):
    """What a direct message is for."""

    ONE_TIME_CODE = "one_time_code"  #: a log-in code, valid for five minutes
    NOTICE = "notice"  #: a short text, such as a signed confirmation link


class Message(Base):
    """A direct message: sealed, deleted after five minutes, never an event, never in a log."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID | None]
    recipient: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The sealed phone number or address; None when a person is named by id."""
    kind: Mapped[MessageKind]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The sealed text."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    expires_at: Mapped[datetime] = mapped_column(index=True)

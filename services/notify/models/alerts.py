"""What somebody was told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class Alert(Base):
    """One fact, told to one person by one template. Its words are made when it is read, in the
    reader's language.
    """

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID]
    """A person, an organisation's inbox, or STAFF_INBOX. After a merge the one that stays reads it;
    it is not moved.
    """
    topic: Mapped[str]
    event_id: Mapped[UUID]
    template: Mapped[str]
    params: Mapped[dict[str, Any]]
    """Public titles, amounts and times of the fact; never names or contacts."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "template"),
        Index("ix_alerts_person_id_id", "person_id", "id"),
        Index("ix_alerts_unread", "person_id", "id", postgresql_where=text("read_at IS NULL")),
    )

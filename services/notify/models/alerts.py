"""The alerts in the in-app inbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.json import JsonObject


class Alert(Base):
    """One event for one person, by one template.

    The text is made when the alert is read, in the reader's language.
    """

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID]
    """A person, an organisation's inbox, or STAFF_INBOX. A merge does not change it."""
    topic: Mapped[str]
    event_id: Mapped[UUID]
    template: Mapped[str]
    params: Mapped[JsonObject]
    """Public titles, amounts and times of the event; never names or contacts."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "person_id", "template"),
        Index("ix_alerts_person_id_id", "person_id", "id"),
        Index("ix_alerts_unread", "person_id", "id", postgresql_where=text("read_at IS NULL")),
    )

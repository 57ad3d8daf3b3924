"""What notify knows of people: their preferences, who was merged, who was erased."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now


class Preference(Base):
    """A person's choices. Without a row: the language of the request, all topics."""

    __tablename__ = "preferences"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str | None]
    """zh-CN or en; None is the language that the browser asks for."""
    muted_topics: Mapped[list[str]]
    """Alerts of these topics are written but not shown, so that unmuting shows them again."""
    updated_at: Mapped[datetime] = mapped_column(server_default=app_now())


class MergedPerson(Base):
    """`person_id` was a duplicate of `into_id`, who reads the alerts of both."""

    __tablename__ = "merged_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    into_id: Mapped[UUID] = mapped_column(index=True)


class ErasedPerson(Base):
    """A person who gets no alerts any more, also for events that arrive late."""

    __tablename__ = "erased_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)

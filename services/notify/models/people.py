"""What notify knows of people: how they like to be told, who was merged into whom, who was
erased.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.notify.models.base import Base
from shared.core.clock import app_now


class Preference(Base):
    """How somebody likes to be told. Without a row: the language of the request, all topics."""

    __tablename__ = "preferences"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    language: Mapped[str | None]
    """zh-CN or en; None means whatever the browser asks for."""
    muted_topics: Mapped[list[str]]
    """Alerts of these topics are written but not shown, so that unmuting shows them again."""
    updated_at: Mapped[datetime] = mapped_column(server_default=app_now())


class MergedPerson(Base):
    """`person_id` was a duplicate of `into_id`, who reads its alerts from then on, also those that
    come late.
    """

    __tablename__ = "merged_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    into_id: Mapped[UUID] = mapped_column(index=True)


class ErasedPerson(Base):
    """Gets no alerts any more, whenever the fact arrives."""

    __tablename__ = "erased_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)

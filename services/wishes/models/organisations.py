"""A copy of registration's organisations: public names, and which is above which."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.wishes.models.base import Base


class KnownOrganisation(Base):
    """An organisation as the newest `organisation.registered` describes it."""

    __tablename__ = "known_organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    """Public name of an organisation, never of a person."""
    kind: Mapped[str]
    parent_id: Mapped[UUID | None]
    sequence: Mapped[int]
    """Sequence of the event it came from: an older one changes nothing."""

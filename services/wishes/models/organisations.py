"""A newest-wins copy of registration's organisations: the station's public name on the board, and
who is above whom.
"""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.wishes.models.base import Base


class KnownOrganisation(Base):
    __tablename__ = "known_organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    """Public name of an organisation, never of a person."""
    kind: Mapped[str]
    parent_id: Mapped[UUID | None]
    sequence: Mapped[int]
    """Of the fact it came from: an older one changes nothing."""

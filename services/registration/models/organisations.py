"""The network of organisations and who coordinates where."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.registration.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class OrganisationKind(StrEnum):
    FEDERATION = "federation"  #: the root of a district
    BRANCH = "branch"  #: of a street or town, under a federation
    STATION = "station"  #: of a neighbourhood, under a branch
    GROUP = "group"  #: this and the kinds below attach anywhere, or nowhere
    COMPANY = "company"
    SCHOOL = "school"
    ASSOCIATION = "association"  #: chambers of commerce, NGOs


class Organisation(Base):
    """A node of the network of volunteer organisations."""

    __tablename__ = "organisations"
    __table_args__ = (Index(None, "kind", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[OrganisationKind]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Coordination(Base):
    """A volunteer coordinates an organisation and everything below it."""

    __tablename__ = "coordinations"

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    volunteer_id: Mapped[UUID] = mapped_column(
        ForeignKey("volunteers.id"), primary_key=True, index=True
    )
    granted_by: Mapped[str]
    granted_at: Mapped[datetime] = mapped_column(server_default=app_now())

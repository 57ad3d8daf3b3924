"""People who volunteer. Phones are stored sealed; an erased volunteer is only a number."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Sequence
from sqlalchemy.orm import Mapped, mapped_column

from services.registration.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id

NUMBERS = Sequence("volunteer_numbers", metadata=Base.metadata)


class VolunteerStatus(StrEnum):
    APPLIED = "applied"  #: registered, waits for staff; activate_volunteer
    ACTIVE = "active"  #: may sign up and claim; suspend_volunteer, leave
    SUSPENDED = "suspended"  #: may not, until activated again; hours stay
    LEFT = "left"  #: ended by themselves or staff; erase_volunteer
    MERGED = "merged"  #: was the same person as `merged_into_id`; final
    ERASED = "erased"  #: personal data gone; final


class Volunteer(Base):
    """Somebody who volunteers 志愿者, or a second registration of the same person."""

    __tablename__ = "volunteers"
    __table_args__ = (Index(None, "status", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(unique=True)
    """Public number: eight digits of a sequence and two check digits (ISO 7064 MOD 97-10)."""
    status: Mapped[VolunteerStatus]
    name: Mapped[str | None]
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    """Keyed hash of the E.164 number. Not unique: staff decide about a second registration."""
    birth_date: Mapped[date | None]
    guardian_name: Mapped[str | None]
    guardian_phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    guardian_consented_at: Mapped[datetime | None]
    possible_duplicate: Mapped[bool]
    """This phone had registered before. Only staff see it: it would reveal who volunteers."""
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("volunteers.id"), index=True)
    """The registration that stays; never one that is merged itself."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class ContactLook(Base):
    """A look at a volunteer's phone number."""

    __tablename__ = "contact_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    volunteer_id: Mapped[UUID] = mapped_column(ForeignKey("volunteers.id"), index=True)
    looked_by: Mapped[str]
    looked_at: Mapped[datetime] = mapped_column(server_default=app_now())

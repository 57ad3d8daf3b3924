"""Who a wish is for: sealed, apart from the wish, shown only by `contacts.look_at_contact`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from services.wishes.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class Beneficiary(Base):
    """The contact data of who a wish is for; sealed, and None once erased."""

    __tablename__ = "beneficiaries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    consented_at: Mapped[datetime] = mapped_column(server_default=app_now())
    """When they, or the guardian, agreed that the wish is shown and the contact stored."""
    guardian_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Only for minors. Claimers see the guardian, never the child."""
    guardian_phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    guardian_consented_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class ContactLook(Base):
    """A look at contact data. Append-only, and committed before the data is shown."""

    __tablename__ = "contact_looks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    wish_id: Mapped[UUID]
    beneficiary_id: Mapped[UUID]
    looked_by: Mapped[str]
    """Role and id."""
    why: Mapped[str]
    """A `contacts.LookReason`."""
    at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_contact_looks_wish_id_id", "wish_id", "id"),)

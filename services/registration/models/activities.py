"""Activities, their sessions, who signed up and who was there."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.registration.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class ActivityStatus(StrEnum):
    DRAFT = "draft"  #: being prepared; publish_activity
    PUBLISHED = "published"  #: seen by everybody, open for sign-ups


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = (Index(None, "status", "id"), Index(None, "organisation_id", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    title: Mapped[str]
    kind: Mapped[str]
    category: Mapped[str]
    risk_statement: Mapped[str | None]
    """What can go wrong and what is done about it; needed to publish."""
    minimum_age: Mapped[int | None]
    """In whole years on the day of the session."""
    status: Mapped[ActivityStatus]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())


class ActivitySession(Base):
    """A time and place of an activity, with so many seats 场次."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("confirmed BETWEEN 0 AND capacity", name="capacity_holds"),
        Index(None, "activity_id", "id"),
        Index(None, "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str]
    capacity: Mapped[int]
    confirmed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Seats taken. The CHECK decides on capacity; this row's lock orders all sign-ups."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    activity: Mapped[Activity] = relationship(lazy="raise_on_sql")
    """Loaded only by `sessions_with_activities`: a query of its own would come unseen."""


class SignUpStatus(StrEnum):
    CONFIRMED = "confirmed"  #: has a seat; cancel_sign_up
    WAITLISTED = "waitlisted"  #: on the waiting list; the first gets the next free seat at once
    CANCELLED = "cancelled"  #: gave it back; may sign up again


class SignUp(Base):
    """A volunteer's seat, or place on the waiting list, in an activity session."""

    __tablename__ = "sign_ups"
    __table_args__ = (
        ExcludeConstraint(
            (text("volunteer_id"), "="),
            (text("period"), "&&"),
            where=text("status = 'confirmed'"),
            name="ex_sign_ups_no_overlap",
        ),
        Index(
            "ix_sign_ups_queue",
            "session_id",
            "queued",
            postgresql_where=text("status = 'waitlisted'"),
        ),
        Index(None, "volunteer_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(default=new_id, unique=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    volunteer_id: Mapped[UUID] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    status: Mapped[SignUpStatus]
    period: Mapped[Any] = mapped_column(TSTZRANGE)
    """The session's time, copied: a constraint refuses two seats at once."""
    queued: Mapped[int] = mapped_column(BigInteger, Identity())
    """Place on the waiting list: first come, first seated; a new number with each new sign-up."""
    changed_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Credit(StrEnum):
    """What a check-out led to."""

    RECORDED = "recorded"  #: counted as verified at once
    PENDING = "pending"  #: waits for a second person
    TOO_SHORT = "too_short"  #: below the minimum share of the planned time: nothing is credited
    OVERLAPS = "overlaps"  #: this time is already in another record: nothing is credited
    LEFT = "left"  #: the volunteer left or was erased before the check-out: nothing is credited
    REFUSED = "refused"  #: no record for any other reason: nothing is credited


class Attendance(Base):
    """Somebody was there. Who came, who checked them in and who checked them out: three columns."""

    __tablename__ = "attendances"
    __table_args__ = (
        Index("ix_attendances_open", "session_id", postgresql_where=text("checked_out_at IS NULL")),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    volunteer_id: Mapped[UUID] = mapped_column(
        ForeignKey("volunteers.id"), primary_key=True, index=True
    )
    checked_in_at: Mapped[datetime]
    checked_in_by: Mapped[str]
    checked_out_at: Mapped[datetime | None]
    checked_out_by: Mapped[str | None]
    minutes: Mapped[int | None]
    """Whole minutes inside the session and its tolerance."""
    credit: Mapped[Credit | None]
    record_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_records.id"))
    closed_by_clock: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Closed at the session's end without a check-out; a second person decides."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

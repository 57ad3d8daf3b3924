"""One balance row per volunteer, kept because a limit must hold: no balance goes below zero.

The journal is the truth (`models/ledger.py`).
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now


class AccountStatus(StrEnum):
    """What may still happen to an account."""

    OPEN = "open"  #: 正常; earns and spends; registration or the first hours open it
    CLOSED = "closed"  #: its volunteer left: late minutes count, their points are forfeited
    MERGED = "merged"  #: the same person as `merged_into`, who gets everything, also late hours
    ERASED = "erased"  #: a number without a person; like closed, without alerts


class StandingChoice(StrEnum):
    """What a volunteer wants done with points that reach the price of a product."""

    ISSUE = "issue"  #: issue the voucher at once
    SAVE = "save"  #: keep the points
    GIVE_ON = "give_on"  #: issue the voucher into the pool, for somebody who needs it more


class Account(Base):
    __tablename__ = "accounts"

    volunteer_id: Mapped[UUID] = mapped_column(primary_key=True)
    """As registration knows the volunteer."""
    points_available: Mapped[int] = mapped_column(server_default="0")
    points_held: Mapped[int] = mapped_column(server_default="0")
    """Taken for vouchers that wait for stock."""
    minutes_credited: Mapped[int] = mapped_column(server_default="0")
    """Verified minutes that earned, corrections included."""
    shortfall: Mapped[int] = mapped_column(server_default="0")
    """Points a correction took that were spent already; the next minutes pay it."""
    standing_choice: Mapped[StandingChoice] = mapped_column(
        server_default=StandingChoice.ISSUE.value
    )
    preferred_product_id: Mapped[UUID | None]
    """The product that the volunteer prefers: bought first, while it is offered."""
    status: Mapped[AccountStatus] = mapped_column(server_default=AccountStatus.OPEN.value)
    merged_into: Mapped[UUID | None]
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    """By the newest event. Vouchers due are still issued; requests of the volunteer are refused."""
    suspended_sequence: Mapped[int] = mapped_column(server_default="0")
    """Sequence of that event: an older one that comes late changes nothing."""
    opened_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        CheckConstraint("points_available >= 0", "points_available_not_negative"),
        CheckConstraint("points_held >= 0", "points_held_not_negative"),
        CheckConstraint("minutes_credited >= 0", "minutes_credited_not_negative"),
        CheckConstraint("shortfall >= 0", "shortfall_not_negative"),
        CheckConstraint("(status = 'merged') = (merged_into IS NOT NULL)", "merged_names_target"),
        Index(
            "ix_accounts_merged_into",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )

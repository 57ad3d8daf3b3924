"""One balance row per volunteer: kept only because a limit must hold. The journal is the truth
(`models/ledger.py`).
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

    OPEN = "open"  #: earns and spends; opened by registration or by the first hours, whichever comes first
    CLOSED = (
        "closed"  #: its volunteer left: late minutes count as minutes, their points are forfeited
    )
    MERGED = (
        "merged"  #: was the same person as `merged_into`, who gets everything, also what comes late
    )
    ERASED = "erased"  #: a number without a person; like closed, and nobody is told


class StandingChoice(StrEnum):
    """What a volunteer wants done with points that reach the price of a product."""

    ISSUE = "issue"  #: issue the voucher at once
    SAVE = "save"  #: keep the points
    GIVE_ON = (
        "give_on"  #: leave the voucher to somebody who needs it more: it is issued into the pool
    )


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
    """What the volunteer would rather have: bought first, while it is offered and its price is
    reached.
    """
    status: Mapped[AccountStatus] = mapped_column(server_default=AccountStatus.OPEN.value)
    merged_into: Mapped[UUID | None]
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    """Newest word of registration. Vouchers due are still issued; what a volunteer asks for will be
    refused.
    """
    suspended_sequence: Mapped[int] = mapped_column(server_default="0")
    """Sequence of the fact that said so: an older one that comes late changes nothing."""
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

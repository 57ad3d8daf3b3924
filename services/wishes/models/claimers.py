"""How many wishes a claimer has claimed, and whether they may claim at all.

The limit is a CHECK: no race passes it.
"""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.wishes.models.base import Base
from shared.contracts.wishes import ClaimerKind


class Standing(StrEnum):
    """Whether a volunteer may claim, by the newest event of registration."""

    GOOD = "good"  #: may claim; so may everyone without an event
    SUSPENDED = "suspended"  #: may not claim until volunteer.activated
    GONE = "gone"  #: left or erased
    MERGED = "merged"  #: a duplicate; its claims belong to merged_into


class ClaimerLoad(Base):
    """The counter of one claimer: a volunteer, an organisation or a voucher of the pool."""

    __tablename__ = "claimer_loads"

    claimer_id: Mapped[UUID] = mapped_column(primary_key=True)
    claimer_kind: Mapped[ClaimerKind]
    active: Mapped[int] = mapped_column(default=0)
    """Wishes claimed or fulfilled now. Changes in the transaction of the wish's own move."""
    claim_limit: Mapped[int]
    """How many at once: 3 for a volunteer, 50 for an organisation, unless changed here.

    A merger of two volunteers lifts it if need be, so that nobody loses a claim.
    """
    standing: Mapped[Standing] = mapped_column(default=Standing.GOOD)
    standing_sequence: Mapped[int] = mapped_column(default=0)
    """Sequence of the event that set the standing: the newest wins, in any order of arrival."""
    merged_into: Mapped[UUID | None]

    __table_args__ = (CheckConstraint("active BETWEEN 0 AND claim_limit", name="within_limit"),)

"""A wish on the tree, and the history of its moves.

The person is in `beneficiaries`, kept apart on purpose.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.wishes.models.base import Base
from shared.contracts.wishes import ClaimerKind
from shared.core.clock import app_now
from shared.core.ids import new_id


class WishStatus(StrEnum):
    """submitted -> verified -> published -> claimed -> fulfilled -> confirmed.

    Aside: rejected, withdrawn, expired.
    """

    SUBMITTED = "submitted"  #: not public yet; verify_wish or reject_wish
    VERIFIED = "verified"  #: the station vouches, the words are clean; publish_wish or reject_wish
    PUBLISHED = "published"  #: on the tree 待认领; claim_wish
    CLAIMED = (
        "claimed"  #: 已认领, leased until lease_until; fulfil_wish, release_claim or the clock
    )
    FULFILLED = "fulfilled"  #: the claimer says it is done; confirm_wish or refuse_fulfilment
    CONFIRMED = "confirmed"  #: the resident or the station agrees 已完成; final
    REJECTED = "rejected"  #: station or staff refused it; final
    WITHDRAWN = "withdrawn"  #: resident or station took it back; final
    EXPIRED = "expired"  #: nobody claimed it before need_by; final


class Label(StrEnum):
    """What the public reads."""

    FREE = "待认领"  #: published
    TAKEN = "已认领"  #: claimed or fulfilled
    DONE = "已完成"  #: confirmed


LABELS = {
    WishStatus.PUBLISHED: Label.FREE,
    WishStatus.CLAIMED: Label.TAKEN,
    WishStatus.FULFILLED: Label.TAKEN,
    WishStatus.CONFIRMED: Label.DONE,
}
PUBLIC = tuple(LABELS)
"""What the public may see; to it no other wish exists."""
HELD = (WishStatus.CLAIMED, WishStatus.FULFILLED)
"""What counts against a claimer's limit."""
OPEN = (WishStatus.SUBMITTED, WishStatus.VERIFIED, WishStatus.PUBLISHED, *HELD)
"""What may still be withdrawn."""


class AgeBand(StrEnum):
    """How old the beneficiary is. A finer band would point at a person."""

    CHILD = "0-13"  #: a guardian consents
    YOUTH = "14-17"  #: a guardian consents
    ADULT = "18-59"
    SENIOR = "60+"


_PUBLIC = text("status IN ('published', 'claimed', 'fulfilled', 'confirmed')")


class Wish(Base):
    """A wish of a resident 心愿, without anything about who that is."""

    __tablename__ = "wishes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    """Public number, printed on the card of the physical tree."""
    title: Mapped[str]
    """As submitted until verification; from then on clean, so that the public may see it."""
    description: Mapped[str]
    """Like the title."""
    category: Mapped[str]
    age_band: Mapped[AgeBand]
    """Stored here, so that no public query ever reads `beneficiaries`."""
    station_id: Mapped[UUID]
    """Organisation that vouches. No foreign key: registration owns that table."""
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), unique=True)
    need_by: Mapped[date | None]
    """Last calendar day at the site on which the wish is of use."""
    status: Mapped[WishStatus]
    claimer_id: Mapped[UUID | None]
    """Who claimed or granted the wish. No foreign key: other services own those tables."""
    claimer_kind: Mapped[ClaimerKind | None]
    fence: Mapped[int] = mapped_column(default=0)
    """Counts the claims. Who fulfils names the current one: a former claimer ends no newer one."""
    lease_until: Mapped[datetime | None]
    """When the claim lapses. It counts as free from then on, even before the job releases it."""
    fulfilment_note: Mapped[str | None]
    """What the claimer says was done; for station and staff, never public."""
    proposed_minutes: Mapped[int] = mapped_column(default=0)
    """Service time that the claimer proposes; the station confirms it in registration."""
    submitted_at: Mapped[datetime] = mapped_column(server_default=app_now())
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it reached a final state; the days until the contact data is erased count from then."""

    __table_args__ = (
        CheckConstraint("(claimer_id IS NULL) = (claimer_kind IS NULL)", name="claimer_whole"),
        CheckConstraint(
            "status NOT IN ('claimed', 'fulfilled', 'confirmed') OR claimer_id IS NOT NULL",
            name="held_by_somebody",
        ),
        CheckConstraint(
            "(status = 'claimed') = (lease_until IS NOT NULL)", name="lease_while_claimed"
        ),
        Index("ix_wishes_board", "id", postgresql_where=_PUBLIC),
        Index("ix_wishes_board_category", "category", "id", postgresql_where=_PUBLIC),
        Index("ix_wishes_status_id", "status", "id"),
        Index("ix_wishes_station_id_id", "station_id", "id"),
        Index("ix_wishes_category_status", "category", "status"),
        Index(
            "ix_wishes_claimer_id_id",
            "claimer_id",
            "id",
            postgresql_where=text("claimer_id IS NOT NULL"),
        ),
        Index("ix_wishes_lease_until", "lease_until", postgresql_where=text("status = 'claimed'")),
        Index("ix_wishes_need_by", "need_by", postgresql_where=text("status = 'published'")),
        Index("ix_wishes_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )


class WishMove(Base):
    """One step of a wish. Append-only: the application role may not change or delete it."""

    __tablename__ = "wish_moves"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    wish_id: Mapped[UUID] = mapped_column(ForeignKey("wishes.id"))
    from_status: Mapped[WishStatus | None]
    """None for the submission."""
    to_status: Mapped[WishStatus]
    actor: Mapped[str]
    """Role and id of who moved it, `pool` or `clock`; never a name."""
    reason: Mapped[str | None]
    fence: Mapped[int]
    """The claim this step belonged to."""
    at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (Index("ix_wish_moves_wish_id_id", "wish_id", "id"),)

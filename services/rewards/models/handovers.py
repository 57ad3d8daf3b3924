"""Vouchers that change hands: between people, into the pool 爱心券池, and out of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id


class HandoverKind(StrEnum):
    """Why a voucher changed hands."""

    GIFT = "gift"  #: from its holder to another person
    DONATION = "donation"  #: from its holder, or straight from the points, into the pool
    ALLOCATION = "allocation"  #: out of the pool to a person in need
    WISH = "wish"  #: out of the pool, for a wish
    RETURN = "return"  #: a received gift whose holder left: back into the pool
    REISSUE = "reissue"  #: the same holder, a new code


class Handover(Base):
    """One link in the chain of custody. Append-only.

    The old code is dead; value is neither made nor lost.
    """

    __tablename__ = "handovers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[HandoverKind]
    from_voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"), unique=True)
    """None where a standing choice bought it for the pool. A voucher is handed on once."""
    to_voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), unique=True)
    giver_id: Mapped[UUID | None]
    """None out of the pool."""
    receiver_id: Mapped[UUID | None]
    """None into the pool."""
    named: Mapped[bool]
    """Whether the receiver may know the giver."""
    wish_id: Mapped[UUID | None]
    request_id: Mapped[UUID | None]
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        Index(
            "ix_handovers_giver_id_id",
            "giver_id",
            "id",
            postgresql_where=text("giver_id IS NOT NULL"),
        ),
        Index(
            "ix_handovers_receiver_id_id",
            "receiver_id",
            "id",
            postgresql_where=text("receiver_id IS NOT NULL"),
        ),
    )


class Need(StrEnum):
    """Why somebody is in need. A closed list instead of a story, which would be personal data."""

    LOW_INCOME = "low_income"  #: 低保
    DISABILITY = "disability"  #: 残疾
    ELDERLY = "elderly"  #: 高龄
    CHILD = "child"  #: 困境儿童
    CARER = "carer"  #: 照护者
    OTHER = "other"


class PoolRequestStatus(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"  #: the next allocation looks at it
    GRANTED = "granted"  #: got `voucher_id`
    WITHDRAWN = "withdrawn"  #: taken back by the requester, or by staff


class PoolRequest(Base):
    """A request of somebody in need for a voucher.

    Who received fewest in a year comes first, then who waits longest.
    """

    __tablename__ = "pool_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    recipient_id: Mapped[UUID]
    """The person in need, a volunteer or a beneficiary of wishes: fairness counts by this id."""
    holder_id: Mapped[UUID]
    """Who will see the code: the recipient, or the station worker who hands it over."""
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
    """None: anything."""
    need: Mapped[Need]
    status: Mapped[PoolRequestStatus] = mapped_column(
        server_default=PoolRequestStatus.WAITING.value
    )
    asked_by: Mapped[str]
    voucher_id: Mapped[UUID | None]
    received_before: Mapped[int | None]
    """How many this person had in the year before, when it was granted: part of the explanation."""
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_pool_requests_waiting",
            "recipient_id",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_pool_requests_waiting_id", "id", postgresql_where=text("status = 'waiting'")),
        Index(
            "ix_pool_requests_granted",
            "recipient_id",
            "ended_at",
            postgresql_where=text("status = 'granted'"),
        ),
        Index("ix_pool_requests_holder_id_id", "holder_id", "id"),
    )


class PoolWishStatus(StrEnum):
    """Where a wish stands by the newest event of wishes, and by our own grants."""

    OPEN = "open"  #: on the tree, nobody has claimed it
    CLOSED = "closed"  #: no longer free there
    GRANTED = "granted"  #: the pool took it


class PoolWish(Base):
    """A wish that the pool could grant, copied from the events of wishes. Public title only."""

    __tablename__ = "pool_wishes"

    wish_id: Mapped[UUID] = mapped_column(primary_key=True)
    station_id: Mapped[UUID | None]
    category: Mapped[str | None]
    title: Mapped[str | None]
    status: Mapped[PoolWishStatus] = mapped_column(server_default=PoolWishStatus.OPEN.value)
    sequence: Mapped[int] = mapped_column(server_default="0")
    voucher_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_pool_wishes_open", "wish_id", postgresql_where=text("status = 'open'")),
    )

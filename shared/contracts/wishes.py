"""What wishes says. Never who wishes, nor the text of the wish beyond its public, screened
title.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Event, event


class ClaimerKind(StrEnum):
    """Who may lease a wish."""

    VOLUNTEER = "volunteer"
    ORGANISATION = "organisation"
    POOL = "pool"  #: a voucher out of the pool of rewards, by its id


@event("wishes", "wish.submitted", subject="wish_id", handled_by=("notify",))
class WishSubmitted(Event):
    """A wish was hung and waits for verification by its station."""

    wish_id: UUID
    station_id: UUID
    category: str


@event("wishes", "wish.verified", subject="wish_id", handled_by=("notify",))
class WishVerified(Event):
    """The station vouches for the wish and its words were screened."""

    wish_id: UUID
    station_id: UUID


@event("wishes", "wish.rejected", subject="wish_id", handled_by=("notify",))
class WishRejected(Event):
    """Staff refused the wish; `reason_code` is one of a closed set."""

    wish_id: UUID
    station_id: UUID
    reason_code: str


@event("wishes", "wish.published", subject="wish_id", handled_by=("notify", "rewards"))
class WishPublished(Event):
    """The wish is on the tree 待认领."""

    wish_id: UUID
    station_id: UUID
    category: str
    title: str  #: public, screened


@event("wishes", "wish.claimed", subject="wish_id", handled_by=("notify", "rewards"))
class WishClaimed(Event):
    """One giver leased the wish 已认领 until the deadline."""

    wish_id: UUID
    station_id: UUID
    title: str
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: int  #: counts the claims; who completes must name the current one
    lease_until: datetime


@event("wishes", "wish.released", subject="wish_id", handled_by=("notify", "rewards"))
class WishReleased(Event):
    """The lease ended without fulfilment; the wish hangs again."""

    wish_id: UUID
    station_id: UUID
    title: str
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: int
    cause: str  #: claimer, staff or expired


@event("wishes", "wish.fulfilled", subject="wish_id", handled_by=("notify",))
class WishFulfilled(Event):
    """The claimer says it is done; the resident or the station has to agree."""

    wish_id: UUID
    station_id: UUID
    title: str
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: int


@event("wishes", "wish.confirmed", subject="wish_id", handled_by=("notify", "registration"))
class WishConfirmed(Event):
    """The wish was granted 已完成; final."""

    wish_id: UUID
    station_id: UUID
    title: str
    claimer_id: UUID
    claimer_kind: ClaimerKind
    proposed_minutes: int = (
        0  #: service time the claimer spent, for registration to have confirmed by the station
    )


@event("wishes", "wish.withdrawn", subject="wish_id", handled_by=("notify", "rewards"))
class WishWithdrawn(Event):
    """Resident or station took the wish back."""

    wish_id: UUID
    station_id: UUID
    title: str
    claimer_id: UUID | None = None  #: who held it then
    claimer_kind: ClaimerKind | None = None


@event("wishes", "wish.expired", subject="wish_id", handled_by=("rewards",))
class WishExpired(Event):
    """Nobody claimed the wish before the day it was needed by; it left the tree."""

    wish_id: UUID
    station_id: UUID
    title: str


@event("wishes", "wish.grant_declined", subject="wish_id", handled_by=("rewards",))
class WishGrantDeclined(Event):
    """The pool gave a voucher for a wish that was no longer free; it is not needed there."""

    wish_id: UUID
    voucher_id: UUID

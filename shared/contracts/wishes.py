"""The events that wishes publishes.

They never tell who made a wish, nor its text beyond the public, screened title.
"""

from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Event, event
from shared.contracts.bounds import Code, Fence, Instant, Minutes, Title


class ClaimerKind(StrEnum):
    """Who may claim a wish."""

    VOLUNTEER = "volunteer"
    ORGANISATION = "organisation"
    POOL = "pool"  #: a voucher from the pool of rewards, by its id


@event("wishes", "wish.submitted", subject="wish_id", handled_by=("notify",))
class WishSubmitted(Event):
    """A wish was submitted. Its station has to verify it."""

    wish_id: UUID
    station_id: UUID
    category: Code


@event("wishes", "wish.verified", subject="wish_id", handled_by=("notify",))
class WishVerified(Event):
    """The station verified the wish, and its text was screened."""

    wish_id: UUID
    station_id: UUID


@event("wishes", "wish.rejected", subject="wish_id", handled_by=("notify",))
class WishRejected(Event):
    """Staff refused the wish. `reason_code` is one of a closed set."""

    wish_id: UUID
    station_id: UUID
    reason_code: Code


@event("wishes", "wish.published", subject="wish_id", handled_by=("notify", "rewards"))
class WishPublished(Event):
    """The wish is on the tree 待认领: it can be claimed."""

    wish_id: UUID
    station_id: UUID
    category: Code
    title: Title  #: public, screened


@event("wishes", "wish.claimed", subject="wish_id", handled_by=("notify", "rewards"))
class WishClaimed(Event):
    """One claimer has the wish 已认领 until `lease_until`."""

    wish_id: UUID
    station_id: UUID
    title: Title
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: Fence  #: counts the claims; the completing request must name the current one
    lease_until: Instant


@event("wishes", "wish.released", subject="wish_id", handled_by=("notify", "rewards"))
class WishReleased(Event):
    """The claim ended without fulfilment. The wish can be claimed again."""

    wish_id: UUID
    station_id: UUID
    title: Title
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: Fence
    cause: Code  #: claimer, staff or expired


@event("wishes", "wish.fulfilled", subject="wish_id", handled_by=("notify",))
class WishFulfilled(Event):
    """The claimer says that it is done. The resident or the station has to agree."""

    wish_id: UUID
    station_id: UUID
    title: Title
    claimer_id: UUID
    claimer_kind: ClaimerKind
    fence: Fence


@event("wishes", "wish.confirmed", subject="wish_id", handled_by=("notify", "registration"))
class WishConfirmed(Event):
    """The resident or the station agreed that the wish was granted 已完成. Final."""

    wish_id: UUID
    station_id: UUID
    title: Title
    claimer_id: UUID
    claimer_kind: ClaimerKind
    #: service time that the claimer spent; registration has the station confirm it
    proposed_minutes: Minutes = 0


@event("wishes", "wish.withdrawn", subject="wish_id", handled_by=("notify", "rewards"))
class WishWithdrawn(Event):
    """The resident or the station withdrew the wish."""

    wish_id: UUID
    station_id: UUID
    title: Title
    claimer_id: UUID | None = None  #: who had claimed it then
    claimer_kind: ClaimerKind | None = None


@event("wishes", "wish.expired", subject="wish_id", handled_by=("rewards",))
class WishExpired(Event):
    """Nobody claimed the wish before the day it was needed by. It is off the tree."""

    wish_id: UUID
    station_id: UUID
    title: Title


@event("wishes", "wish.grant_declined", subject="wish_id", handled_by=("rewards",))
class WishGrantDeclined(Event):
    """The pool gave a voucher for a wish that was no longer free. The voucher is not needed."""

    wish_id: UUID
    voucher_id: UUID

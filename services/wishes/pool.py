"""A voucher of the pool 爱心券池 grants a wish.

Rewards publishes the grant, the wish is claimed and fulfilled for the voucher, and the station
confirms it.
"""

from sqlalchemy.orm import Session

from services.wishes.claimers import Claimer
from services.wishes.claims import WishNotClaimable, claim_wish, fulfil_wish
from services.wishes.lifecycle import WishNotFound
from services.wishes.models import Wish
from shared.contracts.rewards import PoolWishGranted
from shared.contracts.wishes import ClaimerKind, WishGrantDeclined
from shared.messaging.outbox import publish

POOL = "pool"
"""The actor of what the pool does."""


def take_grant(session: Session, event: PoolWishGranted) -> None:
    """Claim and fulfil a wish for the voucher that was given for it.

    Where somebody else was faster, publish `wish.grant_declined`, and rewards takes the voucher
    back into the pool. Repeating it changes nothing.
    """
    voucher = Claimer(event.voucher_id, ClaimerKind.POOL)
    try:
        wish = claim_wish(session, event.wish_id, voucher, POOL)
    except (WishNotFound, WishNotClaimable):
        if not _was_granted(session, event):
            publish(session, WishGrantDeclined(wish_id=event.wish_id, voucher_id=event.voucher_id))
        return
    fulfil_wish(session, event.wish_id, voucher, POOL, fence=wish.fence, note=event.title)


def _was_granted(session: Session, event: PoolWishGranted) -> bool:
    """Whether this very voucher granted the wish before."""
    wish = session.get(Wish, event.wish_id)
    return wish is not None and wish.claimer_id == event.voucher_id

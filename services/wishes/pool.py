"""A voucher of the pool 爱心券池 grants a wish: rewards says so, the wish is claimed for it, its
station confirms.
"""

from sqlalchemy.orm import Session

from services.wishes.claims import Claimer, WishNotClaimable, claim_wish, fulfil_wish
from services.wishes.lifecycle import WishNotFound
from services.wishes.models import Wish
from shared.contracts.rewards import PoolWishGranted
from shared.contracts.wishes import ClaimerKind, WishGrantDeclined
from shared.messaging.outbox import publish

POOL = "pool"
"""The actor of what the pool does."""


def take_grant(session: Session, event: PoolWishGranted) -> None:
    """Claim and fulfil a wish for the voucher that was given for it, or decline where somebody else
    was faster.

    Repeating it changes nothing. A declined voucher returns to the pool, so rewards must hear it
    from us.
    """
    voucher = Claimer(event.voucher_id, ClaimerKind.POOL)
    try:
        wish = claim_wish(session, event.wish_id, voucher, POOL)
    except (WishNotFound, WishNotClaimable):
        held = session.get(Wish, event.wish_id)
        if held is not None and held.claimer_id == event.voucher_id:
            return  # granted by this very voucher before
        publish(session, WishGrantDeclined(wish_id=event.wish_id, voucher_id=event.voucher_id))
        return
    fulfil_wish(session, event.wish_id, voucher, POOL, fence=wish.fence, note=event.title)

"""Points into a voucher because somebody asked: at the price of an issue rule in force, automatic
or not.

Recorded minutes stay as they are. Whoever wants the last one at the same moment is told by the
stock row, not by us.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from services.rewards.catalogue import products
from services.rewards.catalogue.products import ProductNotFound, StockShort
from services.rewards.issuing.issue import Due, backorder, draft, pay, write_vouchers
from services.rewards.ledger import accounts
from services.rewards.ledger.accounts import check_standing
from services.rewards.models import Account, Product, Voucher, VoucherOrigin
from services.rewards.rules.limits import room_for
from services.rewards.rules.versions import Offer, offers
from services.rewards.vouchers.codes import code_vault
from services.rewards.vouchers.lifecycle import get_voucher
from shared.core.problems import Conflict


class NotEnoughPoints(Conflict):
    """The points do not reach the price."""


class SoldOut(Conflict):
    """Nothing of this is left, or others wait for it already."""


class NotOffered(Conflict):
    """This is not given for points at present."""


class LimitReached(Conflict):
    """As many as the rules allow in this period."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of the points: a voucher, or a place in the queue."""

    voucher: Voucher | None = None
    backorder_id: UUID | None = None


def exchange(
    session: Session, volunteer_id: UUID, product_id: UUID, *, wait: bool = False, actor: str
) -> Exchange:
    """Buy one voucher; sold out, with `wait`, hold the points and stand behind those who wait
    already.

    Raises ProductNotFound, NotOffered, NotEnoughPoints (with the `shortage` in points),
    LimitReached, SoldOut, AccountSuspended, AccountEnded. Asking twice buys twice: repeat with the
    same Idempotency-Key.
    """
    account = accounts.lock_account(session, volunteer_id)
    check_standing(account)
    due = Due(account.volunteer_id, _offer(session, account, product_id))
    if not due.offer.queued and due.offer.left > 0:
        voucher_id = _buy(session, due, actor)
        if voucher_id is not None:
            return Exchange(voucher=get_voucher(session, voucher_id))
    if not wait:
        raise SoldOut(
            f"Nothing of product {product_id} is left now. Ask with `wait` to stand in the queue."
        )
    pay(session, [due])
    (backorder_id,) = backorder(session, [due], actor=actor)
    return Exchange(backorder_id=backorder_id)


def _offer(session: Session, account: Account, product_id: UUID) -> Offer:
    """What the account may have of this product now. The account is locked."""
    if session.get(Product, product_id) is None:
        raise ProductNotFound(f"No product {product_id}.")
    offer = next((offer for offer in offers(session) if offer.product_id == product_id), None)
    if offer is None:
        raise NotOffered(f"No issue rule in force offers product {product_id}.")
    shortage = offer.points - account.points_available
    if shortage > 0:
        raise NotEnoughPoints(
            f"It costs {offer.points} points; {shortage} are missing.", shortage=shortage
        )
    if room_for(session, [account.volunteer_id]).left(account.volunteer_id, product_id) < 1:
        raise LimitReached(
            f"{account.volunteer_id} has had as many of product {product_id} as the limits allow."
        )
    return offer


def _buy(session: Session, due: Due, actor: str) -> UUID | None:
    """The voucher's id, or None where somebody was faster. Everything is written before the stock
    row is locked.
    """
    written = draft(
        code_vault(), due.volunteer_id, due.offer, origin=VoucherOrigin.EXCHANGED, actor=actor
    )
    try:
        with session.begin_nested():
            pay(session, [due])
            write_vouchers(session, [written])
            products.take(session, {due.offer.product_id: 1})
    except StockShort:
        return None
    voucher_id: UUID = written["id"]
    return voucher_id

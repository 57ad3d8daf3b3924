"""Points into a voucher on request, at the price of an issue rule in force, automatic or not.

Recorded minutes stay as they are. Of two who want the last one at the same moment, the stock row
decides who gets it.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from services.rewards.catalogue import products
from services.rewards.catalogue.products import ProductNotFound, StockShort
from services.rewards.issuing.issue import (
    Due,
    backorder,
    moment_of,
    pay,
    purchase_of,
    write_vouchers,
)
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
    """This product is out of stock, or others wait for it already."""


class NotOffered(Conflict):
    """This product cannot be exchanged for points at present."""


class LimitReached(Conflict):
    """The rules allow no more of these vouchers in this period."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the points became: a voucher or a backorder."""

    voucher: Voucher | None = None
    backorder_id: UUID | None = None


def exchange(
    session: Session, volunteer_id: UUID, product_id: UUID, *, wait: bool = False, actor: str
) -> Exchange:
    """Issue one voucher for points; if sold out, with `wait`, make a backorder instead.

    A second request makes a second voucher: repeat with the same Idempotency-Key. Raises
    ProductNotFound, NotOffered, NotEnoughPoints (with the `shortage` in points), LimitReached,
    SoldOut, AccountSuspended, AccountEnded.
    """
    account = accounts.lock_account(session, volunteer_id)
    check_standing(account)
    due = Due(account.volunteer_id, _offer(session, account, product_id))
    if not due.offer.queued and due.offer.left > 0:
        voucher_id = _issue_now(session, due, actor)
        if voucher_id is not None:
            return Exchange(voucher=get_voucher(session, voucher_id))
    if not wait:
        raise SoldOut(f"Nothing of product {product_id} is left. Send `wait` to make a backorder.")
    pay(session, [due])
    (backorder_id,) = backorder(session, [due], actor=actor)
    return Exchange(backorder_id=backorder_id)


def _offer(session: Session, account: Account, product_id: UUID) -> Offer:
    """Find what the account may buy of this product now. The account is locked."""
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


def _issue_now(session: Session, due: Due, actor: str) -> UUID | None:
    """Issue one; return the voucher's id, or None where somebody took the last one meanwhile.

    Everything is written before the stock row is locked.
    """
    purchase = purchase_of(
        due, code_vault(), moment_of(session), origin=VoucherOrigin.EXCHANGED, actor=actor
    )
    try:
        with session.begin_nested():
            pay(session, [due])
            write_vouchers(session, [purchase])
            products.take(session, {due.offer.product_id: 1})
    except StockShort:
        return None
    return purchase.voucher.id

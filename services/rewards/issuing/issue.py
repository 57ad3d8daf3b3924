"""From points to vouchers.

A voucher is issued when its price is reached. It waits where stock is short, and goes to the pool
where its volunteer chose that. Accounts are locked by the caller. All else is written before the
stock row, so that others wait for our commit only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, repeat
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Uuid

from services.rewards.catalogue import products
from services.rewards.ledger import accounts, journal
from services.rewards.ledger.accounts import Balance
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import (
    Backorder,
    BackorderStatus,
    Handover,
    HandoverKind,
    IssueBacklog,
    Product,
    StandingChoice,
    TransferKind,
    VoucherOrigin,
)
from services.rewards.rules.limits import Room, room_for
from services.rewards.rules.versions import Offer, offers
from services.rewards.vouchers import codes
from services.rewards.vouchers.codes import code_vault
from services.rewards.vouchers.drafts import VoucherDraft, insert_vouchers, seal_code
from shared.contracts.rewards import VoucherBackordered, VoucherGiven, VoucherIssued
from shared.core.clock import app_now
from shared.core.crypto import Vault
from shared.core.ids import new_id
from shared.db.bulk import insert_rows
from shared.messaging.outbox import publish

MOST_PER_ACCOUNT, MOST_AT_ONCE = 200, 2_000
"""The most vouchers that one transaction issues: 2,000 take half a second."""


@dataclass(frozen=True, slots=True)
class Due:
    """One voucher that an account's points buy."""

    volunteer_id: UUID
    offer: Offer
    donated: bool = False  #: it goes into the pool


@dataclass(frozen=True, slots=True)
class Purchase:
    """A voucher to write, and the account that pays for it."""

    voucher: VoucherDraft
    payer_id: UUID
    actor: str

    @property
    def donated(self) -> bool:
        return self.voucher.holder_id is None


def issue_due(session: Session, balances: Sequence[Balance]) -> None:
    """Issue the vouchers that these balances have reached, in the order of the offers.

    The accounts are locked. Where stock is short the points are held and the entitlement waits;
    what was meant for the pool stays with its account instead. Points beyond a limit are kept for
    the next period. Of very many vouchers the first are issued, and a job continues.
    """
    _continue_later(session, issue_portion(session, balances, MOST_PER_ACCOUNT))


def issue_portion(session: Session, balances: Sequence[Balance], per_account: int) -> set[UUID]:
    """Issue the first of what these balances have reached; return whose points buy more.

    Each account gets at most `per_account` vouchers, and all together MOST_AT_ONCE. The accounts
    are locked.
    """
    able = [b for b in balances if b.choice is not StandingChoice.SAVE and b.points > 0]
    if not able:
        return set()
    available = offers(session)
    cheapest = min((offer.points for offer in available), default=None)
    able = [b for b in able if cheapest is not None and cheapest <= b.points]
    if not able:
        return set()
    room = room_for(session, [b.volunteer_id for b in able])
    portion = first_portion(able, available, room, per_account)
    without_stock = buy(session, portion.due, available)
    return portion.unfinished - without_stock


@dataclass(frozen=True, slots=True)
class Portion:
    """What one transaction issues, and whose points buy more."""

    due: Sequence[Due]
    unfinished: set[UUID]


def first_portion(
    balances: Sequence[Balance], available: Sequence[Offer], room: Room, per_account: int
) -> Portion:
    """Take what one transaction issues: so much of each account, and not more in all."""
    due: list[Due] = []
    unfinished: set[UUID] = set()
    for balance in balances:
        most = min(per_account, MOST_AT_ONCE - len(due))
        bought = list(islice(bought_by(balance, available, room), most + 1))
        due += bought[:most]
        if len(bought) > most:
            unfinished.add(balance.volunteer_id)
    return Portion(due, unfinished)


def _continue_later(session: Session, volunteer_ids: Iterable[UUID]) -> None:
    """Note accounts whose points buy more; `members.continue_issuing` goes on with them."""
    rows = [{"volunteer_id": volunteer_id} for volunteer_id in sorted(volunteer_ids)]
    if rows:
        session.execute(insert(IssueBacklog).values(rows).on_conflict_do_nothing())


def bought_by(balance: Balance, available: Sequence[Offer], room: Room) -> Iterable[Due]:
    """Yield what an account's points buy by themselves, voucher by voucher."""
    donated = balance.choice is StandingChoice.GIVE_ON
    for offer, count in spent_on(balance, available, room):
        yield from repeat(Due(balance.volunteer_id, offer, donated), count)


def spent_on(
    balance: Balance, available: Sequence[Offer], room: Room
) -> Iterable[tuple[Offer, int]]:
    """Yield each product and count: the volunteer's choice, else all automatic ones, in order.

    Uses up `room`.
    """
    chosen = [offer for offer in available if offer.product_id == balance.preferred]
    wanted = chosen or [offer for offer in available if offer.automatic]
    points = 0 if balance.choice is StandingChoice.SAVE else balance.points
    for offer in wanted:
        count = room.take(balance.volunteer_id, offer.product_id, points // offer.points)
        points -= count * offer.points
        if count:
            yield offer, count


def buy(session: Session, due: Sequence[Due], available: Iterable[Offer]) -> set[UUID]:
    """Take the prices, then issue as far as stock goes.

    The accounts are locked and have the points. Returns the accounts whose points stayed because
    the pool could get nothing for them.
    """
    if not due:
        return set()
    pay(session, due)
    if _seems_enough(due, available) and _issue_all(session, _drafted(session, due)):
        return set()
    return _issue_what_is_left(session, due)


def _drafted(session: Session, due: Sequence[Due]) -> Sequence[Purchase]:
    if not due:
        return []
    moment, vault = moment_of(session), code_vault()
    return [purchase_of(one, vault, moment) for one in due]


def _seems_enough(due: Sequence[Due], available: Iterable[Offer]) -> bool:
    """Compare with the stock as it was read; `products.take` decides."""
    wanted = Counter(one.offer.product_id for one in due)
    return not any(offer.queued or offer.left < wanted[offer.product_id] for offer in available)


def _issue_all(session: Session, purchases: Sequence[Purchase]) -> bool:
    """Issue all or nothing; False where somebody took the stock meanwhile."""
    wanted = Counter(purchase.voucher.product_id for purchase in purchases)
    try:
        with session.begin_nested():
            write_vouchers(session, purchases)
            products.take(session, wanted)
    except products.StockShort:
        return False
    return True


@dataclass(slots=True)
class _Sorted:
    """Vouchers that are due, by what happens to them."""

    now: list[Due] = field(default_factory=list)
    later: list[Due] = field(default_factory=list)  #: wait for stock
    kept: list[Due] = field(default_factory=list)  #: meant for the pool: the points stay


def _issue_what_is_left(session: Session, due: Sequence[Due]) -> set[UUID]:
    """Issue what can be, in order; the rest waits, and behind those who wait already.

    Returns the accounts whose points stay.
    """
    granted = products.take_what_is_left(
        session, Counter(one.offer.product_id for one in due if not one.offer.queued)
    )
    parts = _sort(due, Counter(granted))
    write_vouchers(session, _drafted(session, parts.now))
    backorder(session, parts.later)
    if parts.kept:
        pay(session, parts.kept, back=True)
    return {one.volunteer_id for one in parts.kept}


def _sort(due: Sequence[Due], granted: Counter[UUID]) -> _Sorted:
    parts = _Sorted()
    for one in due:
        if granted[one.offer.product_id] > 0:
            granted[one.offer.product_id] -= 1
            parts.now.append(one)
        elif one.donated:
            parts.kept.append(one)
        else:
            parts.later.append(one)
    return parts


def moment_of(session: Session) -> datetime:
    """Read the moment of the transaction, by the database's clock."""
    return session.scalars(select(app_now())).one()


def purchase_of(
    due: Due,
    vault: Vault,
    moment: datetime,
    *,
    origin: VoucherOrigin = VoucherOrigin.EARNED,
    actor: str = journal.REGISTRATION,
) -> Purchase:
    """Draft the voucher that is due, with a fresh code."""
    offer = due.offer
    voucher = VoucherDraft(
        holder_id=None if due.donated else due.volunteer_id,
        origin=VoucherOrigin.GIFT if due.donated else origin,
        product_id=offer.product_id,
        venue_id=offer.venue_id,
        title=offer.title,
        points=offer.points,
        cost_fen=offer.cost_fen,
        code=seal_code(vault, codes.new_code()),
        rule=offer.rule,
        issued_at=moment,
        expires_at=moment + timedelta(days=offer.valid_days),
    )
    return Purchase(voucher, due.volunteer_id, actor)


_PAY = text(
    """
    UPDATE accounts SET points_available = points_available - t.points
    FROM unnest(:ids, :points) AS t (id, points) WHERE volunteer_id = t.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def pay(session: Session, due: Iterable[Due], *, back: bool = False) -> None:
    """Take the prices from accounts that are locked already, or give them `back`."""
    spent: Counter[UUID] = Counter()
    for one in due:
        spent[one.volunteer_id] += -one.offer.points if back else one.offer.points
    session.execute(_PAY, {"ids": list(spent), "points": list(spent.values())})


def write_vouchers(
    session: Session, purchases: Sequence[Purchase], *, from_held: bool = False
) -> None:
    """Write vouchers and the transfers that paid for them, and publish what was issued.

    Prices come from the points to spend, or from those held for a backorder.
    """
    if not purchases:
        return
    source = journal.held if from_held else journal.volunteer
    insert_vouchers(session, [purchase.voucher for purchase in purchases])
    journal.record_transfers(
        session, [_payment(purchase, source(purchase.payer_id)) for purchase in purchases]
    )
    donated = [purchase for purchase in purchases if purchase.donated]
    insert_rows(session, Handover, [_donation(purchase) for purchase in donated])
    publish(
        session,
        *(_issued(purchase.voucher) for purchase in purchases if not purchase.donated),
        *(_given(purchase) for purchase in donated),
    )


def _payment(purchase: Purchase, source: str) -> TransferDraft:
    voucher = purchase.voucher
    if purchase.donated:
        target, kind = journal.pool(voucher.product_id), TransferKind.DONATED
    else:
        target, kind = journal.product(voucher.product_id), TransferKind.ISSUED
    return TransferDraft(
        source,
        target,
        voucher.points,
        kind,
        voucher.id,
        volunteer_id=purchase.payer_id,
        actor=purchase.actor,
        rule=voucher.rule,
    )


def _donation(purchase: Purchase) -> Mapping[str, object]:
    """Return the columns of the handover into the pool."""
    return {
        "id": new_id(),
        "kind": HandoverKind.DONATION,
        "to_voucher_id": purchase.voucher.id,
        "giver_id": purchase.payer_id,
        "named": False,
        "actor": purchase.actor,
    }


def _issued(voucher: VoucherDraft) -> VoucherIssued:
    return VoucherIssued(
        voucher_id=voucher.id,
        holder_id=voucher.holder_id,
        product_id=voucher.product_id,
        venue_id=voucher.venue_id,
        title=voucher.title,
        points=voucher.points,
        expires_at=voucher.expires_at,
    )


def _given(purchase: Purchase) -> VoucherGiven:
    voucher = purchase.voucher
    return VoucherGiven(
        voucher_id=voucher.id,
        holder_id=None,
        product_id=voucher.product_id,
        venue_id=voucher.venue_id,
        title=voucher.title,
        expires_at=voucher.expires_at,
        previous_id=None,
        giver_id=purchase.payer_id,
        named=False,
        kind=HandoverKind.DONATION.value,
    )


_HOLD_POINTS = text(
    """
    UPDATE accounts SET points_held = points_held + t.points
    FROM unnest(:ids, :points) AS t (id, points) WHERE volunteer_id = t.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def _hold(session: Session, points: Mapping[UUID, int]) -> None:
    """Add to the points that accounts hold, or with negative numbers take from them."""
    session.execute(_HOLD_POINTS, {"ids": list(points), "points": list(points.values())})


def backorder(
    session: Session, due: Sequence[Due], *, actor: str = journal.REGISTRATION
) -> list[UUID]:
    """Hold the points of entitlements without stock, and tell each person once.

    The prices were paid already. Returns the ids of the backorders.
    """
    if not due:
        return []
    ids = [new_id() for _ in due]
    held = Counter[UUID]()
    for one in due:
        held[one.volunteer_id] += one.offer.points
    orders = list(zip(ids, due, strict=True))
    insert_rows(session, Backorder, [_backorder(id_, one) for id_, one in orders])
    _hold(session, held)
    journal.record_transfers(session, [_holding(id_, one, actor) for id_, one in orders])
    publish(session, *(_backordered(one) for one in due))
    return ids


def _backorder(backorder_id: UUID, due: Due) -> Mapping[str, object]:
    """Return the columns of a backorder."""
    return {
        "id": backorder_id,
        "volunteer_id": due.volunteer_id,
        "product_id": due.offer.product_id,
        "points": due.offer.points,
        "rule_id": due.offer.rule.id,
        "rule_version": due.offer.rule.version,
    }


def _holding(backorder_id: UUID, due: Due, actor: str) -> TransferDraft:
    return TransferDraft(
        journal.volunteer(due.volunteer_id),
        journal.held(due.volunteer_id),
        due.offer.points,
        TransferKind.BACKORDERED,
        backorder_id,
        volunteer_id=due.volunteer_id,
        actor=actor,
        rule=due.offer.rule,
    )


def _backordered(due: Due) -> VoucherBackordered:
    offer = due.offer
    return VoucherBackordered(
        volunteer_id=due.volunteer_id, product_id=offer.product_id, title=offer.title
    )


def issue_waiting(session: Session, product_id: UUID, limit: int = 200) -> int:
    """Issue to those who wait for a product, first come first, as far as stock goes.

    Returns how many were issued.
    """
    product = session.get(Product, product_id)
    available = products.available_now(session, product_id)
    if product is None or available == 0:
        return 0
    waiting = _first_in_line(session, product_id, min(limit, available))
    locked = accounts.lock_rows(session, [row.volunteer_id for row in waiting])
    try:
        with session.begin_nested():
            won = _win_backorders(session, [row.id for row in waiting], list(locked))
            _issue_backorders(session, product, won)
            products.take(session, {product_id: len(won)})
    except products.StockShort:
        return 0  # somebody else took what was there; the sweep comes again
    return len(won)


def _first_in_line(session: Session, product_id: UUID, limit: int) -> Sequence[Row[UUID, UUID]]:
    return session.execute(
        select(Backorder.id, Backorder.volunteer_id)
        .where(Backorder.product_id == product_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id)
        .limit(limit)
    ).all()


def _win_backorders(
    session: Session, ids: Sequence[UUID], owners: Sequence[UUID]
) -> list[Backorder]:
    """Move those that still wait on to issued; of two runs one gets each.

    A backorder that a merge moved to another owner meanwhile waits on.
    """
    won = session.scalars(
        update(Backorder)
        .where(
            Backorder.id.in_(ids),
            Backorder.volunteer_id.in_(owners),
            Backorder.status == BackorderStatus.WAITING,
        )
        .values(status=BackorderStatus.ISSUED)
        .returning(Backorder)
        .execution_options(populate_existing=True)
    ).all()
    return sorted(won, key=lambda order: order.id)


def _issue_backorders(session: Session, product: Product, won: Sequence[Backorder]) -> None:
    if not won:
        return
    requested = journal.requested_of(session, [order.id for order in won])
    moment = moment_of(session)
    vault = code_vault()
    purchases = list[Purchase]()
    held = Counter[UUID]()
    for order in won:
        due = Due(order.volunteer_id, _offer_of(order, product))
        origin = VoucherOrigin.EXCHANGED if order.id in requested else VoucherOrigin.EARNED
        purchase = purchase_of(due, vault, moment, origin=origin)
        order.voucher_id = purchase.voucher.id
        purchases.append(purchase)
        held[order.volunteer_id] -= order.points
    _hold(session, held)
    write_vouchers(session, purchases, from_held=True)


def _offer_of(order: Backorder, product: Product) -> Offer:
    """The product as it is now, at the price and by the rule of then."""
    return Offer(
        rule_id=order.rule_id,
        version=order.rule_version,
        automatic=True,
        product_id=product.id,
        venue_id=product.venue_id,
        title=product.title,
        points=order.points,
        valid_days=product.valid_days,
        cost_fen=product.cost_fen,
        left=0,
        queued=False,
    )

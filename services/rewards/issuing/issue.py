"""From points to vouchers: issued when the price is reached, waiting where stock is short, left to
the pool on request.

Accounts are locked by the caller; all else is written before the stock row, so that others wait for
our commit only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Uuid

from services.rewards.catalogue import products
from services.rewards.ledger import journal
from services.rewards.ledger.accounts import Balance
from services.rewards.ledger.journal import transfer
from services.rewards.models import (
    Account,
    Backorder,
    BackorderStatus,
    Handover,
    HandoverKind,
    Product,
    StandingChoice,
    TransferKind,
    Voucher,
    VoucherOrigin,
)
from services.rewards.rules.limits import Room, room_for
from services.rewards.rules.versions import Offer, offers
from services.rewards.vouchers import codes
from services.rewards.vouchers.codes import code_vault
from shared.contracts.rewards import VoucherBackordered, VoucherGiven, VoucherIssued
from shared.core.clock import app_now
from shared.core.crypto import Vault
from shared.core.ids import new_id
from shared.db.bulk import insert_rows
from shared.messaging.outbox import publish


@dataclass(frozen=True, slots=True)
class Due:
    """One voucher that an account's points buy."""

    volunteer_id: UUID
    offer: Offer
    donated: bool = False  #: it goes into the pool


def issue_due(session: Session, balances: Sequence[Balance]) -> None:
    """Issue every voucher that these balances have reached, in the order of the offers; accounts
    are locked.

    Where stock is short the points are held and the entitlement waits; what was meant for the pool
    stays with its account instead. Points beyond a limit are kept for the next period.
    """
    able = [b for b in balances if b.choice is not StandingChoice.SAVE and b.points > 0]
    if not able:
        return
    available = offers(session)
    able = [b for b in able if any(offer.points <= b.points for offer in available)]
    if not able:
        return
    room = room_for(session, [b.volunteer_id for b in able])
    buy(
        session, [one for balance in able for one in bought_by(balance, available, room)], available
    )


def bought_by(balance: Balance, available: Sequence[Offer], room: Room) -> Iterable[Due]:
    """What an account's points buy by themselves, voucher by voucher."""
    for offer, count in spent_on(balance, available, room):
        yield from [
            Due(balance.volunteer_id, offer, balance.choice is StandingChoice.GIVE_ON)
        ] * count


def spent_on(
    balance: Balance, available: Sequence[Offer], room: Room
) -> Iterable[tuple[Offer, int]]:
    """How many of what: what its volunteer chose, else whatever is automatic, in order. Uses up
    `room`.
    """
    chosen = [offer for offer in available if offer.product_id == balance.preferred]
    points = 0 if balance.choice is StandingChoice.SAVE else balance.points
    for offer in chosen or [offer for offer in available if offer.automatic]:
        count = room.take(balance.volunteer_id, offer.product_id, points // offer.points)
        points -= count * offer.points
        if count:
            yield offer, count


def buy(session: Session, due: Sequence[Due], available: Iterable[Offer]) -> None:
    """Take the prices, then issue as far as there are some left; the accounts are locked and have
    the points.
    """
    if not due:
        return
    vault_ = code_vault()
    drafts = [draft(vault_, one.volunteer_id, one.offer, donated=one.donated) for one in due]
    wanted = Counter(one.offer.product_id for one in due)
    pay(session, due)
    if not any(offer.queued or offer.left < wanted[offer.product_id] for offer in available):
        try:
            with session.begin_nested():
                write_vouchers(session, drafts)
                products.take(session, wanted)
            return
        except products.StockShort:
            pass
    _buy_what_is_left(session, due, drafts)


def _buy_what_is_left(
    session: Session, due: Sequence[Due], drafts: Sequence[dict[str, Any]]
) -> None:
    """Issue what can be, in order; the rest waits, and behind those who wait already."""
    granted = products.take_what_is_left(
        session, Counter(d.offer.product_id for d in due if not d.offer.queued)
    )
    now, later, kept = list[dict[str, Any]](), list[Due](), list[Due]()
    for one, written in zip(due, drafts, strict=True):
        if granted.get(one.offer.product_id, 0) > 0:
            granted[one.offer.product_id] -= 1
            now.append(written)
        else:
            (kept if one.donated else later).append(one)
    write_vouchers(session, now)
    backorder(session, later)
    if kept:
        pay(session, kept, back=True)


def draft(
    vault_: Vault,
    volunteer_id: UUID,
    offer: Offer,
    *,
    donated: bool = False,
    origin: VoucherOrigin = VoucherOrigin.EARNED,
    actor: str = journal.REGISTRATION,
) -> dict[str, Any]:
    """A voucher to write with `write_vouchers`: who paid for it, what it is, and a fresh code."""
    code = codes.new_code()
    return {
        "id": new_id(),
        "payer_id": volunteer_id,
        "donated": donated,
        "actor": actor,
        "product_id": offer.product_id,
        "venue_id": offer.venue_id,
        "title": offer.title,
        "points": offer.points,
        "cost_fen": offer.cost_fen,
        "origin": VoucherOrigin.GIFT if donated else origin,
        "code_fingerprint": vault_.fingerprint(code),
        "code_sealed": vault_.seal(code),
        "rule_id": offer.rule_id,
        "rule_version": offer.version,
        "valid_days": offer.valid_days,
    }


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


_OF_VOUCHER = (
    "id",
    "product_id",
    "venue_id",
    "title",
    "points",
    "cost_fen",
    "origin",
    "code_fingerprint",
    "code_sealed",
    "rule_id",
    "rule_version",
)


def write_vouchers(
    session: Session, drafts: Sequence[dict[str, Any]], *, from_held: bool = False
) -> None:
    """Write vouchers, the transfers that paid for them, and the facts."""
    if not drafts:
        return
    moment: datetime = session.scalars(select(app_now())).one()
    rows = [
        {name: d[name] for name in _OF_VOUCHER}
        | {
            "holder_id": None if d["donated"] else d["payer_id"],
            "issued_at": moment,
            "expires_at": moment + timedelta(days=d["valid_days"]),
        }
        for d in drafts
    ]
    insert_rows(session, Voucher, rows)
    journal.record_transfers(session, [_payment(d, from_held) for d in drafts])
    donated = [(d, row) for d, row in zip(drafts, rows, strict=True) if d["donated"]]
    insert_rows(session, Handover, [_donation(d) for d, _ in donated])
    publish(
        session,
        *(
            VoucherIssued(
                voucher_id=row["id"],
                holder_id=row["holder_id"],
                product_id=row["product_id"],
                venue_id=row["venue_id"],
                title=row["title"],
                points=row["points"],
                expires_at=row["expires_at"],
            )
            for d, row in zip(drafts, rows, strict=True)
            if not d["donated"]
        ),
        *(
            VoucherGiven(
                voucher_id=row["id"],
                holder_id=None,
                product_id=row["product_id"],
                venue_id=row["venue_id"],
                title=row["title"],
                expires_at=row["expires_at"],
                previous_id=None,
                giver_id=d["payer_id"],
                named=False,
                kind=HandoverKind.DONATION.value,
            )
            for d, row in donated
        ),
    )


def _payment(d: dict[str, Any], from_held: bool) -> dict[str, Any]:
    source = journal.held if from_held else journal.volunteer
    target, kind = (
        (journal.pool, TransferKind.DONATED)
        if d["donated"]
        else (journal.product, TransferKind.ISSUED)
    )
    return transfer(
        source(d["payer_id"]),
        target(d["product_id"]),
        d["points"],
        kind,
        d["id"],
        volunteer_id=d["payer_id"],
        actor=d["actor"],
        rule=(d["rule_id"], d["rule_version"]),
    )


def _donation(d: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": HandoverKind.DONATION,
        "to_voucher_id": d["id"],
        "giver_id": d["payer_id"],
        "named": False,
        "actor": d["actor"],
    }


_HOLD_POINTS = text(
    """
    UPDATE accounts SET points_held = points_held + t.points
    FROM unnest(:ids, :points) AS t (id, points) WHERE volunteer_id = t.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def backorder(
    session: Session, due: Sequence[Due], *, actor: str = journal.REGISTRATION
) -> list[UUID]:
    """Hold the points of entitlements without stock, and tell each once. The prices were paid
    already.
    """
    if not due:
        return []
    ids = [new_id() for _ in due]
    rows = [
        {
            "id": id_,
            "volunteer_id": one.volunteer_id,
            "product_id": one.offer.product_id,
            "points": one.offer.points,
            "rule_id": one.offer.rule_id,
            "rule_version": one.offer.version,
        }
        for id_, one in zip(ids, due, strict=True)
    ]
    insert_rows(session, Backorder, rows)
    held: Counter[UUID] = Counter()
    for one in due:
        held[one.volunteer_id] += one.offer.points
    session.execute(_HOLD_POINTS, {"ids": list(held), "points": list(held.values())})
    journal.record_transfers(
        session,
        [
            transfer(
                journal.volunteer(one.volunteer_id),
                journal.held(one.volunteer_id),
                one.offer.points,
                TransferKind.BACKORDERED,
                backorder_id,
                volunteer_id=one.volunteer_id,
                actor=actor,
                rule=(one.offer.rule_id, one.offer.version),
            )
            for one, backorder_id in zip(due, ids, strict=True)
        ],
    )
    publish(
        session,
        *(
            VoucherBackordered(
                volunteer_id=one.volunteer_id,
                product_id=one.offer.product_id,
                title=one.offer.title,
            )
            for one in due
        ),
    )
    return ids


def issue_waiting(session: Session, product_id: UUID, limit: int = 200) -> int:
    """Issue to those who wait for a product, first come first, as far as stock goes. Returns how
    many were issued.
    """
    product = session.get(Product, product_id)
    available = products.available_now(session, product_id)
    if product is None or available == 0:
        return 0
    waiting = session.execute(
        select(Backorder.id, Backorder.volunteer_id)
        .where(Backorder.product_id == product_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id)
        .limit(min(limit, available))
    ).all()
    owners = sorted({row.volunteer_id for row in waiting})
    session.execute(
        select(Account.volunteer_id)
        .where(Account.volunteer_id.in_(owners))
        .order_by(Account.volunteer_id)
        .with_for_update()
    )
    try:
        with session.begin_nested():
            won = _win_backorders(session, [row.id for row in waiting], owners)
            _issue_backorders(session, product, won)
            products.take(session, {product_id: len(won)})
    except products.StockShort:
        return 0  # someone else took what was there; the sweep comes again
    return len(won)


def _win_backorders(
    session: Session, ids: Sequence[UUID], owners: Sequence[UUID]
) -> list[Backorder]:
    """Move those that still wait on to issued; of two runs one gets each. What was merged away
    meanwhile waits on.
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
    return sorted(won, key=lambda backorder: backorder.id)


def _issue_backorders(session: Session, product: Product, won: Sequence[Backorder]) -> None:
    vault_, held, drafts = code_vault(), Counter[UUID](), []
    asked = journal.asked_for(session, [order.id for order in won])
    for order in won:
        held[order.volunteer_id] -= order.points
        offer = Offer(
            order.rule_id,
            order.rule_version,
            True,
            product.id,
            product.venue_id,
            product.title,
            order.points,
            product.valid_days,
            product.cost_fen,
            0,
            False,
        )
        origin = VoucherOrigin.EXCHANGED if order.id in asked else VoucherOrigin.EARNED
        drafts.append(draft(vault_, order.volunteer_id, offer, origin=origin))
        order.voucher_id = drafts[-1]["id"]
    if drafts:
        session.execute(_HOLD_POINTS, {"ids": list(held), "points": list(held.values())})
        write_vouchers(session, drafts, from_held=True)

"""Vouchers: issued when points reach a price, shown to their holder only, ended by the clock or by the centre."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Uuid

from services.rewards import codes, ledger, products
from services.rewards.bulk import insert_rows
from services.rewards.ledger import Balance, transfer
from services.rewards.models import (
    Account,
    AccountStatus,
    Backorder,
    BackorderStatus,
    CodeLook,
    Product,
    StandingChoice,
    Stock,
    TransferKind,
    Voucher,
    VoucherStatus,
)
from services.rewards.rules import Offer, offers
from shared.clock import app_now
from shared.contracts.rewards import VoucherBackordered, VoucherExpired, VoucherIssued, VoucherVoided
from shared.crypto import Vault, vault
from shared.db import changed, current_database
from shared.ids import new_id
from shared.outbox import publish
from shared.problems import Conflict, NotFound


class VoucherNotFound(NotFound):
    """There is no such voucher."""


class VoucherNotVoidable(Conflict):
    """This voucher was used, has ended, or is being used just now."""


def code_vault() -> Vault:
    return vault(current_database().settings, "rewards.vouchers.code")


@dataclass(frozen=True, slots=True)
class Due:
    """One voucher that an account's points have earned."""

    volunteer_id: UUID
    offer: Offer


def issue_due(session: Session, balances: Sequence[Balance]) -> None:
    """Issue every voucher that these balances have reached, in the order of the offers; accounts are locked.

    Where stock is short the points are held and the entitlement waits.
    """
    able = [b for b in balances if b.choice is StandingChoice.ISSUE and b.points > 0]
    if not able:
        return
    available = offers(session)
    due = [one for balance in able for one in _earned_by(balance, available)]
    if not due:
        return
    vault_ = code_vault()
    drafts = [_draft(vault_, one.volunteer_id, one.offer) for one in due]
    wanted = Counter(one.offer.product_id for one in due)
    _pay(session, due)
    if not any(offer.queued or offer.left < wanted[offer.product_id] for offer in available):
        try:
            # Everything else is written before the stock row is locked, so that buses queue for its commit only.
            with session.begin_nested():
                _issue(session, drafts)
                products.take(session, wanted)
            return
        except products.StockShort:
            pass
    _issue_what_is_left(session, due, drafts)


def _issue_what_is_left(session: Session, due: Sequence[Due], drafts: Sequence[dict[str, Any]]) -> None:
    """Issue what stock allows, in order; the rest waits, and behind those who wait already."""
    granted = products.take_what_is_left(session, Counter(d.offer.product_id for d in due if not d.offer.queued))
    now, later = [], []
    for one, draft in zip(due, drafts, strict=True):
        if granted.get(one.offer.product_id, 0) > 0:
            granted[one.offer.product_id] -= 1
            now.append(draft)
        else:
            later.append(one)
    _issue(session, now)
    _backorder(session, later)


def _earned_by(balance: Balance, available: Iterable[Offer]) -> Iterable[Due]:
    points = balance.points
    for offer in available:
        count, points = divmod(points, offer.points)
        yield from [Due(balance.volunteer_id, offer)] * count


def _draft(vault_: Vault, holder_id: UUID, offer: Offer) -> dict[str, Any]:
    code = codes.new_code()
    return {
        "id": new_id(), "holder_id": holder_id, "product_id": offer.product_id, "venue_id": offer.venue_id,
        "title": offer.title, "points": offer.points, "code_fingerprint": vault_.fingerprint(code),
        "code_sealed": vault_.seal(code), "rule_id": offer.rule_id, "rule_version": offer.version,
        "valid_days": offer.valid_days,
    }  # fmt: skip


_PAY = text(
    """
    UPDATE accounts SET points_available = points_available - t.points
    FROM unnest(:ids, :points) AS t (id, points) WHERE volunteer_id = t.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def _pay(session: Session, due: Iterable[Due]) -> None:
    """Take the prices from accounts that are locked already."""
    spent: Counter[UUID] = Counter()
    for one in due:
        spent[one.volunteer_id] += one.offer.points
    session.execute(_PAY, {"ids": list(spent), "points": list(spent.values())})


def _issue(session: Session, drafts: Sequence[dict[str, Any]], *, from_held: bool = False) -> None:
    """Write vouchers, what paid for them, and the facts."""
    if not drafts:
        return
    moment: datetime = session.scalars(select(app_now())).one()
    rows = [{**{k: v for k, v in d.items() if k != "valid_days"}, "issued_at": moment,
             "expires_at": moment + timedelta(days=d["valid_days"])} for d in drafts]  # fmt: skip
    insert_rows(session, Voucher, rows)
    source = ledger.held if from_held else ledger.volunteer
    ledger.record_transfers(
        session,
        [
            transfer(source(d["holder_id"]), ledger.product(d["product_id"]), d["points"], TransferKind.ISSUED, d["id"],
                     volunteer_id=d["holder_id"], actor=ledger.REGISTRATION, rule=(d["rule_id"], d["rule_version"]))
            for d in rows
        ],
    )  # fmt: skip
    publish(
        session,
        *(
            VoucherIssued(voucher_id=d["id"], holder_id=d["holder_id"], product_id=d["product_id"],
                          venue_id=d["venue_id"], title=d["title"], points=d["points"], expires_at=d["expires_at"])
            for d in rows
        ),
    )  # fmt: skip


_HOLD_POINTS = text(
    """
    UPDATE accounts SET points_held = points_held + t.points
    FROM unnest(:ids, :points) AS t (id, points) WHERE volunteer_id = t.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def _backorder(session: Session, due: Sequence[Due]) -> None:
    """Hold the points of entitlements without stock, and tell each once. The prices were paid already."""
    if not due:
        return
    ids = [new_id() for _ in due]
    rows = [{"id": id_, "volunteer_id": one.volunteer_id, "product_id": one.offer.product_id,
             "points": one.offer.points, "rule_id": one.offer.rule_id, "rule_version": one.offer.version}
            for id_, one in zip(ids, due, strict=True)]  # fmt: skip
    insert_rows(session, Backorder, rows)
    held: Counter[UUID] = Counter()
    for one in due:
        held[one.volunteer_id] += one.offer.points
    session.execute(_HOLD_POINTS, {"ids": list(held), "points": list(held.values())})
    ledger.record_transfers(
        session,
        [
            transfer(ledger.volunteer(one.volunteer_id), ledger.held(one.volunteer_id), one.offer.points,
                     TransferKind.BACKORDERED, backorder_id, volunteer_id=one.volunteer_id,
                     actor=ledger.REGISTRATION, rule=(one.offer.rule_id, one.offer.version))
            for one, backorder_id in zip(due, ids, strict=True)
        ],
    )  # fmt: skip
    publish(
        session,
        *(
            VoucherBackordered(volunteer_id=one.volunteer_id, product_id=one.offer.product_id, title=one.offer.title)
            for one in due
        ),
    )


def issue_waiting(session: Session, product_id: UUID, limit: int = 200) -> int:
    """Issue to those who wait for a product, first come first, as far as stock goes. Returns how many were issued."""
    stock = session.get(Stock, product_id, populate_existing=True)
    product = session.get(Product, product_id)
    if stock is None or product is None or stock.left == 0:
        return 0
    waiting = session.execute(
        select(Backorder.id, Backorder.volunteer_id)
        .where(Backorder.product_id == product_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id)
        .limit(min(limit, stock.left))
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
            won = _win_backorders(session, [row.id for row in waiting])
            _issue_backorders(session, product, won)
            products.take(session, {product_id: len(won)})
    except products.StockShort:
        return 0  # someone else took what was there; the sweep comes again
    return len(won)


def _win_backorders(session: Session, ids: Sequence[UUID]) -> list[Backorder]:
    """Move those that still wait on to issued; of two runs one gets each."""
    won = session.scalars(
        update(Backorder)
        .where(Backorder.id.in_(ids), Backorder.status == BackorderStatus.WAITING)
        .values(status=BackorderStatus.ISSUED)
        .returning(Backorder)
        .execution_options(populate_existing=True)
    ).all()
    return sorted(won, key=lambda backorder: backorder.id)


def _issue_backorders(session: Session, product: Product, won: Sequence[Backorder]) -> None:
    vault_, held, drafts = code_vault(), Counter[UUID](), []
    for order in won:
        held[order.volunteer_id] -= order.points
        offer = Offer(order.rule_id, order.rule_version, product.id, product.venue_id, product.title, order.points,
                      product.valid_days, 0, False)  # fmt: skip
        drafts.append(_draft(vault_, order.volunteer_id, offer))
        order.voucher_id = drafts[-1]["id"]
    if drafts:
        session.execute(_HOLD_POINTS, {"ids": list(held), "points": list(held.values())})
        _issue(session, drafts, from_held=True)


def take_back(
    session: Session, account: Account, *, needed: int | None, cause: str = "correction", silent: bool = False
) -> None:
    """Undo what is unused, newest first and entitlements before vouchers, until `needed` points are there (None: all).

    A voucher that a venue holds just now is never touched. The account is locked.
    """
    for order in _waiting_of(session, account.volunteer_id):
        if needed is not None and account.points_available >= needed:
            return
        cancelled = session.execute(
            update(Backorder)
            .where(Backorder.id == order.id, Backorder.status == BackorderStatus.WAITING)
            .values(status=BackorderStatus.CANCELLED)
        )
        if changed(cancelled):
            _release(session, account, order)
    for voucher_id in _unused_of(session, account.volunteer_id):
        if needed is not None and account.points_available >= needed:
            return
        _void(session, account, voucher_id, cause, cause, actor=ledger.REGISTRATION, silent=silent)


def _waiting_of(session: Session, volunteer_id: UUID) -> Sequence[Backorder]:
    return session.scalars(
        select(Backorder)
        .where(Backorder.volunteer_id == volunteer_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id.desc())
    ).all()


def _unused_of(session: Session, volunteer_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(Voucher.id).where(Voucher.holder_id == volunteer_id, _free()).order_by(Voucher.id.desc())
    ).all()


def _free() -> ColumnElement[bool]:
    """Issued, or held by a venue that let the time pass."""
    lapsed = and_(Voucher.status == VoucherStatus.HELD, Voucher.held_until < app_now())
    return or_(Voucher.status == VoucherStatus.ISSUED, lapsed)


def _release(session: Session, account: Account, order: Backorder) -> None:
    account.points_held -= order.points
    account.points_available += order.points
    session.flush()
    me = account.volunteer_id
    row = transfer(ledger.held(me), ledger.volunteer(me), order.points, TransferKind.RELEASED, order.id,
                   volunteer_id=me, actor=ledger.REGISTRATION)  # fmt: skip
    ledger.record_transfers(session, [row])


def _void(
    session: Session, account: Account, voucher_id: UUID, cause: str, reason: str, *, actor: str, silent: bool = False
) -> bool:
    """Void an unused voucher and give its points back; False if it is not free any more. The account is locked."""
    voucher = session.scalars(
        update(Voucher)
        .where(Voucher.id == voucher_id, _free())
        .values(status=VoucherStatus.VOIDED, ended_at=app_now(), end_reason=reason, hold_id=None, held_until=None)
        .returning(Voucher)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if voucher is None:
        return False
    target = ledger.OUTSIDE
    if account.status is AccountStatus.OPEN:
        account.points_available += voucher.points
        target = ledger.volunteer(account.volunteer_id)
        session.flush()
    row = transfer(ledger.product(voucher.product_id), target, voucher.points, TransferKind.VOIDED, voucher.id,
                   volunteer_id=account.volunteer_id, actor=actor)  # fmt: skip
    ledger.record_transfers(session, [row])
    products.give_back(session, voucher.product_id)
    holder = None if silent else voucher.holder_id
    publish(session, VoucherVoided(**{**about(voucher), "holder_id": holder}, cause=cause))
    return True


def about(voucher: Voucher) -> dict[str, Any]:
    """What every fact about a voucher carries."""
    return {"voucher_id": voucher.id, "holder_id": voucher.holder_id, "product_id": voucher.product_id,
            "venue_id": voucher.venue_id, "title": voucher.title}  # fmt: skip


def get_voucher(session: Session, voucher_id: UUID) -> Voucher:
    """Raises VoucherNotFound."""
    voucher = session.get(Voucher, voucher_id, populate_existing=True)
    if voucher is None:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    return voucher


def void_voucher(session: Session, voucher_id: UUID, reason: str, by: str) -> Voucher:
    """Take a voucher back and give its points to its holder. Repeating it changes nothing.

    Raises VoucherNotFound, and VoucherNotVoidable when it was used, has ended, or a venue holds it.
    """
    voucher = get_voucher(session, voucher_id)
    account = ledger.lock_account(session, voucher.holder_id)
    if not _void(session, account, voucher_id, "staff", reason, actor=by):
        session.refresh(voucher)
        if voucher.status is not VoucherStatus.VOIDED:
            raise VoucherNotVoidable(f"Voucher {voucher_id} is {voucher.status}.", voucher_status=voucher.status)
    elif account.status is AccountStatus.OPEN:
        ledger.settle_shortfall(session, account, voucher_id)
    return get_voucher(session, voucher_id)


def show_code(session: Session, voucher_id: UUID, looker: UUID) -> str:
    """The code, for its holder only; the look is noted. Raises VoucherNotFound for everybody else."""
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id != looker:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    session.add(CodeLook(voucher_id=voucher_id, looked_by=looker))
    session.flush()
    return codes.grouped(code_vault().unseal(voucher.code_sealed))


def expire_vouchers(session: Session, limit: int = 500) -> int:
    """End vouchers whose last day has passed; a redemption at the same moment wins or loses the same row.

    Returns how many ended; a full batch means there may be more.
    """
    due = (
        select(Voucher.id)
        .where(Voucher.status.in_((VoucherStatus.ISSUED, VoucherStatus.HELD)), Voucher.expires_at <= app_now(), _free())
        .order_by(Voucher.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ended = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(due.scalar_subquery()))
        .values(status=VoucherStatus.EXPIRED, ended_at=app_now(), hold_id=None, held_until=None)
        .returning(Voucher)
        .execution_options(synchronize_session=False)
    ).all()
    ledger.record_transfers(
        session,
        [
            transfer(ledger.product(v.product_id), ledger.OUTSIDE, v.points, TransferKind.EXPIRED, v.id,
                     volunteer_id=v.holder_id, actor=ledger.CLOCK)
            for v in ended
        ],
    )  # fmt: skip
    publish(session, *(VoucherExpired(**about(v)) for v in ended))
    return len(ended)

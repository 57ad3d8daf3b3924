"""Vouchers: show the code to the holder, take a voucher back, void it, or let it expire."""

from collections.abc import Iterable, Sequence
from typing import TypedDict
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, or_, select, update
from sqlalchemy.orm import Session

from services.rewards.catalogue import products
from services.rewards.ledger import accounts, journal
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import (
    Account,
    AccountStatus,
    Backorder,
    BackorderStatus,
    CodeLook,
    Resolution,
    TransferKind,
    Voucher,
    VoucherOrigin,
    VoucherStatus,
)
from services.rewards.vouchers import codes, holds
from services.rewards.vouchers.codes import code_vault
from shared.contracts.rewards import VoucherExpired, VoucherVoided
from shared.core.clock import app_now
from shared.core.problems import Conflict, NotFound
from shared.db.statements import among
from shared.messaging.outbox import publish


class VoucherNotFound(NotFound):
    """There is no such voucher."""


class VoucherNotVoidable(Conflict):
    """This voucher was used, has ended, or is being used just now."""


def take_back(
    session: Session,
    account: Account,
    *,
    needed: int | None,
    cause: str = "correction",
    silent: bool = False,
) -> None:
    """Cancel backorders, then void unused vouchers, until the account has `needed` points.

    The newest go first; `needed` None takes all. Only what the holder's own points bought is taken:
    no gift, and no voucher that a venue holds. The account is locked. However many there are, the
    statements are the same few.
    """
    orders = _cancel(session, _newest(_waiting_of(session, account), account, needed))
    release(session, account, orders, journal.REGISTRATION)
    # Again where a venue was faster: that voucher is no longer among them.
    while unused := _newest(_unused_of(session, account), account, needed):
        _void(session, account, unused, cause, cause, actor=journal.REGISTRATION, silent=silent)


def _newest(
    found: Iterable[Row[UUID, int]], account: Account, needed: int | None
) -> Sequence[UUID]:
    """Return the ids of the first that bring the account to `needed` points; all for None."""
    ids: list[UUID] = []
    points = account.points_available
    for row in found:
        if needed is not None and points >= needed:
            break
        ids.append(row.id)
        points += row.points
    return ids


def _waiting_of(session: Session, account: Account) -> Sequence[Row[UUID, int]]:
    return session.execute(
        select(Backorder.id, Backorder.points)
        .where(
            Backorder.volunteer_id == account.volunteer_id,
            Backorder.status == BackorderStatus.WAITING,
        )
        .order_by(Backorder.id.desc())
    ).all()


def _cancel(session: Session, backorder_ids: Sequence[UUID]) -> Sequence[Backorder]:
    """Cancel the backorders that still wait, and return them."""
    if not backorder_ids:
        return []
    return session.scalars(
        update(Backorder)
        .where(among(Backorder.id, backorder_ids), Backorder.status == BackorderStatus.WAITING)
        .values(status=BackorderStatus.CANCELLED)
        .returning(Backorder)
        .execution_options(synchronize_session=False)
    ).all()


def _unused_of(session: Session, account: Account) -> Sequence[Row[UUID, int]]:
    return session.execute(
        select(Voucher.id, Voucher.points)
        .where(
            Voucher.holder_id == account.volunteer_id,
            Voucher.origin != VoucherOrigin.GIFT,
            free(),
            Voucher.expires_at > app_now(),
        )
        .order_by(Voucher.id.desc())
    ).all()


def free() -> ColumnElement[bool]:
    """Condition: issued, or under a lapsed hold."""
    lapsed = and_(Voucher.status == VoucherStatus.HELD, Voucher.held_until < app_now())
    return or_(Voucher.status == VoucherStatus.ISSUED, lapsed)


def release(session: Session, account: Account, orders: Sequence[Backorder], actor: str) -> None:
    """Give back the points that cancelled backorders held. The account is locked."""
    points = sum(order.points for order in orders)
    account.points_held -= points
    account.points_available += points
    session.flush()
    me = account.volunteer_id
    drafts = [
        TransferDraft(
            journal.held(me),
            journal.volunteer(me),
            order.points,
            TransferKind.RELEASED,
            order.id,
            volunteer_id=me,
            actor=actor,
        )
        for order in orders
    ]
    journal.record_transfers(session, drafts)


def _void(
    session: Session,
    account: Account,
    voucher_ids: Sequence[UUID],
    cause: str,
    reason: str,
    *,
    actor: str,
    silent: bool = False,
) -> bool:
    """Void those of these vouchers that are free, and give their points back; False if none is.

    The account is locked. Events without a holder cause no alerts: that is `silent`.
    """
    vouchers = lock_all_free(session, among(Voucher.id, voucher_ids))
    if not vouchers:
        return False
    end_vouchers(session, vouchers, VoucherStatus.VOIDED, reason, actor)
    journal.record_transfers(session, _refund(session, account, vouchers, actor))
    products.give_back(session, vouchers)
    publish(session, *(_voided(voucher, cause, silent=silent) for voucher in vouchers))
    return True


def _refund(
    session: Session, account: Account, vouchers: Sequence[Voucher], actor: str
) -> list[TransferDraft]:
    """Give voided vouchers' points to their holder; return the transfers to record.

    The points of a gift, or of an account that has ended, go outside.
    """
    is_open = account.status is AccountStatus.OPEN
    own = {v.id for v in vouchers if is_open and v.origin is not VoucherOrigin.GIFT}
    account.points_available += sum(v.points for v in vouchers if v.id in own)
    session.flush()
    me = account.volunteer_id
    return [
        TransferDraft(
            journal.product(voucher.product_id),
            journal.volunteer(me) if voucher.id in own else journal.OUTSIDE,
            voucher.points,
            TransferKind.VOIDED,
            voucher.id,
            volunteer_id=me,
            actor=actor,
        )
        for voucher in vouchers
    ]


def _voided(voucher: Voucher, cause: str, *, silent: bool) -> VoucherVoided:
    fields = about(voucher)
    if silent:
        fields["holder_id"] = None
    return VoucherVoided(**fields, cause=cause)


def lock_free(session: Session, voucher_id: UUID, *more: ColumnElement[bool]) -> Voucher | None:
    """Lock a voucher that is free, and return it; None otherwise."""
    return next(iter(lock_all_free(session, Voucher.id == voucher_id, *more)), None)


def lock_all_free(session: Session, *which: ColumnElement[bool]) -> Sequence[Voucher]:
    """Lock those of these vouchers that are free, in the order of ids as counters do; return them.

    A voucher past its last day is not free: only `expire_vouchers` ends it.
    """
    return session.scalars(
        select(Voucher)
        .where(*which, free(), Voucher.expires_at > app_now())
        .order_by(Voucher.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def end_vouchers(
    session: Session,
    vouchers: Sequence[Voucher],
    status: VoucherStatus,
    reason: str | None,
    actor: str,
) -> None:
    """End vouchers that are handed on or voided, and their lapsed holds. They are locked."""
    hold_ids = [voucher.hold_id for voucher in vouchers if voucher.hold_id is not None]
    holds.resolve(session, hold_ids, Resolution.EXPIRED, actor)
    session.execute(
        update(Voucher)
        .where(among(Voucher.id, [voucher.id for voucher in vouchers]))
        .values(
            status=status,
            end_reason=reason,
            ended_at=app_now(),
            hold_id=None,
            held_until=None,
        )
        .execution_options(synchronize_session=False)
    )


class VoucherFields(TypedDict):
    """The fields that every event about a voucher has, as arguments of the event."""

    voucher_id: UUID
    holder_id: UUID | None
    product_id: UUID
    venue_id: UUID
    title: str


def about(voucher: Voucher) -> VoucherFields:
    """Return the fields that every event about a voucher has."""
    return {
        "voucher_id": voucher.id,
        "holder_id": voucher.holder_id,
        "product_id": voucher.product_id,
        "venue_id": voucher.venue_id,
        "title": voucher.title,
    }


def get_voucher(session: Session, voucher_id: UUID) -> Voucher:
    """Return a voucher. Raises VoucherNotFound."""
    voucher = session.get(Voucher, voucher_id, populate_existing=True)
    if voucher is None:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    return voucher


def void_voucher(session: Session, voucher_id: UUID, reason: str, by: str) -> Voucher:
    """Void a voucher and give its points to its holder; the points of a gift are lost.

    Repeating it changes nothing. Raises VoucherNotFound, and VoucherNotVoidable when it was used,
    has ended, or a venue holds it.
    """
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id is None:
        raise VoucherNotVoidable(
            f"Voucher {voucher_id} is in the pool.", voucher_status=voucher.status
        )
    account = accounts.lock_account(session, voucher.holder_id)
    if _void(session, account, [voucher_id], "staff", reason, actor=by):
        if account.status is AccountStatus.OPEN:
            accounts.settle_shortfall(session, account, voucher_id)
        return get_voucher(session, voucher_id)
    session.refresh(voucher)
    if voucher.status is not VoucherStatus.VOIDED:
        raise VoucherNotVoidable(
            f"Voucher {voucher_id} is {voucher.status}.", voucher_status=voucher.status
        )
    return voucher


def show_code(session: Session, voucher_id: UUID, looker: UUID) -> str:
    """Return the code to the holder and record the look.

    Raises VoucherNotFound for everybody else.
    """
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id != looker:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    session.add(CodeLook(voucher_id=voucher_id, looked_by=looker))
    session.flush()
    return codes.grouped(code_vault().unseal(voucher.code_sealed))


def expire_vouchers(session: Session, limit: int = 500) -> int:
    """End vouchers whose last day has passed.

    Of this and a redemption at the same moment, one wins the voucher's row. `holds.expire_holds`
    frees vouchers with lapsed holds first. Returns how many ended; a full batch means that there
    may be more.
    """
    ended = _mark_expired(session, limit)
    journal.record_transfers(
        session,
        [
            TransferDraft(
                journal.of_voucher(v),
                journal.OUTSIDE,
                v.points,
                TransferKind.EXPIRED,
                v.id,
                volunteer_id=v.holder_id,
                actor=journal.CLOCK,
            )
            for v in ended
        ],
    )
    publish(session, *[VoucherExpired(**about(voucher)) for voucher in ended])
    return len(ended)


def _mark_expired(session: Session, limit: int) -> Sequence[Voucher]:
    due = (
        select(Voucher.id)
        .where(Voucher.status == VoucherStatus.ISSUED, Voucher.expires_at <= app_now())
        .order_by(Voucher.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(due.scalar_subquery()))
        .values(status=VoucherStatus.EXPIRED, ended_at=app_now())
        .returning(Voucher)
        .execution_options(synchronize_session=False)
    ).all()

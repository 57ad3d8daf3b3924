"""Vouchers: show the code to the holder, take a voucher back, void it, or let it expire."""

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
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
from shared.db.statements import changed
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
    no gift, and no voucher that a venue holds. The account is locked.
    """
    for order in _waiting_of(session, account.volunteer_id):
        if needed is not None and account.points_available >= needed:
            return
        if _cancel(session, order.id):
            release(session, account, order, journal.REGISTRATION)
    for voucher_id in _unused_of(session, account.volunteer_id):
        if needed is not None and account.points_available >= needed:
            return
        _void(session, account, voucher_id, cause, cause, actor=journal.REGISTRATION, silent=silent)


def _waiting_of(session: Session, volunteer_id: UUID) -> Sequence[Backorder]:
    return session.scalars(
        select(Backorder)
        .where(Backorder.volunteer_id == volunteer_id, Backorder.status == BackorderStatus.WAITING)
        .order_by(Backorder.id.desc())
    ).all()


def _cancel(session: Session, backorder_id: UUID) -> bool:
    """Cancel a backorder; False if it no longer waits."""
    cancelled = session.execute(
        update(Backorder)
        .where(Backorder.id == backorder_id, Backorder.status == BackorderStatus.WAITING)
        .values(status=BackorderStatus.CANCELLED)
    )
    return bool(changed(cancelled))


def _unused_of(session: Session, volunteer_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(Voucher.id)
        .where(
            Voucher.holder_id == volunteer_id,
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


def release(session: Session, account: Account, order: Backorder, actor: str) -> None:
    """Give back the points that a cancelled backorder held. The account is locked."""
    account.points_held -= order.points
    account.points_available += order.points
    session.flush()
    me = account.volunteer_id
    row = TransferDraft(
        journal.held(me),
        journal.volunteer(me),
        order.points,
        TransferKind.RELEASED,
        order.id,
        volunteer_id=me,
        actor=actor,
    )
    journal.record_transfers(session, [row])


def _void(
    session: Session,
    account: Account,
    voucher_id: UUID,
    cause: str,
    reason: str,
    *,
    actor: str,
    silent: bool = False,
) -> bool:
    """Void an unused voucher and give its points back; False if it is no longer free.

    The account is locked.
    """
    voucher = lock_free(session, voucher_id)
    if voucher is None:
        return False
    end_hold(session, voucher, actor)
    voucher.status, voucher.end_reason = VoucherStatus.VOIDED, reason
    voucher.ended_at = app_now()
    session.flush()
    target = _refund(session, account, voucher)
    row = TransferDraft(
        journal.product(voucher.product_id),
        target,
        voucher.points,
        TransferKind.VOIDED,
        voucher.id,
        volunteer_id=account.volunteer_id,
        actor=actor,
    )
    journal.record_transfers(session, [row])
    products.give_back(session, voucher.product_id, voucher.points, voucher.issued_at)
    # An event without a holder causes no alert.
    fields = about(voucher)
    if silent:
        fields["holder_id"] = None
    publish(session, VoucherVoided(**fields, cause=cause))
    return True


def _refund(session: Session, account: Account, voucher: Voucher) -> str:
    """Give a voided voucher's points to its holder; return the journal account they go to.

    The points of a gift, or of an account that has ended, go outside.
    """
    if account.status is not AccountStatus.OPEN or voucher.origin is VoucherOrigin.GIFT:
        return journal.OUTSIDE
    account.points_available += voucher.points
    session.flush()
    return journal.volunteer(account.volunteer_id)


def lock_free(session: Session, voucher_id: UUID, *more: ColumnElement[bool]) -> Voucher | None:
    """Lock a voucher that is free, and return it; None otherwise.

    A voucher past its last day is not free: only `expire_vouchers` ends it.
    """
    return session.scalars(
        select(Voucher)
        .where(Voucher.id == voucher_id, free(), Voucher.expires_at > app_now(), *more)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def end_hold(session: Session, voucher: Voucher, actor: str) -> None:
    """End the lapsed hold of a voucher that is handed on or voided. The voucher is locked."""
    if voucher.hold_id is not None:
        holds.resolve(session, [voucher.hold_id], Resolution.EXPIRED, actor)
        voucher.hold_id = voucher.held_until = None


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
    if _void(session, account, voucher_id, "staff", reason, actor=by):
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

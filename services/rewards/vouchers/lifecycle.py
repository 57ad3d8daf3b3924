"""Vouchers: shown to their holder only, taken back by the centre, ended by the clock."""

from collections.abc import Sequence
from typing import Any
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
    """Undo what is unused, newest first and entitlements before vouchers, until `needed` points are
    there (None: all).

    Only what the holder's own points bought; never a gift, nor a voucher that a venue holds just
    now. The account is locked.
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
    """Issued, or held by a venue that let the time pass."""
    lapsed = and_(Voucher.status == VoucherStatus.HELD, Voucher.held_until < app_now())
    return or_(Voucher.status == VoucherStatus.ISSUED, lapsed)


def release(session: Session, account: Account, order: Backorder, actor: str) -> None:
    """Give back the points that a cancelled entitlement held. The account is locked."""
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
    """Void an unused voucher and give its points back; False if it is not free any more. The
    account is locked.
    """
    voucher = lock_free(session, voucher_id)
    if voucher is None:
        return False
    end_hold(session, voucher, actor)
    voucher.status, voucher.end_reason = VoucherStatus.VOIDED, reason
    voucher.ended_at = app_now()
    session.flush()
    target = journal.OUTSIDE
    if account.status is AccountStatus.OPEN and voucher.origin is not VoucherOrigin.GIFT:
        account.points_available += voucher.points
        target = journal.volunteer(account.volunteer_id)
        session.flush()
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
    holder = None if silent else voucher.holder_id
    publish(session, VoucherVoided(**{**about(voucher), "holder_id": holder}, cause=cause))
    return True


def lock_free(session: Session, voucher_id: UUID, *more: ColumnElement[bool]) -> Voucher | None:
    """The voucher, locked and fresh, if it is free to be moved on; one past its last day is the
    clock's alone.
    """
    return session.scalars(
        select(Voucher)
        .where(Voucher.id == voucher_id, free(), Voucher.expires_at > app_now(), *more)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def end_hold(session: Session, voucher: Voucher, actor: str) -> None:
    """A lapsed hold of a voucher that moves on ends with it. The voucher is locked."""
    if voucher.hold_id is not None:
        holds.resolve(session, [voucher.hold_id], Resolution.EXPIRED, actor)
        voucher.hold_id = voucher.held_until = None


def about(voucher: Voucher) -> dict[str, Any]:
    """What every fact about a voucher carries."""
    return {
        "voucher_id": voucher.id,
        "holder_id": voucher.holder_id,
        "product_id": voucher.product_id,
        "venue_id": voucher.venue_id,
        "title": voucher.title,
    }


def get_voucher(session: Session, voucher_id: UUID) -> Voucher:
    """Raises VoucherNotFound."""
    voucher = session.get(Voucher, voucher_id, populate_existing=True)
    if voucher is None:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    return voucher


def void_voucher(session: Session, voucher_id: UUID, reason: str, by: str) -> Voucher:
    """Take a voucher back and give its points to its holder; a gift's are nobody's. Repeating it
    changes nothing.

    Raises VoucherNotFound, and VoucherNotVoidable when it was used, has ended, or a venue holds it.
    """
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id is None:
        raise VoucherNotVoidable(
            f"Voucher {voucher_id} lies in the pool.", voucher_status=voucher.status
        )
    account = accounts.lock_account(session, voucher.holder_id)
    if not _void(session, account, voucher_id, "staff", reason, actor=by):
        session.refresh(voucher)
        if voucher.status is not VoucherStatus.VOIDED:
            raise VoucherNotVoidable(
                f"Voucher {voucher_id} is {voucher.status}.", voucher_status=voucher.status
            )
    elif account.status is AccountStatus.OPEN:
        accounts.settle_shortfall(session, account, voucher_id)
    return get_voucher(session, voucher_id)


def show_code(session: Session, voucher_id: UUID, looker: UUID) -> str:
    """The code, for its holder only; the look is noted. Raises VoucherNotFound for everybody
    else.
    """
    voucher = get_voucher(session, voucher_id)
    if voucher.holder_id != looker:
        raise VoucherNotFound(f"No voucher {voucher_id}.")
    session.add(CodeLook(voucher_id=voucher_id, looked_by=looker))
    session.flush()
    return codes.grouped(code_vault().unseal(voucher.code_sealed))


def expire_vouchers(session: Session, limit: int = 500) -> int:
    """End vouchers whose last day has passed; a redemption at the same moment wins or loses the
    same row.

    One whose hold ran out is freed by `holds.expire_holds` first. Returns how many ended; a full
    batch means there may be more.
    """
    due = (
        select(Voucher.id)
        .where(Voucher.status == VoucherStatus.ISSUED, Voucher.expires_at <= app_now())
        .order_by(Voucher.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ended = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(due.scalar_subquery()))
        .values(status=VoucherStatus.EXPIRED, ended_at=app_now())
        .returning(Voucher)
        .execution_options(synchronize_session=False)
    ).all()
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
    publish(session, *(VoucherExpired(**about(v)) for v in ended))
    return len(ended)

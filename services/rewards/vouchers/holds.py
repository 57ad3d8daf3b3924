"""Holds 预留 as two-phase transfers: a hold writes a pending transfer, which moves no points.

A redemption posts it, an early end voids it, or it expires. The primary key of its resolution makes
it end once; the locked row of the voucher decides how.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.models import (
    PendingResolution,
    PendingTransfer,
    Resolution,
    Voucher,
    VoucherStatus,
)
from shared.core.clock import app_now
from shared.db.bulk import insert_rows


def prepare(session: Session, voucher: Voucher, hold_id: UUID, expires_at: datetime) -> None:
    """Write the pending transfer that redeeming under this hold posts. The voucher is locked."""
    actor = f"venue:{voucher.venue_id}"
    session.add(
        PendingTransfer(
            id=hold_id,
            debit_account=journal.product(voucher.product_id),
            credit_account=journal.venue(voucher.venue_id),
            amount=voucher.points,
            cause_id=voucher.id,
            volunteer_id=voucher.holder_id,
            expires_at=expires_at,
            actor=actor,
        )
    )
    session.flush()


def resolve(session: Session, hold_ids: Iterable[UUID], outcome: Resolution, actor: str) -> None:
    """End pending transfers. The database refuses a second end."""
    rows = [{"pending_id": hold_id, "outcome": outcome, "actor": actor} for hold_id in hold_ids]
    insert_rows(session, PendingResolution, rows)


def was_given(session: Session, venue_id: UUID, hold_id: UUID) -> bool:
    """Tell whether this venue ever had this hold, also if it has ended."""
    mine = (
        PendingTransfer.id == hold_id,
        PendingTransfer.credit_account == journal.venue(venue_id),
    )
    return session.scalar(select(PendingTransfer.id).where(*mine)) is not None


def end_hold_of(session: Session, voucher_id: UUID) -> None:
    """End the hold of a voucher, if a venue has one; it can no longer be redeemed under it."""
    voucher = session.scalars(
        select(Voucher)
        .where(Voucher.id == voucher_id, Voucher.status == VoucherStatus.HELD)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if voucher is not None and voucher.hold_id is not None:
        resolve(session, [voucher.hold_id], Resolution.VOIDED, journal.CLOCK)
        voucher.status, voucher.hold_id, voucher.held_until = VoucherStatus.ISSUED, None, None
        session.flush()


def expire_holds(session: Session, limit: int = 500) -> int:
    """Free vouchers whose hold has lapsed.

    Returns how many; a full batch means that there may be more.
    """
    lapsed = session.execute(
        select(Voucher.id, Voucher.hold_id)
        .where(Voucher.status == VoucherStatus.HELD, Voucher.held_until < app_now())
        .order_by(Voucher.held_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(Voucher)
        .where(Voucher.id.in_([row.id for row in lapsed]))
        .values(status=VoucherStatus.ISSUED, hold_id=None, held_until=None)
    )
    hold_ids = [row.hold_id for row in lapsed if row.hold_id]
    resolve(session, hold_ids, Resolution.EXPIRED, journal.CLOCK)
    return len(lapsed)

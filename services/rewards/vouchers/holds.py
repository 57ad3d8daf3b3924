"""Two-phase transfers: a venue's hold prepares the redemption, which posts it, or it is voided, or
its time passes.

A pending transfer moves nothing. Its resolution's key is why it ends once; the voucher's locked row
decides how.
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
    """Write the transfer that redeeming under this hold will post. The voucher's row is locked."""
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
    """End pending transfers. A second end is refused by the database."""
    insert_rows(
        session,
        PendingResolution,
        [{"pending_id": i, "outcome": outcome, "actor": actor} for i in hold_ids],
    )


def was_given(session: Session, venue_id: UUID, hold_id: UUID) -> bool:
    """Whether this venue was given this hold once, whatever became of it."""
    mine = (
        PendingTransfer.id == hold_id,
        PendingTransfer.credit_account == journal.venue(venue_id),
    )
    return session.scalar(select(PendingTransfer.id).where(*mine)) is not None


def end_hold_of(session: Session, voucher_id: UUID) -> None:
    """Free a voucher that a venue holds just now; its redemption under that hold will be
    refused.
    """
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
    """Free vouchers whose hold has run out. Returns how many; a full batch means there may be
    more.
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
    resolve(
        session, [row.hold_id for row in lapsed if row.hold_id], Resolution.EXPIRED, journal.CLOCK
    )
    return len(lapsed)

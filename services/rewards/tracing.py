"""Where a voucher's points came from: first in, first out over the journal, back to the service records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import Backorder, Correction, Redemption, Transfer, TransferKind, Voucher
from services.rewards.vouchers import get_voucher


@dataclass(frozen=True, slots=True)
class Source:
    """Points that paid for a voucher, and the transfer that brought them."""

    transfer_id: UUID
    kind: TransferKind
    cause_id: UUID
    record_id: UUID | None
    points: int
    rule_id: UUID | None
    rule_version: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """All of a voucher's own transfers, and what paid for it."""

    voucher: Voucher
    transfers: Sequence[Transfer]
    sources: Sequence[Source]


def trace(session: Session, voucher_id: UUID) -> Trace:
    """Recompute where a voucher came from. Raises VoucherNotFound."""
    voucher = get_voucher(session, voucher_id)
    redemptions = select(Redemption.id).where(Redemption.voucher_id == voucher_id)
    order_id = session.scalar(select(Backorder.id).where(Backorder.voucher_id == voucher_id))
    causes = [voucher_id, *session.scalars(redemptions), *([order_id] if order_id else [])]
    own = session.scalars(
        select(Transfer)
        .where(Transfer.kind.in_(list(TransferKind)), Transfer.cause_id.in_(causes))
        .order_by(Transfer.id)
    ).all()
    payment = next(t for t in own if t.debit_account.startswith("volunteer:"))
    return Trace(voucher, own, list(_sources(session, payment, 0, payment.amount)))


def _sources(session: Session, payment: Transfer, skip: int, points: int) -> Iterator[Source]:
    """What the points from `skip` to `skip + points` of a payment were, when they came."""
    account = payment.debit_account
    owner = UUID(account.partition(":")[2])
    journal = session.scalars(select(Transfer).where(Transfer.volunteer_id == owner).order_by(Transfer.id)).all()
    start = skip + sum(t.amount for t in journal if t.debit_account == account and t.id < payment.id)
    end, position = start + points, 0
    for came in (t for t in journal if t.credit_account == account):
        first, last = max(start, position), min(end, position + came.amount)
        if first < last:
            yield from _origin(session, came, first - position, last - first)
        position += came.amount


def _origin(session: Session, came: Transfer, skip: int, points: int) -> Iterator[Source]:
    """An earned transfer itself; for points that came back or were merged, what they were before."""
    before = None
    if came.kind is TransferKind.MERGED:
        before = came
    elif came.kind is TransferKind.VOIDED:
        before = _paid(session, TransferKind.ISSUED, came.cause_id)
    elif came.kind is TransferKind.RELEASED:
        before = _paid(session, TransferKind.BACKORDERED, came.cause_id)
    if before is not None:
        yield from _sources(session, before, skip, points)
        return
    record_id: UUID | None = came.cause_id
    if came.kind is TransferKind.CORRECTED:
        record_id = session.scalar(select(Correction.record_id).where(Correction.correction_id == came.cause_id))
    yield Source(came.id, came.kind, came.cause_id, record_id, points, came.rule_id, came.rule_version, came.created_at)


def _paid(session: Session, kind: TransferKind, cause_id: UUID) -> Transfer | None:
    """The transfer that took the points from the volunteer; through the backorder where the voucher had to wait."""
    paid = session.scalars(select(Transfer).where(Transfer.kind == kind, Transfer.cause_id == cause_id)).one_or_none()
    if paid is None or paid.debit_account.startswith("volunteer:"):
        return paid
    order_id = session.scalar(select(Backorder.id).where(Backorder.voucher_id == cause_id))
    return _paid(session, TransferKind.BACKORDERED, order_id) if order_id else None

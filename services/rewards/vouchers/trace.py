"""Where a voucher's points came from: first in, first out over the journal, back to the service
records.

A voucher that was handed on is followed back to whoever's points bought it. Its holder sees their
own part of that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import (
    Backorder,
    Correction,
    Handover,
    HandoverKind,
    Redemption,
    Transfer,
    TransferKind,
    Voucher,
)
from services.rewards.vouchers.handovers import links_before
from services.rewards.vouchers.lifecycle import get_voucher


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
    """All transfers of a voucher and of those it was before, and what paid for it."""

    voucher: Voucher
    transfers: Sequence[Transfer]
    sources: Sequence[Source]
    giver_id: UUID | None = None  #: whose points, or whose hands, it came from
    handovers: Sequence[Handover] = ()  #: newest first


def trace(session: Session, voucher_id: UUID, *, for_holder: bool = False) -> Trace:
    """Recompute where a voucher came from, through every hand. Raises VoucherNotFound.

    `for_holder`: only since it came to them; the giver only if named, and nothing of the giver's
    points.
    """
    voucher = get_voucher(session, voucher_id)
    links = list(links_before(session, voucher_id))
    received = next((link for link in links if link.kind is not HandoverKind.REISSUE), None)
    if received is not None and for_holder:
        links = links[: links.index(received) + 1]
    past = [
        link.from_voucher_id
        for link in links
        if link.from_voucher_id and not (for_holder and link is received)
    ]
    own = _transfers_of(session, [voucher_id, *past], [link.id for link in links])
    giver_id = (
        received.giver_id if received is not None and (received.named or not for_holder) else None
    )
    if received is not None and for_holder:
        return Trace(voucher, [t for t in own if t.kind in _SINCE_RECEIVED], [], giver_id, links)
    payment = next((t for t in own if t.debit_account.startswith("volunteer:")), None)
    paid = (
        list(_sources(session, payment, 0, payment.amount)) if payment else []
    )  # nobody paid for one to practise
    return Trace(voucher, own, paid, giver_id, links)


_SINCE_RECEIVED = (
    TransferKind.REDEEMED,
    TransferKind.REVERSED,
    TransferKind.EXPIRED,
    TransferKind.VOIDED,
    TransferKind.ALLOCATED,
)


def _transfers_of(
    session: Session, voucher_ids: Sequence[UUID], handover_ids: Sequence[UUID]
) -> Sequence[Transfer]:
    redemptions = select(Redemption.id).where(Redemption.voucher_id.in_(voucher_ids))
    orders = select(Backorder.id).where(Backorder.voucher_id.in_(voucher_ids))
    causes = [*voucher_ids, *handover_ids, *session.scalars(redemptions), *session.scalars(orders)]
    return session.scalars(
        select(Transfer)
        .where(Transfer.kind.in_(list(TransferKind)), Transfer.cause_id.in_(causes))
        .order_by(Transfer.id)
    ).all()


def _sources(session: Session, payment: Transfer, skip: int, points: int) -> Iterator[Source]:
    """What the points from `skip` to `skip + points` of a payment were, when they came."""
    account = payment.debit_account
    owner = UUID(account.partition(":")[2])
    journal = session.scalars(
        select(Transfer).where(Transfer.volunteer_id == owner).order_by(Transfer.id)
    ).all()
    start = skip + sum(
        t.amount for t in journal if t.debit_account == account and t.id < payment.id
    )
    end, position = start + points, 0
    for came in (t for t in journal if t.credit_account == account):
        first, last = max(start, position), min(end, position + came.amount)
        if first < last:
            yield from _origin(session, came, first - position, last - first)
        position += came.amount


def _origin(session: Session, came: Transfer, skip: int, points: int) -> Iterator[Source]:
    """An earned transfer itself; for points that came back or were merged, what they were
    before.
    """
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
    # What a new rule gave for many records names none of them: `explain` shows each.
    record_id: UUID | None = None if came.kind is TransferKind.ADJUSTED else came.cause_id
    if came.kind is TransferKind.CORRECTED:
        record_id = session.scalar(
            select(Correction.record_id).where(Correction.correction_id == came.cause_id)
        )
    yield Source(
        came.id,
        came.kind,
        came.cause_id,
        record_id,
        points,
        came.rule_id,
        came.rule_version,
        came.created_at,
    )


def _paid(session: Session, kind: TransferKind, cause_id: UUID) -> Transfer | None:
    """The transfer that took the points from the volunteer; through the backorder where the voucher
    had to wait.
    """
    paid = session.scalars(
        select(Transfer).where(Transfer.kind == kind, Transfer.cause_id == cause_id)
    ).one_or_none()
    if (
        paid is None
        and kind is TransferKind.ISSUED
        and (links := list(links_before(session, cause_id)))
    ):
        return (
            _paid(session, kind, links[-1].from_voucher_id) if links[-1].from_voucher_id else None
        )  # re-issued
    if paid is None or paid.debit_account.startswith("volunteer:"):
        return paid
    order_id = session.scalar(select(Backorder.id).where(Backorder.voucher_id == cause_id))
    return _paid(session, TransferKind.BACKORDERED, order_id) if order_id else None

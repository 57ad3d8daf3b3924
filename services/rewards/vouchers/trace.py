"""Trace a voucher's points back to service records: first in, first out over the journal.

A voucher that was handed on is followed back to the person whose points bought it. Its holder sees
only their own part.
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
    """All transfers of a voucher and of its predecessors, and what paid for it."""

    voucher: Voucher
    transfers: Sequence[Transfer]
    sources: Sequence[Source]
    giver_id: UUID | None = None  #: who gave it, or whose points it came from
    handovers: Sequence[Handover] = ()  #: newest first


_SINCE_RECEIVED = (
    TransferKind.REDEEMED,
    TransferKind.REVERSED,
    TransferKind.EXPIRED,
    TransferKind.VOIDED,
    TransferKind.ALLOCATED,
)


def trace(session: Session, voucher_id: UUID, *, for_holder: bool = False) -> Trace:
    """Compute where a voucher came from, through all handovers. Raises VoucherNotFound.

    `for_holder` leaves out what happened before they received it, the sources, and an unnamed
    giver.
    """
    voucher = get_voucher(session, voucher_id)
    links = list(links_before(session, voucher_id))
    received = next((link for link in links if link.kind is not HandoverKind.REISSUE), None)
    if received is None:
        return _trace_to_payment(session, voucher, links, None)
    if for_holder:
        return _trace_to_gift(session, voucher, links, received)
    return _trace_to_payment(session, voucher, links, received.giver_id)


def _trace_to_payment(
    session: Session, voucher: Voucher, links: Sequence[Handover], giver_id: UUID | None
) -> Trace:
    transfers = _transfers_of(session, [voucher.id, *_predecessors(links)], links)
    payment = next((one for one in transfers if _is_paid_by_volunteer(one)), None)
    # No points paid for a sandbox voucher.
    sources = list(_sources(session, payment, 0, payment.amount)) if payment else []
    return Trace(voucher, transfers, sources, giver_id, links)


def _trace_to_gift(
    session: Session, voucher: Voucher, links: Sequence[Handover], received: Handover
) -> Trace:
    """Trace a gift for its holder, back to the link by which they received it."""
    own_links = links[: links.index(received) + 1]
    reissues = own_links[:-1]
    transfers = _transfers_of(session, [voucher.id, *_predecessors(reissues)], own_links)
    shown = [one for one in transfers if one.kind in _SINCE_RECEIVED]
    giver_id = received.giver_id if received.named else None
    return Trace(voucher, shown, [], giver_id, own_links)


def _predecessors(links: Sequence[Handover]) -> list[UUID]:
    return [link.from_voucher_id for link in links if link.from_voucher_id]


def _is_paid_by_volunteer(transfer: Transfer) -> bool:
    return transfer.debit_account.startswith("volunteer:")


def _transfers_of(
    session: Session, voucher_ids: Sequence[UUID], links: Sequence[Handover]
) -> Sequence[Transfer]:
    redemptions = select(Redemption.id).where(Redemption.voucher_id.in_(voucher_ids))
    orders = select(Backorder.id).where(Backorder.voucher_id.in_(voucher_ids))
    causes = [*voucher_ids, *(link.id for link in links)]
    causes += [*session.scalars(redemptions), *session.scalars(orders)]
    return session.scalars(
        select(Transfer)
        # All kinds are named, because the index begins with the kind.
        .where(Transfer.kind.in_(list(TransferKind)), Transfer.cause_id.in_(causes))
        .order_by(Transfer.id)
    ).all()


def _sources(session: Session, payment: Transfer, skip: int, points: int) -> Iterator[Source]:
    """Yield where the points from `skip` to `skip + points` of a payment came from.

    Points leave an account in the order in which they came. So the payment's points are those that
    came at the same position as the points that left.
    """
    account = payment.debit_account
    owner_id = UUID(account.partition(":")[2])
    journal = session.scalars(
        select(Transfer).where(Transfer.volunteer_id == owner_id).order_by(Transfer.id)
    ).all()
    left = [one for one in journal if one.debit_account == account]
    start = skip + sum(one.amount for one in left if one.id < payment.id)
    end, position = start + points, 0
    for came in journal:
        if came.credit_account != account:
            continue
        first, last = max(start, position), min(end, position + came.amount)
        if first < last:
            yield from _origin(session, came, first - position, last - first)
        position += came.amount


def _origin(session: Session, came: Transfer, skip: int, points: int) -> Iterator[Source]:
    """Yield the source of points that came to an account.

    Points that came back, or were merged, are traced to the payment before.
    """
    before = _payment_before(session, came)
    if before is not None:
        yield from _sources(session, before, skip, points)
        return
    yield Source(
        transfer_id=came.id,
        kind=came.kind,
        cause_id=came.cause_id,
        record_id=_record_of(session, came),
        points=points,
        rule_id=came.rule_id,
        rule_version=came.rule_version,
        created_at=came.created_at,
    )


def _payment_before(session: Session, came: Transfer) -> Transfer | None:
    """Return the transfer that took these points from a volunteer before they came back."""
    if came.kind is TransferKind.MERGED:
        return came
    if came.kind is TransferKind.VOIDED:
        return _payment_of_voucher(session, came.cause_id)
    if came.kind is TransferKind.RELEASED:
        return _find(session, TransferKind.BACKORDERED, came.cause_id)
    return None


def _record_of(session: Session, came: Transfer) -> UUID | None:
    """Return the service record that earned these points."""
    if came.kind is TransferKind.ADJUSTED:
        # A new rule adjusts many records at once: the explanation of the account shows each.
        return None
    if came.kind is TransferKind.CORRECTED:
        return session.scalar(
            select(Correction.record_id).where(Correction.correction_id == came.cause_id)
        )
    return came.cause_id


def _payment_of_voucher(session: Session, voucher_id: UUID) -> Transfer | None:
    """Return the transfer that took a voucher's points from the volunteer.

    A reissued voucher was paid for with its first code, a backordered one when it was ordered.
    """
    paid = _find(session, TransferKind.ISSUED, voucher_id)
    if paid is None:
        links = list(links_before(session, voucher_id))
        first_id = links[-1].from_voucher_id if links else None
        return _payment_of_voucher(session, first_id) if first_id else None
    if _is_paid_by_volunteer(paid):
        return paid
    order_id = session.scalar(select(Backorder.id).where(Backorder.voucher_id == voucher_id))
    return _find(session, TransferKind.BACKORDERED, order_id) if order_id else None


def _find(session: Session, kind: TransferKind, cause_id: UUID) -> Transfer | None:
    return session.scalars(
        select(Transfer).where(Transfer.kind == kind, Transfer.cause_id == cause_id)
    ).one_or_none()

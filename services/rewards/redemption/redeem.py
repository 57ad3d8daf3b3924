"""Redeem vouchers 核销: the counter and the webhook share one verb; one UPDATE decides each race.

It redeems many at once, so that a webhook of 500 lines needs as few statements as one voucher at a
counter.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.rewards.catalogue.blackouts import refuse_on_blackout_days
from services.rewards.ledger import journal
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import Redemption, Resolution, TransferKind, Voucher, VoucherStatus
from services.rewards.redemption.outcomes import (
    Answer,
    Found,
    Outcome,
    has_code,
    has_expired,
    lock_vouchers,
    redeemable,
    refusal_of,
)
from services.rewards.vouchers import codes, holds
from services.rewards.vouchers.lifecycle import about
from shared.contracts.rewards import VoucherHeld, VoucherRedeemed, VoucherReversed
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import NotFound
from shared.db.statements import changed
from shared.messaging.outbox import publish

HOLD_SECONDS = 300
COUNTER, WEBHOOK = "counter", "webhook"
"""The channel of a redemption."""


class HoldNotFound(NotFound):
    """There is no such hold."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What a venue reports as redeemed: a typed code, and the venue's own number for it."""

    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption that was just made, with its voucher and the hold that the voucher had."""

    redemption: Redemption
    voucher: Voucher
    hold_id: UUID | None
    held_until: datetime | None

    @property
    def posted_hold_id(self) -> UUID | None:
        """The hold under which it was redeemed in time."""
        in_time = self.held_until is not None and self.held_until >= self.redemption.redeemed_at
        return self.hold_id if in_time else None


def check_code(session: Session, venue_id: UUID, code: str) -> Answer:
    """Return what `redeem` at the counter would answer now. Changes nothing.

    Raises BlackoutDay.
    """
    code = codes.normalise(code)
    if not codes.check(code):
        return Answer(Outcome.UNKNOWN)
    row = session.execute(
        select(Voucher, redeemable(None), has_expired()).where(*has_code(venue_id, [code]))
    ).one_or_none()
    if row is None:
        return Answer(Outcome.UNKNOWN)
    found = Found(*row)
    if not found.redeemable:
        return Answer(refusal_of(found.voucher, found.expired), found.voucher)
    refuse_on_blackout_days(session, found.voucher)
    return Answer(Outcome.REDEEMABLE, found.voucher)


def hold_voucher(
    session: Session, venue_id: UUID, code: str, seconds: int = HOLD_SECONDS
) -> Answer:
    """Hold a voucher for `seconds`. A lapsed hold does not prevent it.

    Raises BlackoutDay.
    """
    hold_id = new_id()
    found = lock_vouchers(session, venue_id, [code], redeemable(hold_id)).get(code)
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier_id = found.voucher, found.voucher.hold_id
    if found.redeemable:
        refuse_on_blackout_days(session, voucher)
    if not _mark_held(session, voucher.id, hold_id, seconds):
        return Answer(refusal_of(voucher, found.expired), voucher)
    if earlier_id is not None:
        # It had lapsed, else it would have stood in the way.
        holds.resolve(session, [earlier_id], Resolution.EXPIRED, journal.CLOCK)
    session.refresh(voucher)
    _record_held(session, voucher)
    return Answer(Outcome.HELD, voucher)


def _mark_held(session: Session, voucher_id: UUID, hold_id: UUID, seconds: int) -> bool:
    """Put a voucher under a hold; False if it cannot be held."""
    held = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, redeemable(hold_id))
        .values(
            status=VoucherStatus.HELD,
            hold_id=hold_id,
            held_until=app_now() + timedelta(seconds=seconds),
        )
    )
    return bool(changed(held))


def _record_held(session: Session, voucher: Voucher) -> None:
    hold_id, held_until = voucher.hold_id, voucher.held_until
    assert hold_id is not None and held_until is not None  # the table's CHECK says so
    holds.prepare(session, voucher, hold_id, held_until)
    publish(session, VoucherHeld(**about(voucher), hold_id=hold_id, held_until=held_until))


def release_hold(session: Session, venue_id: UUID, hold_id: UUID) -> None:
    """End a hold early. Nothing changes if it has ended, was used or has lapsed.

    Raises HoldNotFound when this venue never had it.
    """
    released = session.execute(
        update(Voucher)
        .where(
            Voucher.hold_id == hold_id,
            Voucher.venue_id == venue_id,
            Voucher.status == VoucherStatus.HELD,
        )
        .values(status=VoucherStatus.ISSUED, hold_id=None, held_until=None)
    )
    if changed(released):
        holds.resolve(session, [hold_id], Resolution.VOIDED, f"venue:{venue_id}")
    elif not holds.was_given(session, venue_id, hold_id):
        raise HoldNotFound(f"No hold {hold_id}.")


def redeem(
    session: Session,
    venue_id: UUID,
    code: str,
    reference: str,
    *,
    channel: str,
    hold_id: UUID | None = None,
) -> Answer:
    """Redeem one voucher, as `redeem_all` does."""
    sale = Sale(code, reference)
    (answer,) = redeem_all(session, venue_id, [sale], channel=channel, hold_id=hold_id)
    return answer


def redeem_all(
    session: Session,
    venue_id: UUID,
    sales: Sequence[Sale],
    *,
    channel: str,
    hold_id: UUID | None = None,
) -> list[Answer]:
    """Redeem vouchers and return one answer a sale. Of many at once, one wins each voucher.

    The same reference gets the same answer again. A hold of the venue does not stand in its own
    way, unless `hold_id` names another one. Raises BlackoutDay at the counter; a redemption that a
    webhook reports has happened and is booked.
    """
    condition = redeemable(hold_id, own=True)
    found = lock_vouchers(session, venue_id, [sale.code for sale in sales], condition)
    booked = _booked(session, venue_id, sales)
    while True:
        chosen = _choose(sales, found, booked)
        if channel == COUNTER:
            _refuse_on_blackout_days(session, chosen.values())
        try:
            with session.begin_nested():
                made = _redeem_chosen(session, chosen, channel, hold_id)
            return _answers(sales, found, booked, made)
        except IntegrityError:
            # Another transaction has just used one of the references for another voucher.
            before, booked = booked, _booked(session, venue_id, sales)
            if booked.keys() == before.keys():
                raise


def _refuse_on_blackout_days(session: Session, chosen: Iterable[Found]) -> None:
    for one in chosen:
        refuse_on_blackout_days(session, one.voucher)


def _booked(session: Session, venue_id: UUID, sales: Sequence[Sale]) -> dict[str, Redemption]:
    """Return earlier redemptions with these references, by reference."""
    references = {sale.reference for sale in sales}
    rows = session.scalars(
        select(Redemption)
        .where(Redemption.venue_id == venue_id, Redemption.reference.in_(references))
        .execution_options(populate_existing=True)
    )
    return {row.reference: row for row in rows}


def _choose(
    sales: Sequence[Sale], found: Mapping[str, Found], booked: Mapping[str, Redemption]
) -> dict[str, Found]:
    """Return what can be redeemed, by reference.

    Of several sales with one voucher or one reference, the first counts.
    """
    chosen: dict[str, Found] = {}
    voucher_ids: set[UUID] = set()
    for sale in sales:
        one = found.get(sale.code)
        if one is None or not one.redeemable or one.voucher.id in voucher_ids:
            continue
        if sale.reference in booked or sale.reference in chosen:
            continue
        chosen[sale.reference] = one
        voucher_ids.add(one.voucher.id)
    return chosen


def _redeem_chosen(
    session: Session, chosen: Mapping[str, Found], channel: str, hold_id: UUID | None
) -> dict[str, Redemption]:
    """Redeem vouchers that `lock_vouchers` has locked; return redemptions by reference."""
    if not chosen:
        return {}
    # Read before the UPDATE clears them.
    holds_before = {
        one.voucher.id: (one.voucher.hold_id, one.voucher.held_until) for one in chosen.values()
    }
    vouchers = _mark_redeemed(session, holds_before.keys(), hold_id)
    made = _insert_redemptions(session, chosen, vouchers, channel)
    redeemed = [
        Redeemed(redemption, vouchers[redemption.voucher_id], *holds_before[redemption.voucher_id])
        for redemption in made
    ]
    _resolve_holds(session, redeemed)
    _record_redeemed(session, redeemed)
    return {redemption.reference: redemption for redemption in made}


def _mark_redeemed(
    session: Session, voucher_ids: Collection[UUID], hold_id: UUID | None
) -> dict[UUID, Voucher]:
    rows = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(voucher_ids), redeemable(hold_id, own=True))
        .values(status=VoucherStatus.REDEEMED, ended_at=app_now(), hold_id=None, held_until=None)
        .returning(Voucher)
        .execution_options(populate_existing=True)
    )
    return {voucher.id: voucher for voucher in rows}


def _insert_redemptions(
    session: Session,
    chosen: Mapping[str, Found],
    vouchers: Mapping[UUID, Voucher],
    channel: str,
) -> list[Redemption]:
    # In the order of references, so that two batches of one venue wait and never deadlock.
    won = [(reference, vouchers.get(chosen[reference].voucher.id)) for reference in sorted(chosen)]
    redemptions = [
        Redemption(
            id=new_id(),
            voucher_id=voucher.id,
            venue_id=voucher.venue_id,
            reference=reference,
            channel=channel,
            redeemed_at=voucher.ended_at,
        )
        for reference, voucher in won
        if voucher is not None
    ]
    session.add_all(redemptions)
    session.flush()
    return redemptions


def _resolve_holds(session: Session, redeemed: Sequence[Redeemed]) -> None:
    """Post the holds that were still in time; the others have expired."""
    for one in redeemed:
        if one.hold_id is not None:
            outcome = Resolution.POSTED if one.posted_hold_id else Resolution.EXPIRED
            holds.resolve(session, [one.hold_id], outcome, f"venue:{one.voucher.venue_id}")


def _record_redeemed(session: Session, redeemed: Sequence[Redeemed]) -> None:
    rows = [
        TransferDraft(
            journal.product(one.voucher.product_id),
            journal.venue(one.voucher.venue_id),
            one.voucher.points,
            TransferKind.REDEEMED,
            one.redemption.id,
            volunteer_id=one.voucher.holder_id,
            actor=f"venue:{one.voucher.venue_id}",
            pending_id=one.posted_hold_id,
        )
        for one in redeemed
    ]
    journal.record_transfers(session, rows)
    events = [
        VoucherRedeemed(
            **about(one.voucher),
            redemption_id=one.redemption.id,
            redeemed_at=one.redemption.redeemed_at,
        )
        for one in redeemed
    ]
    publish(session, *events)


def _answers(
    sales: Iterable[Sale],
    found: Mapping[str, Found],
    booked: Mapping[str, Redemption],
    made: Mapping[str, Redemption],
) -> list[Answer]:
    redeemed_now = {redemption.voucher_id for redemption in made.values()}
    by_reference = {**booked, **made}
    return [_answer(sale, found.get(sale.code), by_reference, redeemed_now) for sale in sales]


def _answer(
    sale: Sale,
    found: Found | None,
    booked: Mapping[str, Redemption],
    redeemed_now: Collection[UUID],
) -> Answer:
    """Answer one sale. The same reference gets the same answer, unless it names another voucher."""
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier = found.voucher, booked.get(sale.reference)
    if earlier is None:
        if voucher.id in redeemed_now:
            return Answer(Outcome.ALREADY_REDEEMED, voucher)
        return Answer(refusal_of(voucher, found.expired), voucher)
    if earlier.voucher_id != voucher.id:
        return Answer(Outcome.ALREADY_REDEEMED, voucher)
    if earlier.reversed_at is not None:
        return Answer(Outcome.REVERSED, voucher)
    return Answer(Outcome.REDEEMED, voucher, earlier.redeemed_at)


def reverse(session: Session, venue_id: UUID, code: str, reference: str) -> Answer:
    """Reverse a redemption 冲正 that is not settled; the voucher is issued again.

    Repeating it gets the same answer.
    """
    found = lock_vouchers(session, venue_id, [code]).get(code)
    voucher = found.voucher if found else None
    redemption = _booked(session, venue_id, [Sale(code, reference)]).get(reference)
    if voucher is None or redemption is None or redemption.voucher_id != voucher.id:
        return Answer(Outcome.UNKNOWN, voucher)
    if _mark_reversed(session, redemption):
        _record_reversed(session, redemption, voucher)
        return Answer(Outcome.REVERSED, voucher)
    session.refresh(redemption)
    reversed_before = redemption.reversed_at is not None
    return Answer(Outcome.REVERSED if reversed_before else Outcome.ALREADY_SETTLED, voucher)


def _mark_reversed(session: Session, redemption: Redemption) -> bool:
    """Reverse a redemption and free its voucher; False if it was reversed or settled before."""
    reversed_ = session.execute(
        update(Redemption)
        .where(
            Redemption.id == redemption.id,
            Redemption.reversed_at.is_(None),
            Redemption.settled_at.is_(None),
        )
        .values(reversed_at=app_now())
    )
    if not changed(reversed_):
        return False
    session.execute(
        update(Voucher)
        .where(Voucher.id == redemption.voucher_id, Voucher.status == VoucherStatus.REDEEMED)
        .values(status=VoucherStatus.ISSUED, ended_at=None)
    )
    return True


def _record_reversed(session: Session, redemption: Redemption, voucher: Voucher) -> None:
    row = TransferDraft(
        journal.venue(redemption.venue_id),
        journal.product(voucher.product_id),
        voucher.points,
        TransferKind.REVERSED,
        redemption.id,
        volunteer_id=voucher.holder_id,
        actor=f"venue:{redemption.venue_id}",
    )
    journal.record_transfers(session, [row])
    publish(session, VoucherReversed(**about(voucher), redemption_id=redemption.id))

"""Taking vouchers in: one verb for the counter and the webhook, decided by one UPDATE on the
vouchers' rows.

It takes many at once, so that a webhook of 500 lines needs as few statements as a counter's single
one.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    late,
    lock,
    named,
    takeable,
    why_not,
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
"""Where a redemption came from."""


class HoldNotFound(NotFound):
    """There is no such hold."""


@dataclass(frozen=True, slots=True)
class Sale:
    """What a venue says it took in: a typed code, and its own number for it."""

    code: str
    reference: str


def check_code(session: Session, venue_id: UUID, code: str) -> Answer:
    """What `redeem` at the counter would say now. Changes nothing. Raises BlackoutDay."""
    code = codes.normalise(code)
    if not codes.check(code):
        return Answer(Outcome.UNKNOWN)
    found = session.execute(
        select(Voucher, takeable(None), late()).where(*named(venue_id, [code]))
    ).one_or_none()
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, free, is_late = found
    if free:
        refuse_on_blackout_days(session, voucher)
    return Answer(Outcome.REDEEMABLE if free else why_not(voucher, is_late), voucher)


def hold_voucher(
    session: Session, venue_id: UUID, code: str, seconds: int = HOLD_SECONDS
) -> Answer:
    """Reserve a voucher for `seconds`; a hold whose time has passed does not count. Raises
    BlackoutDay.
    """
    hold_id = new_id()
    found = lock(session, venue_id, [code], takeable(hold_id)).get(code)
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier_id = found.voucher, found.voucher.hold_id
    if found.free:
        refuse_on_blackout_days(session, voucher)
    held_until = session.scalar(
        update(Voucher)
        .where(Voucher.id == voucher.id, takeable(hold_id))
        .values(
            status=VoucherStatus.HELD,
            hold_id=hold_id,
            held_until=app_now() + timedelta(seconds=seconds),
        )
        .returning(Voucher.held_until)
    )
    if held_until is None:
        return Answer(why_not(voucher, found.late), voucher)
    if earlier_id is not None:  # it had lapsed, else it would stand in the way
        holds.resolve(session, [earlier_id], Resolution.EXPIRED, journal.CLOCK)
    session.refresh(voucher)
    holds.prepare(session, voucher, hold_id, held_until)
    publish(session, VoucherHeld(**about(voucher), hold_id=hold_id, held_until=held_until))
    return Answer(Outcome.HELD, voucher)


def release_hold(session: Session, venue_id: UUID, hold_id: UUID) -> None:
    """End a hold early. Repeating it, or ending one that was used or has lapsed, changes nothing.

    Raises HoldNotFound when this venue was never given it.
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
    """Take one voucher in, as `redeem_all` does."""
    return redeem_all(session, venue_id, [Sale(code, reference)], channel=channel, hold_id=hold_id)[
        0
    ]


def redeem_all(
    session: Session,
    venue_id: UUID,
    sales: Sequence[Sale],
    *,
    channel: str,
    hold_id: UUID | None = None,
) -> list[Answer]:
    """Take vouchers in, in the order of the sales. However many try at once, one wins each.

    The same reference gets the same answer again. A hold of the venue does not stand in its own
    way, unless `hold_id` names another one. Raises BlackoutDay at the counter; what a webhook
    reports has happened and is booked.
    """
    found = lock(session, venue_id, [sale.code for sale in sales], takeable(hold_id, own=True))
    booked = _booked(session, venue_id, sales)
    while True:
        wanted = _wanted(sales, found, booked)
        if channel == COUNTER:
            for one in wanted.values():
                refuse_on_blackout_days(session, one.voucher)
        try:
            with session.begin_nested():
                made = _take_in(session, wanted, channel, hold_id)
            break
        except IntegrityError:  # a reference was used a moment ago, for another voucher
            before, booked = booked, _booked(session, venue_id, sales)
            if booked.keys() == before.keys():
                raise
    taken = {redemption.voucher_id for redemption in made.values()}
    return [_answer(sale, found.get(sale.code), booked | made, taken) for sale in sales]


def _booked(session: Session, venue_id: UUID, sales: Sequence[Sale]) -> dict[str, Redemption]:
    """What was booked with these references before."""
    references = {sale.reference for sale in sales}
    rows = session.scalars(
        select(Redemption)
        .where(Redemption.venue_id == venue_id, Redemption.reference.in_(references))
        .execution_options(populate_existing=True)
    )
    return {row.reference: row for row in rows}


def _wanted(
    sales: Sequence[Sale], found: Mapping[str, Found], booked: Mapping[str, Redemption]
) -> dict[str, Found]:
    """By reference, what can be taken in: the first sale of a voucher and of a reference counts."""
    wanted: dict[str, Found] = {}
    spoken_for: set[UUID] = set()
    for sale in sales:
        one = found.get(sale.code)
        if one is None or not one.free or sale.reference in booked or sale.reference in wanted:
            continue
        if one.voucher.id not in spoken_for:
            wanted[sale.reference] = one
            spoken_for.add(one.voucher.id)
    return wanted


def _take_in(
    session: Session, wanted: Mapping[str, Found], channel: str, hold_id: UUID | None
) -> dict[str, Redemption]:
    """Win the rows, which `lock` has locked. Redeeming under a hold posts what it prepared."""
    if not wanted:
        return {}
    held = {
        one.voucher.id: (one.voucher.hold_id, one.voucher.held_until) for one in wanted.values()
    }
    rows = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(held), takeable(hold_id, own=True))
        .values(status=VoucherStatus.REDEEMED, ended_at=app_now(), hold_id=None, held_until=None)
        .returning(Voucher)
        .execution_options(populate_existing=True)
    )
    taken = {voucher.id: voucher for voucher in rows}
    made = {
        reference: Redemption(
            id=new_id(),
            voucher_id=voucher.id,
            venue_id=voucher.venue_id,
            reference=reference,
            channel=channel,
            redeemed_at=voucher.ended_at,
        )
        for reference, voucher in ((r, taken.get(wanted[r].voucher.id)) for r in sorted(wanted))
        if voucher is not None
    }
    session.add_all(
        made.values()
    )  # in the order of references, so that two lists of one venue wait and never lock
    session.flush()
    _book(
        session, [(redemption, taken[redemption.voucher_id]) for redemption in made.values()], held
    )
    return made


def _book(
    session: Session,
    pairs: Sequence[tuple[Redemption, Voucher]],
    held: Mapping[UUID, tuple[UUID | None, datetime | None]],
) -> None:
    posted: dict[UUID, UUID] = {}
    for redemption, voucher in pairs:
        held_by, held_until = held[voucher.id]
        if held_by is not None:
            in_time = held_until is not None and held_until >= redemption.redeemed_at
            if in_time:
                posted[voucher.id] = held_by
            outcome = Resolution.POSTED if in_time else Resolution.EXPIRED
            holds.resolve(session, [held_by], outcome, f"venue:{voucher.venue_id}")
    rows = [
        TransferDraft(
            journal.product(v.product_id),
            journal.venue(v.venue_id),
            v.points,
            TransferKind.REDEEMED,
            redemption.id,
            volunteer_id=v.holder_id,
            actor=f"venue:{v.venue_id}",
            pending_id=posted.get(v.id),
        )
        for redemption, v in pairs
    ]
    journal.record_transfers(session, rows)
    events = (
        VoucherRedeemed(**about(v), redemption_id=redemption.id, redeemed_at=redemption.redeemed_at)
        for redemption, v in pairs
    )
    publish(session, *events)


def _answer(
    sale: Sale, found: Found | None, booked: Mapping[str, Redemption], taken: Iterable[UUID]
) -> Answer:
    """The same reference: the same answer, unless it was for another voucher."""
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier = found.voucher, booked.get(sale.reference)
    if earlier is None:
        return Answer(
            Outcome.ALREADY_REDEEMED if voucher.id in taken else why_not(voucher, found.late),
            voucher,
        )
    if earlier.voucher_id != voucher.id:
        return Answer(Outcome.ALREADY_REDEEMED, voucher)
    if earlier.reversed_at is not None:
        return Answer(Outcome.REVERSED, voucher)
    return Answer(Outcome.REDEEMED, voucher, earlier.redeemed_at)


def reverse(session: Session, venue_id: UUID, code: str, reference: str) -> Answer:
    """Take a redemption back before it is settled: the voucher counts as issued again. Repeating it
    is harmless.
    """
    found = lock(session, venue_id, [code]).get(code)
    voucher = found.voucher if found else None
    earlier = _booked(session, venue_id, [Sale(code, reference)]).get(reference)
    if voucher is None or earlier is None or earlier.voucher_id != voucher.id:
        return Answer(Outcome.UNKNOWN, voucher)
    undone = session.execute(
        update(Redemption)
        .where(
            Redemption.id == earlier.id,
            Redemption.reversed_at.is_(None),
            Redemption.settled_at.is_(None),
        )
        .values(reversed_at=app_now())
    )
    if not changed(undone):
        session.refresh(earlier)
        return Answer(Outcome.REVERSED if earlier.reversed_at else Outcome.ALREADY_SETTLED, voucher)
    session.execute(
        update(Voucher)
        .where(Voucher.id == voucher.id, Voucher.status == VoucherStatus.REDEEMED)
        .values(status=VoucherStatus.ISSUED, ended_at=None)
    )
    row = TransferDraft(
        journal.venue(venue_id),
        journal.product(voucher.product_id),
        voucher.points,
        TransferKind.REVERSED,
        earlier.id,
        volunteer_id=voucher.holder_id,
        actor=f"venue:{venue_id}",
    )
    journal.record_transfers(session, [row])
    publish(session, VoucherReversed(**about(voucher), redemption_id=earlier.id))
    return Answer(Outcome.REVERSED, voucher)

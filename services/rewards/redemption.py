"""Taking vouchers in: one verb for the counter and the webhook, decided by one UPDATE on the vouchers' rows.

It takes many at once, so that a webhook of 500 lines needs as few statements as a counter's single one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.rewards import codes, holds, journal
from services.rewards.blackouts import refuse_on_blackout_days
from services.rewards.issuing import code_vault
from services.rewards.journal import transfer
from services.rewards.models import Redemption, Resolution, TransferKind, Voucher, VoucherOrigin, VoucherStatus
from services.rewards.vouchers import about
from shared.clock import app_now
from shared.contracts.rewards import VoucherHeld, VoucherRedeemed, VoucherReversed
from shared.db import changed
from shared.ids import new_id
from shared.outbox import publish
from shared.problems import NotFound

HOLD_SECONDS = 300
COUNTER, WEBHOOK = "counter", "webhook"
"""Where a redemption came from."""


class HoldNotFound(NotFound):
    """There is no such hold."""


class Outcome(StrEnum):
    """What became of a voucher that a venue named. A closed set: venues program against it."""

    REDEEMED = "redeemed"  #: taken in now, or before with the same reference
    ALREADY_REDEEMED = "already_redeemed"  #: taken in with another reference
    HELD_ELSEWHERE = "held_elsewhere"  #: another hold of this venue has it just now
    EXPIRED = "expired"  #: its last day has passed
    VOIDED = "voided"  #: taken back by the centre, or given on: its new holder has another code
    UNKNOWN = "unknown"  #: mistyped, never issued, or another venue's
    REVERSED = "reversed"  #: this redemption was taken back
    ALREADY_SETTLED = "already_settled"  #: too late to take it back
    REDEEMABLE = "redeemable"  #: only from `check`: `redeem` would take it in
    HELD = "held"  #: only from `hold`


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and the voucher if it is one of the venue's."""

    outcome: Outcome
    voucher: Voucher | None = None
    redeemed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What a venue says it took in: a typed code, and its own number for it."""

    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class Found:
    """A voucher of this venue, locked, as it stands now."""

    voucher: Voucher
    free: bool  #: may be taken in
    late: bool  #: its last day has passed


def check_code(session: Session, venue_id: UUID, code: str) -> Answer:
    """What `redeem` at the counter would say now. Changes nothing. Raises BlackoutDay."""
    code = codes.normalise(code)
    if not codes.check(code):
        return Answer(Outcome.UNKNOWN)
    found = session.execute(select(Voucher, _takeable(None), _late()).where(*_named(venue_id, [code]))).one_or_none()
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, free, late = found
    if free:
        refuse_on_blackout_days(session, voucher)
    return Answer(Outcome.REDEEMABLE if free else _why_not(voucher, late), voucher)


def lock(
    session: Session, venue_id: UUID, typed: Iterable[str], free: ColumnElement[bool] | None = None
) -> dict[str, Found]:
    """The vouchers of this venue behind typed codes, locked in the order of ids.

    Another venue's is as unknown as one that never was.
    """
    plain = {code: codes.normalise(code) for code in typed}
    named = _named(venue_id, [code for code in set(plain.values()) if codes.check(code)])
    rows = session.execute(
        select(Voucher, _takeable(None, own=True) if free is None else free, _late())
        .where(*named)
        .order_by(Voucher.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row[0].code_fingerprint: Found(*row) for row in rows}
    vault = code_vault()
    prints = {typed_code: vault.fingerprint(code) for typed_code, code in plain.items()}
    return {typed_code: found[print_] for typed_code, print_ in prints.items() if print_ in found}


def _named(venue_id: UUID, plain: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """By fingerprint, and only at its own venue; what lies in the pool is nobody's yet. The codes are normalised."""
    vault = code_vault()
    owned = or_(Voucher.holder_id.is_not(None), Voucher.origin == VoucherOrigin.SANDBOX)
    prints = [vault.fingerprint(code) for code in plain]
    return Voucher.code_fingerprint.in_(prints), Voucher.venue_id == venue_id, owned


def hold_voucher(session: Session, venue_id: UUID, code: str, seconds: int = HOLD_SECONDS) -> Answer:
    """Reserve a voucher for `seconds`; a hold whose time has passed does not count. Raises BlackoutDay."""
    hold_id = new_id()
    found = lock(session, venue_id, [code], _takeable(hold_id)).get(code)
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier_id = found.voucher, found.voucher.hold_id
    if found.free:
        refuse_on_blackout_days(session, voucher)
    held_until = session.scalar(
        update(Voucher)
        .where(Voucher.id == voucher.id, _takeable(hold_id))
        .values(status=VoucherStatus.HELD, hold_id=hold_id, held_until=app_now() + timedelta(seconds=seconds))
        .returning(Voucher.held_until)
    )
    if held_until is None:
        return Answer(_why_not(voucher, found.late), voucher)
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
        .where(Voucher.hold_id == hold_id, Voucher.venue_id == venue_id, Voucher.status == VoucherStatus.HELD)
        .values(status=VoucherStatus.ISSUED, hold_id=None, held_until=None)
    )
    if changed(released):
        holds.resolve(session, [hold_id], Resolution.VOIDED, f"venue:{venue_id}")
    elif not holds.was_given(session, venue_id, hold_id):
        raise HoldNotFound(f"No hold {hold_id}.")


def redeem(
    session: Session, venue_id: UUID, code: str, reference: str, *, channel: str, hold_id: UUID | None = None
) -> Answer:
    """Take one voucher in, as `redeem_all` does."""
    return redeem_all(session, venue_id, [Sale(code, reference)], channel=channel, hold_id=hold_id)[0]


def redeem_all(
    session: Session, venue_id: UUID, sales: Sequence[Sale], *, channel: str, hold_id: UUID | None = None
) -> list[Answer]:
    """Take vouchers in, in the order of the sales. However many try at once, one wins each.

    The same reference gets the same answer again. A hold of the venue does not stand in its own way, unless `hold_id`
    names another one. Raises BlackoutDay at the counter; what a webhook reports has happened and is booked.
    """
    found = lock(session, venue_id, [sale.code for sale in sales], _takeable(hold_id, own=True))
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


def _wanted(sales: Sequence[Sale], found: Mapping[str, Found], booked: Mapping[str, Redemption]) -> dict[str, Found]:
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
    held = {one.voucher.id: (one.voucher.hold_id, one.voucher.held_until) for one in wanted.values()}
    rows = session.scalars(
        update(Voucher)
        .where(Voucher.id.in_(held), _takeable(hold_id, own=True))
        .values(status=VoucherStatus.REDEEMED, ended_at=app_now(), hold_id=None, held_until=None)
        .returning(Voucher)
        .execution_options(populate_existing=True)
    )
    taken = {voucher.id: voucher for voucher in rows}
    made = {
        reference: Redemption(id=new_id(), voucher_id=voucher.id, venue_id=voucher.venue_id, reference=reference,
                              channel=channel, redeemed_at=voucher.ended_at)
        for reference, voucher in ((r, taken.get(wanted[r].voucher.id)) for r in sorted(wanted))
        if voucher is not None
    }  # fmt: skip
    session.add_all(made.values())  # in the order of references, so that two lists of one venue wait and never lock
    session.flush()
    _book(session, [(redemption, taken[redemption.voucher_id]) for redemption in made.values()], held)
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
        transfer(journal.product(v.product_id), journal.venue(v.venue_id), v.points, TransferKind.REDEEMED,
                 redemption.id, volunteer_id=v.holder_id, actor=f"venue:{v.venue_id}", pending_id=posted.get(v.id))
        for redemption, v in pairs
    ]  # fmt: skip
    journal.record_transfers(session, rows)
    facts = (VoucherRedeemed(**about(v), redemption_id=redemption.id, redeemed_at=redemption.redeemed_at)
             for redemption, v in pairs)  # fmt: skip
    publish(session, *facts)


def _takeable(hold_id: UUID | None, *, own: bool = False) -> ColumnElement[bool]:
    """In time, and free: issued, a lapsed hold, this hold, or (`own`, no hold named) any hold of the venue."""
    held = Voucher.status == VoucherStatus.HELD
    lapsed = and_(held, Voucher.held_until < app_now())
    mine = held if own and hold_id is None else and_(held, Voucher.hold_id == hold_id)
    return and_(Voucher.expires_at > app_now(), or_(Voucher.status == VoucherStatus.ISSUED, lapsed, mine))


def _late() -> ColumnElement[bool]:
    return Voucher.expires_at <= app_now()


def _why_not(voucher: Voucher, late: bool) -> Outcome:
    if voucher.status in (VoucherStatus.REDEEMED, VoucherStatus.SETTLED):
        return Outcome.ALREADY_REDEEMED
    if voucher.status in (VoucherStatus.VOIDED, VoucherStatus.GIVEN):
        return Outcome.VOIDED
    if late or voucher.status is VoucherStatus.EXPIRED:
        return Outcome.EXPIRED
    return Outcome.HELD_ELSEWHERE


def _answer(sale: Sale, found: Found | None, booked: Mapping[str, Redemption], taken: Iterable[UUID]) -> Answer:
    """The same reference: the same answer, unless it was for another voucher."""
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, earlier = found.voucher, booked.get(sale.reference)
    if earlier is None:
        return Answer(Outcome.ALREADY_REDEEMED if voucher.id in taken else _why_not(voucher, found.late), voucher)
    if earlier.voucher_id != voucher.id:
        return Answer(Outcome.ALREADY_REDEEMED, voucher)
    if earlier.reversed_at is not None:
        return Answer(Outcome.REVERSED, voucher)
    return Answer(Outcome.REDEEMED, voucher, earlier.redeemed_at)


def reverse(session: Session, venue_id: UUID, code: str, reference: str) -> Answer:
    """Take a redemption back before it is settled: the voucher counts as issued again. Repeating it is harmless."""
    found = lock(session, venue_id, [code]).get(code)
    voucher = found.voucher if found else None
    earlier = _booked(session, venue_id, [Sale(code, reference)]).get(reference)
    if voucher is None or earlier is None or earlier.voucher_id != voucher.id:
        return Answer(Outcome.UNKNOWN, voucher)
    undone = session.execute(
        update(Redemption)
        .where(Redemption.id == earlier.id, Redemption.reversed_at.is_(None), Redemption.settled_at.is_(None))
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
    row = transfer(journal.venue(venue_id), journal.product(voucher.product_id), voucher.points, TransferKind.REVERSED,
                   earlier.id, volunteer_id=voucher.holder_id, actor=f"venue:{venue_id}")  # fmt: skip
    journal.record_transfers(session, [row])
    publish(session, VoucherReversed(**about(voucher), redemption_id=earlier.id))
    return Answer(Outcome.REVERSED, voucher)

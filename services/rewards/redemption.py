"""Taking vouchers in: one verb for the counter and the webhook, decided by one UPDATE on the voucher's row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.rewards import codes, holds, journal
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


def check_code(session: Session, venue_id: UUID, code: str) -> Answer:
    """What `redeem` would say now. Changes nothing."""
    code = codes.normalise(code)
    if not codes.check(code):
        return Answer(Outcome.UNKNOWN)
    found = session.execute(select(Voucher, _takeable(None)).where(*_named(venue_id, code))).one_or_none()
    if found is None:
        return Answer(Outcome.UNKNOWN)
    voucher, free = found
    return Answer(Outcome.REDEEMABLE if free else _why_not(session, voucher), voucher)


def find(session: Session, venue_id: UUID, code: str) -> Voucher | None:
    """The voucher of this venue behind a typed code, locked; another venue's is as unknown as one that never was."""
    code = codes.normalise(code)
    if not codes.check(code):
        return None
    return session.scalars(
        select(Voucher).where(*_named(venue_id, code)).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def _named(venue_id: UUID, code: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """By its fingerprint, and only at its own venue; what lies in the pool is nobody's yet. The code is normalised."""
    owned = or_(Voucher.holder_id.is_not(None), Voucher.origin == VoucherOrigin.SANDBOX)
    return Voucher.code_fingerprint == code_vault().fingerprint(code), and_(Voucher.venue_id == venue_id, owned)


def hold_voucher(session: Session, venue_id: UUID, code: str, seconds: int = HOLD_SECONDS) -> Answer:
    """Reserve a voucher for `seconds`; a hold whose time has passed does not count."""
    voucher = find(session, venue_id, code)
    if voucher is None:
        return Answer(Outcome.UNKNOWN)
    hold_id, earlier_id = new_id(), voucher.hold_id
    held_until = session.scalar(
        update(Voucher)
        .where(Voucher.id == voucher.id, _takeable(hold_id))
        .values(status=VoucherStatus.HELD, hold_id=hold_id, held_until=app_now() + timedelta(seconds=seconds))
        .returning(Voucher.held_until)
    )
    if held_until is None:
        return Answer(_why_not(session, voucher), voucher)
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
    """Take a voucher in. However many try at once, one wins; the same reference gets the same answer again.

    A hold of the venue does not stand in its own way, unless `hold_id` names another one.
    """
    voucher = find(session, venue_id, code)
    if voucher is None:
        return Answer(Outcome.UNKNOWN)
    earlier = _with_reference(session, venue_id, reference)
    if earlier is not None:
        return _again(earlier, voucher)
    try:
        with session.begin_nested():
            answer = _take_in(session, voucher, reference, channel, hold_id)
    except IntegrityError:  # the same reference a moment ago, for another voucher
        answer = None
    if answer is not None:
        return answer
    earlier = _with_reference(session, venue_id, reference)
    session.refresh(voucher)
    return _again(earlier, voucher) if earlier else Answer(_why_not(session, voucher), voucher)


def _take_in(session: Session, voucher: Voucher, reference: str, channel: str, hold_id: UUID | None) -> Answer | None:
    """Win the row, which `find` locked, or return None. Redeeming under a hold posts what it prepared."""
    held_by, held_until = voucher.hold_id, voucher.held_until
    taken = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher.id, _takeable(hold_id, own=True))
        .values(status=VoucherStatus.REDEEMED, ended_at=app_now(), hold_id=None, held_until=None)
        .returning(Voucher.ended_at, Voucher.holder_id)
    ).one_or_none()
    if taken is None:
        return None
    redemption = Redemption(id=new_id(), voucher_id=voucher.id, venue_id=voucher.venue_id, reference=reference,
                            channel=channel, redeemed_at=taken.ended_at)  # fmt: skip
    session.add(redemption)
    session.flush()
    in_time = held_until is not None and held_until >= taken.ended_at
    if held_by is not None:
        outcome = Resolution.POSTED if in_time else Resolution.EXPIRED
        holds.resolve(session, [held_by], outcome, f"venue:{voucher.venue_id}")
    row = transfer(journal.product(voucher.product_id), journal.venue(voucher.venue_id), voucher.points,
                   TransferKind.REDEEMED, redemption.id, volunteer_id=taken.holder_id,
                   actor=f"venue:{voucher.venue_id}", pending_id=held_by if in_time else None)  # fmt: skip
    journal.record_transfers(session, [row])
    publish(session, VoucherRedeemed(**about(voucher), redemption_id=redemption.id, redeemed_at=taken.ended_at))
    return Answer(Outcome.REDEEMED, voucher, taken.ended_at)


def _takeable(hold_id: UUID | None, *, own: bool = False) -> ColumnElement[bool]:
    """In time, and free: issued, a lapsed hold, this hold, or (`own`, no hold named) any hold of the venue."""
    held = Voucher.status == VoucherStatus.HELD
    lapsed = and_(held, Voucher.held_until < app_now())
    mine = held if own and hold_id is None else and_(held, Voucher.hold_id == hold_id)
    return and_(Voucher.expires_at > app_now(), or_(Voucher.status == VoucherStatus.ISSUED, lapsed, mine))


def _why_not(session: Session, voucher: Voucher) -> Outcome:
    session.refresh(voucher)
    if voucher.status in (VoucherStatus.REDEEMED, VoucherStatus.SETTLED):
        return Outcome.ALREADY_REDEEMED
    if voucher.status in (VoucherStatus.VOIDED, VoucherStatus.GIVEN):
        return Outcome.VOIDED
    if voucher.status is VoucherStatus.EXPIRED:
        return Outcome.EXPIRED
    late = session.scalar(select(Voucher.id).where(Voucher.id == voucher.id, Voucher.expires_at <= app_now()))
    return Outcome.EXPIRED if late else Outcome.HELD_ELSEWHERE


def _with_reference(session: Session, venue_id: UUID, reference: str) -> Redemption | None:
    return session.scalars(
        select(Redemption)
        .where(Redemption.venue_id == venue_id, Redemption.reference == reference)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _again(earlier: Redemption, voucher: Voucher) -> Answer:
    """The same reference: the same answer, unless it was for another voucher."""
    if earlier.voucher_id != voucher.id:
        return Answer(Outcome.ALREADY_REDEEMED, voucher)
    if earlier.reversed_at is not None:
        return Answer(Outcome.REVERSED, voucher)
    return Answer(Outcome.REDEEMED, voucher, earlier.redeemed_at)


def reverse(session: Session, venue_id: UUID, code: str, reference: str) -> Answer:
    """Take a redemption back before it is settled: the voucher counts as issued again. Repeating it is harmless."""
    voucher = find(session, venue_id, code)
    earlier = _with_reference(session, venue_id, reference)
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

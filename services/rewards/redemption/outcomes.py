"""Which vouchers a venue means by what was typed, how they stand, and what can be answered: a
closed set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from services.rewards.models import Voucher, VoucherOrigin, VoucherStatus
from services.rewards.vouchers import codes
from services.rewards.vouchers.codes import code_vault
from shared.core.clock import app_now


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
class Found:
    """A voucher of this venue, locked, as it stands now."""

    voucher: Voucher
    free: bool  #: may be taken in
    late: bool  #: its last day has passed


def lock(
    session: Session, venue_id: UUID, typed: Iterable[str], free: ColumnElement[bool] | None = None
) -> dict[str, Found]:
    """The vouchers of this venue behind typed codes, locked in the order of ids.

    `free` says which of them may be taken; missing: issued, or under any hold. Another venue's is
    as unknown as one that never was.
    """
    plain = {code: codes.normalise(code) for code in typed}
    well_formed = [code for code in set(plain.values()) if codes.check(code)]
    rows = session.execute(
        select(Voucher, takeable(None, own=True) if free is None else free, late())
        .where(*named(venue_id, well_formed))
        .order_by(Voucher.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row[0].code_fingerprint: Found(*row) for row in rows}
    vault = code_vault()
    prints = {typed_code: vault.fingerprint(code) for typed_code, code in plain.items()}
    return {typed_code: found[print_] for typed_code, print_ in prints.items() if print_ in found}


def named(venue_id: UUID, plain: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """By fingerprint, and only at its own venue; what lies in the pool is nobody's yet. The codes
    are normalised.
    """
    vault = code_vault()
    owned = or_(Voucher.holder_id.is_not(None), Voucher.origin == VoucherOrigin.SANDBOX)
    prints = [vault.fingerprint(code) for code in plain]
    return Voucher.code_fingerprint.in_(prints), Voucher.venue_id == venue_id, owned


def takeable(hold_id: UUID | None, *, own: bool = False) -> ColumnElement[bool]:
    """In time, and free: issued, a lapsed hold, this hold, or (`own`, no hold named) any hold of
    the venue.
    """
    held = Voucher.status == VoucherStatus.HELD
    lapsed = and_(held, Voucher.held_until < app_now())
    mine = held if own and hold_id is None else and_(held, Voucher.hold_id == hold_id)
    return and_(
        Voucher.expires_at > app_now(), or_(Voucher.status == VoucherStatus.ISSUED, lapsed, mine)
    )


def late() -> ColumnElement[bool]:
    """Its last day has passed."""
    return Voucher.expires_at <= app_now()


def why_not(voucher: Voucher, late: bool) -> Outcome:
    """The outcome for a voucher that cannot be taken; `late`: its last day has passed."""
    if voucher.status in (VoucherStatus.REDEEMED, VoucherStatus.SETTLED):
        return Outcome.ALREADY_REDEEMED
    if voucher.status in (VoucherStatus.VOIDED, VoucherStatus.GIVEN):
        return Outcome.VOIDED
    if late or voucher.status is VoucherStatus.EXPIRED:
        return Outcome.EXPIRED
    return Outcome.HELD_ELSEWHERE

"""Find a venue's vouchers by typed codes, and name what became of each: a closed set."""

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

    REDEEMED = "redeemed"  #: redeemed now, or before with the same reference
    ALREADY_REDEEMED = "already_redeemed"  #: redeemed with another reference
    HELD_ELSEWHERE = "held_elsewhere"  #: another hold of this venue has it
    EXPIRED = "expired"  #: its last day has passed
    VOIDED = "voided"  #: taken back by the centre, or given on: its new holder has another code
    UNKNOWN = "unknown"  #: mistyped, never issued, or another venue's
    REVERSED = "reversed"  #: this redemption was reversed
    ALREADY_SETTLED = "already_settled"  #: too late to reverse it
    REDEEMABLE = "redeemable"  #: only from `check`: `redeem` would succeed
    HELD = "held"  #: only from `hold`


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and the voucher if it is one of the venue's."""

    outcome: Outcome
    voucher: Voucher | None = None
    redeemed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A voucher of this venue, locked, as it is now."""

    voucher: Voucher
    redeemable: bool
    expired: bool  #: its last day has passed


def lock_vouchers(
    session: Session,
    venue_id: UUID,
    typed: Iterable[str],
    condition: ColumnElement[bool] | None = None,
) -> dict[str, Found]:
    """Lock this venue's vouchers of typed codes, in the order of ids; return them by typed code.

    `condition` decides which are redeemable; if missing: issued, or under any hold. A voucher of
    another venue is as unknown as one that was never issued.
    """
    if condition is None:
        condition = redeemable(None, own=True)
    normalised = {code: codes.normalise(code) for code in typed}
    well_formed = [code for code in set(normalised.values()) if codes.check(code)]
    by_fingerprint = _lock(session, has_code(venue_id, well_formed), condition)
    fingerprint = code_vault().fingerprint
    found = {code: by_fingerprint.get(fingerprint(plain)) for code, plain in normalised.items()}
    return {code: one for code, one in found.items() if one is not None}


def _lock(
    session: Session, which: Iterable[ColumnElement[bool]], condition: ColumnElement[bool]
) -> dict[bytes, Found]:
    rows = session.execute(
        select(Voucher, condition, has_expired())
        .where(*which)
        .order_by(Voucher.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row[0].code_fingerprint: Found(*row) for row in rows}


def has_code(venue_id: UUID, normalised: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Conditions: a voucher of this venue with one of these codes, and not in the pool."""
    vault = code_vault()
    fingerprints = [vault.fingerprint(code) for code in normalised]
    not_pooled = or_(Voucher.holder_id.is_not(None), Voucher.origin == VoucherOrigin.SANDBOX)
    return Voucher.code_fingerprint.in_(fingerprints), Voucher.venue_id == venue_id, not_pooled


def redeemable(hold_id: UUID | None, *, own: bool = False) -> ColumnElement[bool]:
    """Condition: not expired, and issued, under a lapsed hold, or under this hold.

    With `own` and no hold named, any hold of the venue counts as this one.
    """
    held = Voucher.status == VoucherStatus.HELD
    lapsed = and_(held, Voucher.held_until < app_now())
    this_hold = held if own and hold_id is None else and_(held, Voucher.hold_id == hold_id)
    free = or_(Voucher.status == VoucherStatus.ISSUED, lapsed, this_hold)
    return and_(Voucher.expires_at > app_now(), free)


def has_expired() -> ColumnElement[bool]:
    """Condition: the voucher's last day has passed."""
    return Voucher.expires_at <= app_now()


def refusal_of(voucher: Voucher, expired: bool) -> Outcome:
    """Return the outcome for a voucher that cannot be redeemed."""
    if voucher.status in (VoucherStatus.REDEEMED, VoucherStatus.SETTLED):
        return Outcome.ALREADY_REDEEMED
    if voucher.status in (VoucherStatus.VOIDED, VoucherStatus.GIVEN):
        return Outcome.VOIDED
    if expired or voucher.status is VoucherStatus.EXPIRED:
        return Outcome.EXPIRED
    return Outcome.HELD_ELSEWHERE

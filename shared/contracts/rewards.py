"""What rewards says: what hours turned into. Codes of vouchers never travel."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Event, event


class VoucherFact(Event):
    """What every fact about a voucher carries."""

    voucher_id: UUID
    holder_id: (
        UUID | None
    )  #: who may see its code; None in the pool, in the sandbox, and once its holder was erased
    product_id: UUID
    venue_id: UUID
    title: str  #: public title of the product


@event("rewards", "voucher.issued", subject="voucher_id", handled_by=("notify",))
class VoucherIssued(VoucherFact):
    """Points bought a voucher; its holder can see the code."""

    points: int
    expires_at: datetime


@event("rewards", "voucher.held", subject="voucher_id", handled_by=("notify",))
class VoucherHeld(VoucherFact):
    """A venue reserved the voucher for a short while."""

    hold_id: UUID
    held_until: datetime


@event("rewards", "voucher.redeemed", subject="voucher_id", handled_by=("notify",))
class VoucherRedeemed(VoucherFact):
    """A venue took the voucher in, at the counter or by webhook. Happens once."""

    redemption_id: UUID
    redeemed_at: datetime


@event("rewards", "voucher.reversed", subject="voucher_id", handled_by=("notify",))
class VoucherReversed(VoucherFact):
    """A redemption was taken back before settlement; the voucher counts as issued again."""

    redemption_id: UUID


@event("rewards", "voucher.expired", subject="voucher_id", handled_by=("notify",))
class VoucherExpired(VoucherFact):
    """The last day passed without redemption."""


@event("rewards", "voucher.voided", subject="voucher_id", handled_by=("notify",))
class VoucherVoided(VoucherFact):
    """Taken back by the centre."""

    cause: str  #: correction, staff, left


@event("rewards", "voucher.backordered", subject="volunteer_id", handled_by=("notify",))
class VoucherBackordered(Event):
    """Enough points, no stock: the entitlement waits and is issued first-come when stock
    returns.
    """

    volunteer_id: UUID
    product_id: UUID
    title: str


@event("rewards", "stock.low", subject="product_id", handled_by=("notify",))
class StockLow(Event):
    """A product is nearly gone."""

    product_id: UUID
    venue_id: UUID
    title: str
    left: int


@event("rewards", "dispute.opened", subject="dispute_id", handled_by=("notify",))
class DisputeOpened(Event):
    """A venue reported a redemption that we cannot book; a person has to look."""

    dispute_id: UUID
    venue_id: UUID
    reason_code: str  #: unknown, expired, voided, already_redeemed, held_elsewhere, already_settled


@event("rewards", "voucher.given", subject="voucher_id", handled_by=("notify",))
class VoucherGiven(VoucherFact):
    """A voucher changed hands: the old code is dead, `voucher_id` is the new one, its holder can
    see the code.
    """

    previous_id: (
        UUID | None
    )  #: the voucher it was; None where a standing choice bought it for the pool
    giver_id: UUID | None  #: None out of the pool; known to the receiver only if `named`
    named: bool
    kind: str  #: gift, donation, allocation, wish, return, reissue
    expires_at: datetime


@event("rewards", "voucher.expiring", subject="voucher_id", handled_by=("notify",))
class VoucherExpiring(VoucherFact):
    """The last day comes near. Said once per voucher."""

    expires_at: datetime


@event("rewards", "points.lapsed", subject="volunteer_id", handled_by=("notify",))
class PointsLapsed(Event):
    """Points grew too old and are gone. Recorded hours stay as they are."""

    volunteer_id: UUID
    points: int


@event("rewards", "pool.wish_granted", subject="wish_id", handled_by=("notify", "wishes"))
class PoolWishGranted(Event):
    """The pool gives a voucher for this wish; `holder_id` hands it over."""

    wish_id: UUID
    voucher_id: UUID
    product_id: UUID
    title: str  #: public title of the product
    holder_id: UUID


@event("rewards", "rule.applied", subject="run_id", handled_by=("notify",))
class RuleApplied(Event):
    """New rules were applied to old records; what it gave in all."""

    run_id: UUID
    accounts: int
    points: int
    vouchers: int


@event("rewards", "budget.low", subject="product_id", handled_by=("notify",))
class BudgetLow(Event):
    """Nine tenths of a product's budget of this month are spent."""

    product_id: UUID
    venue_id: UUID
    title: str
    points_left: int


@event("rewards", "venue.locked_out", subject="scope", handled_by=("notify",))
class VenueLockedOut(Event):
    """Somebody is guessing codes: unknown ones are refused for a while. Codes that exist still
    work.
    """

    scope: str  #: the venue's id, or `all` when guesses come from everywhere
    venue_id: UUID | None
    until: datetime


@event("rewards", "settlement.closed", subject="settlement_id", handled_by=("notify",))
class SettlementClosed(Event):
    """A venue's month is agreed and final, unless it is reopened."""

    settlement_id: UUID
    venue_id: UUID
    month: str  #: YYYY-MM
    redemptions: int
    points: int
    fen: int  #: owed to the venue, disputes included


@event("rewards", "settlement.reopened", subject="settlement_id", handled_by=("notify",))
class SettlementReopened(Event):
    """A closed month is open again: what it said no longer counts."""

    settlement_id: UUID
    venue_id: UUID
    month: str  #: YYYY-MM


@event("rewards", "dispute.decided", subject="dispute_id", handled_by=("notify",))
class DisputeDecided(Event):
    """A person, or the deadline, ended a case."""

    dispute_id: UUID
    venue_id: UUID
    decision: str  #: accepted, rejected, lapsed
    amount_fen: int


@event("rewards", "ledger.sealed", subject="head", handled_by=())
class LedgerSealed(Event):
    """The head of the journal's chain on a day. Whoever keeps it can prove later that nothing
    before it was changed.
    """

    head: str  #: sha-256, hex
    number: int  #: of the seal
    entries: int  #: transfers sealed so far

"""What rewards says: what hours turned into. Codes of vouchers never travel."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Fact, fact


class VoucherFact(Fact):
    """What every fact about a voucher carries."""

    voucher_id: UUID
    holder_id: (
        UUID | None
    )  #: who may see its code; None in the pool, in the sandbox, and once its holder was erased
    product_id: UUID
    venue_id: UUID
    title: str  #: public title of the product


@fact("rewards", "voucher.issued", subject="voucher_id", heard_by=("notify",))
class VoucherIssued(VoucherFact):
    """Points bought a voucher; its holder can see the code."""

    points: int
    expires_at: datetime


@fact("rewards", "voucher.held", subject="voucher_id", heard_by=("notify",))
class VoucherHeld(VoucherFact):
    """A venue reserved the voucher for a short while."""

    hold_id: UUID
    held_until: datetime


@fact("rewards", "voucher.redeemed", subject="voucher_id", heard_by=("notify",))
class VoucherRedeemed(VoucherFact):
    """A venue took the voucher in, at the counter or by webhook. Happens once."""

    redemption_id: UUID
    redeemed_at: datetime


@fact("rewards", "voucher.reversed", subject="voucher_id", heard_by=("notify",))
class VoucherReversed(VoucherFact):
    """A redemption was taken back before settlement; the voucher counts as issued again."""

    redemption_id: UUID


@fact("rewards", "voucher.expired", subject="voucher_id", heard_by=("notify",))
class VoucherExpired(VoucherFact):
    """The last day passed without redemption."""


@fact("rewards", "voucher.voided", subject="voucher_id", heard_by=("notify",))
class VoucherVoided(VoucherFact):
    """Taken back by the centre."""

    cause: str  #: correction, staff, left


@fact("rewards", "voucher.backordered", subject="volunteer_id", heard_by=("notify",))
class VoucherBackordered(Fact):
    """Enough points, no stock: the entitlement waits and is issued first-come when stock
    returns.
    """

    volunteer_id: UUID
    product_id: UUID
    title: str


@fact("rewards", "stock.low", subject="product_id", heard_by=("notify",))
class StockLow(Fact):
    """A product is nearly gone."""

    product_id: UUID
    venue_id: UUID
    title: str
    left: int


@fact("rewards", "dispute.opened", subject="dispute_id", heard_by=("notify",))
class DisputeOpened(Fact):
    """A venue reported a redemption that we cannot book; a person has to look."""

    dispute_id: UUID
    venue_id: UUID
    reason_code: str  #: unknown, expired, voided, already_redeemed, held_elsewhere, already_settled


@fact("rewards", "voucher.given", subject="voucher_id", heard_by=("notify",))
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


@fact("rewards", "voucher.expiring", subject="voucher_id", heard_by=("notify",))
class VoucherExpiring(VoucherFact):
    """The last day comes near. Said once per voucher."""

    expires_at: datetime


@fact("rewards", "points.lapsed", subject="volunteer_id", heard_by=("notify",))
class PointsLapsed(Fact):
    """Points grew too old and are gone. Recorded hours stay as they are."""

    volunteer_id: UUID
    points: int


@fact("rewards", "pool.wish_granted", subject="wish_id", heard_by=("notify", "wishes"))
class PoolWishGranted(Fact):
    """The pool gives a voucher for this wish; `holder_id` hands it over."""

    wish_id: UUID
    voucher_id: UUID
    product_id: UUID
    title: str  #: public title of the product
    holder_id: UUID


@fact("rewards", "rule.applied", subject="run_id", heard_by=("notify",))
class RuleApplied(Fact):
    """New rules were applied to old records; what it gave in all."""

    run_id: UUID
    accounts: int
    points: int
    vouchers: int


@fact("rewards", "budget.low", subject="product_id", heard_by=("notify",))
class BudgetLow(Fact):
    """Nine tenths of a product's budget of this month are spent."""

    product_id: UUID
    venue_id: UUID
    title: str
    points_left: int


@fact("rewards", "venue.locked_out", subject="scope", heard_by=("notify",))
class VenueLockedOut(Fact):
    """Somebody is guessing codes: unknown ones are refused for a while. Codes that exist still
    work.
    """

    scope: str  #: the venue's id, or `all` when guesses come from everywhere
    venue_id: UUID | None
    until: datetime


@fact("rewards", "settlement.closed", subject="settlement_id", heard_by=("notify",))
class SettlementClosed(Fact):
    """A venue's month is agreed and final, unless it is reopened."""

    settlement_id: UUID
    venue_id: UUID
    month: str  #: YYYY-MM
    redemptions: int
    points: int
    fen: int  #: owed to the venue, disputes included


@fact("rewards", "settlement.reopened", subject="settlement_id", heard_by=("notify",))
class SettlementReopened(Fact):
    """A closed month is open again: what it said no longer counts."""

    settlement_id: UUID
    venue_id: UUID
    month: str  #: YYYY-MM


@fact("rewards", "dispute.decided", subject="dispute_id", heard_by=("notify",))
class DisputeDecided(Fact):
    """A person, or the deadline, ended a case."""

    dispute_id: UUID
    venue_id: UUID
    decision: str  #: accepted, rejected, lapsed
    amount_fen: int


@fact("rewards", "ledger.sealed", subject="head", heard_by=())
class LedgerSealed(Fact):
    """The head of the journal's chain on a day. Whoever keeps it can prove later that nothing
    before it was changed.
    """

    head: str  #: sha-256, hex
    number: int  #: of the seal
    entries: int  #: transfers sealed so far

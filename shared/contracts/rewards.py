"""The events that rewards publishes. They never carry the code of a voucher."""

from uuid import UUID

from shared.contracts.base import Event, event
from shared.contracts.bounds import Code, Deadline, Instant, Points, Title, Total


class VoucherEvent(Event):
    """Base of the events about one voucher."""

    voucher_id: UUID
    #: who may see its code; None in the pool, in the sandbox, and once its holder was erased
    holder_id: UUID | None
    product_id: UUID
    venue_id: UUID
    title: Title  #: public title of the product


@event("rewards", "voucher.issued", subject="voucher_id", handled_by=("notify",))
class VoucherIssued(VoucherEvent):
    """A voucher was issued for points. Its holder can see the code."""

    points: Points
    expires_at: Deadline


@event("rewards", "voucher.held", subject="voucher_id", handled_by=("notify",))
class VoucherHeld(VoucherEvent):
    """A venue reserved the voucher for a short time."""

    hold_id: UUID
    held_until: Instant


@event("rewards", "voucher.redeemed", subject="voucher_id", handled_by=("notify",))
class VoucherRedeemed(VoucherEvent):
    """A venue redeemed the voucher, at the counter or by webhook. Happens once."""

    redemption_id: UUID
    redeemed_at: Instant


@event("rewards", "voucher.reversed", subject="voucher_id", handled_by=("notify",))
class VoucherReversed(VoucherEvent):
    """A redemption was reversed before settlement. The voucher counts as issued again."""

    redemption_id: UUID


@event("rewards", "voucher.expired", subject="voucher_id", handled_by=("notify",))
class VoucherExpired(VoucherEvent):
    """The last day passed without redemption."""


@event("rewards", "voucher.voided", subject="voucher_id", handled_by=("notify",))
class VoucherVoided(VoucherEvent):
    """The centre took the voucher back."""

    cause: Code  #: correction, staff, left


@event("rewards", "voucher.backordered", subject="volunteer_id", handled_by=("notify",))
class VoucherBackordered(Event):
    """A volunteer has the points, but the product is out of stock. Backorders are issued in order
    when stock returns.
    """

    volunteer_id: UUID
    product_id: UUID
    title: Title


@event("rewards", "stock.low", subject="product_id", handled_by=("notify",))
class StockLow(Event):
    """A product has little stock left."""

    product_id: UUID
    venue_id: UUID
    title: Title
    left: Total


@event("rewards", "dispute.opened", subject="dispute_id", handled_by=("notify",))
class DisputeOpened(Event):
    """A venue reported a redemption that we cannot enter. A person has to decide."""

    dispute_id: UUID
    venue_id: UUID
    #: unknown, expired, voided, already_redeemed, held_elsewhere, already_settled
    reason_code: Code


@event("rewards", "voucher.given", subject="voucher_id", handled_by=("notify",))
class VoucherGiven(VoucherEvent):
    """A voucher was replaced by a new one, mostly for another holder. The old code is void;
    `voucher_id` is the new voucher.
    """

    #: the voucher it replaces; None where a standing choice bought it for the pool
    previous_id: UUID | None
    giver_id: UUID | None  #: None out of the pool; known to the receiver only if `named`
    named: bool
    kind: Code  #: gift, donation, allocation, wish, return, reissue
    expires_at: Deadline


@event("rewards", "voucher.expiring", subject="voucher_id", handled_by=("notify",))
class VoucherExpiring(VoucherEvent):
    """The last day is near. Published once per voucher."""

    expires_at: Deadline


@event("rewards", "points.lapsed", subject="volunteer_id", handled_by=("notify",))
class PointsLapsed(Event):
    """Points expired. Recorded hours stay as they are."""

    volunteer_id: UUID
    points: Total


@event("rewards", "pool.wish_granted", subject="wish_id", handled_by=("notify", "wishes"))
class PoolWishGranted(Event):
    """The pool grants this wish with a voucher. `holder_id` hands it over."""

    wish_id: UUID
    voucher_id: UUID
    product_id: UUID
    title: Title  #: public title of the product
    holder_id: UUID


@event("rewards", "rule.applied", subject="run_id", handled_by=("notify",))
class RuleApplied(Event):
    """New rules were applied to old records. The amounts are totals."""

    run_id: UUID
    accounts: Total
    points: Total
    vouchers: Total


@event("rewards", "budget.low", subject="product_id", handled_by=("notify",))
class BudgetLow(Event):
    """Nine tenths of a product's budget for this month are spent."""

    product_id: UUID
    venue_id: UUID
    title: Title
    points_left: Total


@event("rewards", "venue.locked_out", subject="scope", handled_by=("notify",))
class VenueLockedOut(Event):
    """Somebody is guessing codes. Unknown codes are refused until `until`; codes that exist still
    work.
    """

    scope: Code  #: the venue's id, or `all` when guesses come from everywhere
    venue_id: UUID | None
    until: Instant


@event("rewards", "settlement.closed", subject="settlement_id", handled_by=("notify",))
class SettlementClosed(Event):
    """A venue's month was settled. It is final unless it is reopened."""

    settlement_id: UUID
    venue_id: UUID
    month: Code  #: YYYY-MM
    redemptions: Total
    points: Total
    fen: Total  #: owed to the venue, disputes included


@event("rewards", "settlement.reopened", subject="settlement_id", handled_by=("notify",))
class SettlementReopened(Event):
    """A settled month is open again. Its earlier result no longer counts."""

    settlement_id: UUID
    venue_id: UUID
    month: Code  #: YYYY-MM


@event("rewards", "dispute.decided", subject="dispute_id", handled_by=("notify",))
class DisputeDecided(Event):
    """A person decided a dispute, or its deadline passed."""

    dispute_id: UUID
    venue_id: UUID
    decision: Code  #: accepted, rejected, lapsed
    amount_fen: Total


@event("rewards", "ledger.sealed", subject="head", handled_by=())
class LedgerSealed(Event):
    """The head of the journal's hash chain on a day. Kept elsewhere, it proves later that
    nothing before it was changed.
    """

    head: Code  #: sha-256, hex
    number: Total  #: of the seal
    entries: Total  #: transfers sealed so far

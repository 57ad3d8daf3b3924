"""What rewards says: what hours turned into. Codes of vouchers never travel."""

from datetime import datetime
from uuid import UUID

from shared.contracts import Fact, fact


class VoucherFact(Fact):
    """What every fact about a voucher carries."""

    voucher_id: UUID
    holder_id: UUID | None  #: the volunteer; None while it is in the pool or its holder was erased
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
    """Enough points, no stock: the entitlement waits and is issued first-come when stock returns."""

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

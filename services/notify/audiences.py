"""Who must hear of which fact: one table, read top to bottom. Pure; nothing here touches the
database.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notify.templates import TEMPLATES, Topic
from shared.contracts.base import Event
from shared.contracts.notify import STAFF_INBOX, SubscriptionDisabled
from shared.contracts.registration import (
    AttendanceCheckedIn,
    AttendanceCheckedOut,
    HoursCorrected,
    HoursRecorded,
    HoursRejected,
    Origin,
    SignupCancelled,
    SignupConfirmed,
    SignupWaitlisted,
    VolunteerActivated,
    VolunteerSuspended,
)
from shared.contracts.rewards import (
    BudgetLow,
    DisputeDecided,
    DisputeOpened,
    PointsLapsed,
    PoolWishGranted,
    RuleApplied,
    SettlementClosed,
    SettlementReopened,
    StockLow,
    VenueLockedOut,
    VoucherBackordered,
    VoucherExpired,
    VoucherExpiring,
    VoucherGiven,
    VoucherIssued,
    VoucherRedeemed,
    VoucherReversed,
    VoucherVoided,
)
from shared.contracts.wishes import (
    ClaimerKind,
    WishClaimed,
    WishConfirmed,
    WishFulfilled,
    WishReleased,
    WishSubmitted,
    WishWithdrawn,
)

Who = Callable[[Any], UUID | None]


@dataclass(frozen=True, slots=True)
class Told:
    """One alert to be: this person hears of this fact by this template."""

    event_id: UUID
    person_id: UUID
    template: str
    topic: Topic
    params: dict[str, Any]


def volunteer(event: Any) -> UUID | None:
    found: UUID = event.volunteer_id
    return found


def unless_imported(event: HoursRecorded) -> UUID | None:
    """An old stock of records alerts nobody."""
    return None if event.origin is Origin.IMPORT else event.volunteer_id


def holder(event: Any) -> UUID | None:
    found: UUID | None = event.holder_id
    return found


def receiver(event: VoucherGiven) -> UUID | None:
    """Who has it now; whoever is only given a new code, or hands it over for a wish, hears that
    instead.
    """
    return None if event.kind in ("reissue", "wish") else event.holder_id


def reissued(event: VoucherGiven) -> UUID | None:
    return event.holder_id if event.kind == "reissue" else None


def donor(event: VoucherGiven) -> UUID | None:
    """Whose voucher went into the pool, by hand or by standing choice."""
    return event.giver_id if event.kind == "donation" else None


def claimer(event: Any) -> UUID | None:
    """A volunteer, or an organisation by its id: its coordinators read that inbox. A voucher of the
    pool reads none.
    """
    found: UUID | None = event.claimer_id
    return None if event.claimer_kind is ClaimerKind.POOL else found


def station(event: Any) -> UUID | None:
    found: UUID = event.station_id
    return found


def staff(_: Any) -> UUID | None:
    return STAFF_INBOX


AUDIENCES: dict[type[Event], tuple[tuple[Who, str, tuple[str, ...]], ...]] = {
    # fact               who hears         by which template         with which of its fields
    VolunteerActivated: ((volunteer, "volunteer_activated", ()),),
    VolunteerSuspended: ((volunteer, "volunteer_suspended", ()),),
    SignupConfirmed: ((volunteer, "signup_confirmed", ("title", "starts_at")),),
    SignupWaitlisted: ((volunteer, "signup_waitlisted", ("title",)),),
    SignupCancelled: ((volunteer, "signup_cancelled", ("title",)),),
    AttendanceCheckedIn: ((volunteer, "checked_in", ("at",)),),
    AttendanceCheckedOut: ((volunteer, "checked_out", ("at", "minutes")),),
    HoursRecorded: ((unless_imported, "hours_recorded", ("minutes", "worked_on")),),
    HoursCorrected: ((volunteer, "hours_corrected", ("old_minutes", "new_minutes", "worked_on")),),
    HoursRejected: ((volunteer, "hours_rejected", ("minutes",)),),
    VoucherIssued: ((holder, "voucher_issued", ("title", "expires_at")),),
    VoucherRedeemed: ((holder, "voucher_redeemed", ("title", "redeemed_at")),),
    VoucherReversed: ((holder, "voucher_reversed", ("title",)),),
    VoucherExpired: ((holder, "voucher_expired", ("title",)),),
    VoucherVoided: ((holder, "voucher_voided", ("title", "cause")),),
    VoucherExpiring: ((holder, "voucher_expiring", ("title", "expires_at")),),
    VoucherGiven: (
        (receiver, "voucher_received", ("title", "expires_at")),
        (reissued, "voucher_reissued", ("title", "expires_at")),
        (donor, "voucher_donated", ("title",)),
    ),
    PointsLapsed: ((volunteer, "points_lapsed", ("points",)),),
    VoucherBackordered: ((volunteer, "voucher_backordered", ("title",)),),
    WishSubmitted: ((station, "wish_submitted", ()),),
    WishClaimed: (
        (claimer, "wish_claimed", ("title", "lease_until")),
        (station, "wish_claimed_station", ("title", "lease_until")),
    ),
    WishReleased: (
        (claimer, "wish_released", ("title", "cause")),
        (station, "wish_released_station", ("title", "cause")),
    ),
    WishFulfilled: ((station, "wish_fulfilled_station", ("title",)),),
    WishConfirmed: (
        (claimer, "wish_confirmed", ("title",)),
        (station, "wish_confirmed_station", ("title",)),
    ),
    WishWithdrawn: ((claimer, "wish_withdrawn", ("title",)),),
    StockLow: ((staff, "stock_low", ("title", "left")),),
    BudgetLow: ((staff, "budget_low", ("title", "points_left")),),
    VenueLockedOut: ((staff, "venue_locked_out", ("until",)),),
    RuleApplied: ((staff, "rule_applied", ("accounts", "points", "vouchers")),),
    PoolWishGranted: ((holder, "pool_wish_granted", ("title",)),),
    SettlementClosed: ((staff, "settlement_closed", ("month", "redemptions")),),
    SettlementReopened: ((staff, "settlement_reopened", ("month",)),),
    DisputeDecided: ((staff, "dispute_decided", ("decision",)),),
    DisputeOpened: ((staff, "dispute_opened", ("reason_code",)),),
    SubscriptionDisabled: ((staff, "subscription_disabled", ("reason",)),),
}
"""Facts that are not in the table alert nobody; other systems may still subscribe to them."""


def told_by(events: Iterable[Event]) -> Iterator[Told]:
    """Everybody whom these facts concern."""
    for event in events:
        for who, template, fields in AUDIENCES.get(type(event), ()):
            person_id = who(event)
            if person_id is not None:
                params = event.model_dump(mode="json", include=set(fields))
                yield Told(
                    event.envelope.id, person_id, template, TEMPLATES[template].topic, params
                )

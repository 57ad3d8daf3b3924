"""Who gets an alert about which event: one table, read top to bottom.

Pure: nothing here touches the database.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from services.notify.templates import TEMPLATES, Topic
from shared.contracts import notify, registration, rewards, wishes
from shared.contracts.base import Event
from shared.core.json import JsonObject

Recipient = Callable[[Any], UUID | None]
"""Finds the person, or the shared inbox, in an event; None means no alert."""


@dataclass(frozen=True, slots=True)
class Audience:
    """One row of the table: this event alerts this recipient by this template."""

    event: type[Event]
    recipient: Recipient
    template: str  #: its name; the fields that its text shows are taken from the event


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """An alert that a channel is to send to one person."""

    event_id: UUID
    person_id: UUID
    template: str
    topic: Topic
    params: JsonObject  #: the fields of the event that the text shows, as JSON


volunteer: Recipient = attrgetter("volunteer_id")
station: Recipient = attrgetter("station_id")
holder: Recipient = attrgetter("holder_id")


def staff(_: Event) -> UUID | None:
    return notify.STAFF_INBOX


def volunteer_unless_imported(event: registration.HoursRecorded) -> UUID | None:
    """Imported old records cause no alert."""
    return None if event.origin is registration.Origin.IMPORT else event.volunteer_id


def new_holder(event: rewards.VoucherGiven) -> UUID | None:
    """The new holder, unless the voucher is only reissued, or to be handed over for a wish.

    Those two kinds have alerts of their own.
    """
    return None if event.kind in ("reissue", "wish") else event.holder_id


def holder_of_reissued(event: rewards.VoucherGiven) -> UUID | None:
    return event.holder_id if event.kind == "reissue" else None


def donor(event: rewards.VoucherGiven) -> UUID | None:
    """The person whose voucher went into the pool, by hand or by standing choice."""
    return event.giver_id if event.kind == "donation" else None


def claimer(event: Any) -> UUID | None:
    """A volunteer, or an organisation, whose coordinators read its inbox.

    A voucher of the pool is no reader.
    """
    person_id: UUID | None = event.claimer_id
    return None if event.claimer_kind is wishes.ClaimerKind.POOL else person_id


AUDIENCES = (
    # event, who gets an alert, by which template
    Audience(registration.VolunteerActivated, volunteer, "volunteer_activated"),
    Audience(registration.VolunteerSuspended, volunteer, "volunteer_suspended"),
    Audience(registration.SignupConfirmed, volunteer, "signup_confirmed"),
    Audience(registration.SignupWaitlisted, volunteer, "signup_waitlisted"),
    Audience(registration.SignupCancelled, volunteer, "signup_cancelled"),
    Audience(registration.AttendanceCheckedIn, volunteer, "checked_in"),
    Audience(registration.AttendanceCheckedOut, volunteer, "checked_out"),
    Audience(registration.HoursRecorded, volunteer_unless_imported, "hours_recorded"),
    Audience(registration.HoursCorrected, volunteer, "hours_corrected"),
    Audience(registration.HoursRejected, volunteer, "hours_rejected"),
    Audience(rewards.VoucherIssued, holder, "voucher_issued"),
    Audience(rewards.VoucherRedeemed, holder, "voucher_redeemed"),
    Audience(rewards.VoucherReversed, holder, "voucher_reversed"),
    Audience(rewards.VoucherExpired, holder, "voucher_expired"),
    Audience(rewards.VoucherVoided, holder, "voucher_voided"),
    Audience(rewards.VoucherExpiring, holder, "voucher_expiring"),
    Audience(rewards.VoucherGiven, new_holder, "voucher_received"),
    Audience(rewards.VoucherGiven, holder_of_reissued, "voucher_reissued"),
    Audience(rewards.VoucherGiven, donor, "voucher_donated"),
    Audience(rewards.PointsLapsed, volunteer, "points_lapsed"),
    Audience(rewards.VoucherBackordered, volunteer, "voucher_backordered"),
    Audience(wishes.WishSubmitted, station, "wish_submitted"),
    Audience(wishes.WishClaimed, claimer, "wish_claimed"),
    Audience(wishes.WishClaimed, station, "wish_claimed_station"),
    Audience(wishes.WishReleased, claimer, "wish_released"),
    Audience(wishes.WishReleased, station, "wish_released_station"),
    Audience(wishes.WishFulfilled, station, "wish_fulfilled_station"),
    Audience(wishes.WishConfirmed, claimer, "wish_confirmed"),
    Audience(wishes.WishConfirmed, station, "wish_confirmed_station"),
    Audience(wishes.WishWithdrawn, claimer, "wish_withdrawn"),
    Audience(rewards.StockLow, staff, "stock_low"),
    Audience(rewards.BudgetLow, staff, "budget_low"),
    Audience(rewards.VenueLockedOut, staff, "venue_locked_out"),
    Audience(rewards.RuleApplied, staff, "rule_applied"),
    Audience(rewards.PoolWishGranted, holder, "pool_wish_granted"),
    Audience(rewards.SettlementClosed, staff, "settlement_closed"),
    Audience(rewards.SettlementReopened, staff, "settlement_reopened"),
    Audience(rewards.DisputeDecided, staff, "dispute_decided"),
    Audience(rewards.DisputeOpened, staff, "dispute_opened"),
    Audience(notify.SubscriptionDisabled, staff, "subscription_disabled"),
)
"""Events that are not in the table cause no alert; other systems may still subscribe to them."""

_AUDIENCES_OF: defaultdict[type[Event], list[Audience]] = defaultdict(list)
for _audience in AUDIENCES:
    _AUDIENCES_OF[_audience.event].append(_audience)


def draft_alerts(events: Iterable[Event]) -> Iterator[AlertDraft]:
    """Draft an alert for everybody whom these events concern."""
    for event in events:
        for person_id, template in recipients_of(event):
            yield _draft(event, person_id, template)


def recipients_of(event: Event) -> Iterator[tuple[UUID, str]]:
    """Who gets an alert about an event, each with the name of its template."""
    for audience in _AUDIENCES_OF.get(type(event), ()):
        person_id = audience.recipient(event)
        if person_id is not None:
            yield person_id, audience.template


def _draft(event: Event, person_id: UUID, name: str) -> AlertDraft:
    template = TEMPLATES[name]
    # pydantic wants a set to include; a frozenset will not do.
    params = event.model_dump(mode="json", include=set(template.fields))
    return AlertDraft(event.envelope.id, person_id, name, template.topic, params)

"""The texts of alerts: English sources, translated when an alert is read.

A placeholder names a field of the event and may name a format for people: `{minutes:hours}`,
`{at:time}`, `{worked_on:day}`, `{cause:word}`. Each text has its Chinese in `locale/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from string import Formatter
from typing import Any

from shared.core.clock import SITE
from shared.core.language import translate


class Topic(StrEnum):
    """What an alert is about; people mute by topic."""

    MEMBERSHIP = "membership"
    ACTIVITIES = "activities"
    HOURS = "hours"
    VOUCHERS = "vouchers"
    WISHES = "wishes"
    STAFF = "staff"


@dataclass(frozen=True)  # without slots, for the cached property
class Template:
    """The title and text of one kind of alert."""

    name: str
    topic: Topic
    title: str
    text: str

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields of the event that the text shows."""
        return frozenset(field for _, field, _, _ in Formatter().parse(self.text) if field)


_ALL = (
    Template(
        "volunteer_activated",
        Topic.MEMBERSHIP,
        "You are a volunteer",
        "Your registration was accepted. Welcome.",
    ),
    Template(
        "volunteer_suspended",
        Topic.MEMBERSHIP,
        "Your registration is suspended",
        "You cannot sign up or claim until it is activated again. Your hours stay.",
    ),
    Template(
        "signup_confirmed",
        Topic.ACTIVITIES,
        "Sign-up confirmed",
        "You have a seat in “{title}”, {starts_at:time}.",
    ),
    Template(
        "signup_waitlisted",
        Topic.ACTIVITIES,
        "You are on the waiting list",
        "“{title}” is full. We will tell you when a seat is free.",
    ),
    Template(
        "signup_cancelled",
        Topic.ACTIVITIES,
        "Sign-up cancelled",
        "You no longer take part in “{title}”.",
    ),
    Template("checked_in", Topic.ACTIVITIES, "Checked in", "You arrived at {at:time}."),
    Template(
        "checked_out",
        Topic.ACTIVITIES,
        "Checked out",
        "You left at {at:time}, after {minutes:hours}.",
    ),
    Template(
        "hours_recorded",
        Topic.HOURS,
        "Hours recorded",
        "{minutes:hours} on {worked_on:day} were recorded.",
    ),
    Template(
        "hours_corrected",
        Topic.HOURS,
        "Hours corrected",
        "{worked_on:day}: {new_minutes:hours} instead of {old_minutes:hours}.",
    ),
    Template(
        "hours_rejected", Topic.HOURS, "Hours not accepted", "{minutes:hours} were not accepted."
    ),
    Template(
        "voucher_issued",
        Topic.VOUCHERS,
        "A Happy Voucher for you",
        "“{title}” is in your wallet, valid until {expires_at:time}.",
    ),
    Template(
        "voucher_redeemed",
        Topic.VOUCHERS,
        "Voucher used",
        "“{title}” was redeemed at {redeemed_at:time}.",
    ),
    Template(
        "voucher_reversed",
        Topic.VOUCHERS,
        "Redemption reversed",
        "The redemption of “{title}” was reversed. You can use the voucher again.",
    ),
    Template(
        "voucher_expired",
        Topic.VOUCHERS,
        "Voucher expired",
        "The last day of “{title}” has passed.",
    ),
    Template(
        "voucher_voided",
        Topic.VOUCHERS,
        "Voucher taken back",
        "“{title}” was taken back by the centre ({cause:word}).",
    ),
    Template(
        "voucher_expiring",
        Topic.VOUCHERS,
        "A voucher expires soon",
        "You can use “{title}” until {expires_at:time}, or give it to somebody who needs it.",
    ),
    Template(
        "voucher_received",
        Topic.VOUCHERS,
        "Somebody gave you a Happy Voucher",
        "“{title}” is in your wallet, valid until {expires_at:time}.",
    ),
    Template(
        "voucher_reissued",
        Topic.VOUCHERS,
        "A new code",
        "“{title}” has a new code; the old one no longer works. Valid until {expires_at:time}.",
    ),
    Template(
        "voucher_donated",
        Topic.VOUCHERS,
        "Thank you for your donation",
        "“{title}” is now in the pool, for somebody who needs it.",
    ),
    Template(
        "points_lapsed",
        Topic.VOUCHERS,
        "Points expired",
        "{points} points were not used in time. Your hours stay as they are.",
    ),
    Template(
        "pool_wish_granted",
        Topic.VOUCHERS,
        "A voucher to hand over",
        "“{title}” from the pool grants a wish. The code is in your wallet; please hand it over.",
    ),
    Template(
        "voucher_backordered",
        Topic.VOUCHERS,
        "Voucher on backorder",
        "“{title}” is out of stock. Yours is issued first when stock returns.",
    ),
    Template(
        "wish_submitted",
        Topic.WISHES,
        "A wish to verify",
        "Your station has a new wish to verify.",
    ),
    Template(
        "wish_claimed",
        Topic.WISHES,
        "You claimed a wish",
        "Please grant “{title}” by {lease_until:time}.",
    ),
    Template(
        "wish_claimed_station",
        Topic.WISHES,
        "A wish was claimed",
        "“{title}” was claimed until {lease_until:time}.",
    ),
    Template(
        "wish_released",
        Topic.WISHES,
        "A wish is free again",
        "Your claim on “{title}” has ended ({cause:word}).",
    ),
    Template(
        "wish_released_station",
        Topic.WISHES,
        "A claim has ended",
        "“{title}” is on the tree again ({cause:word}).",
    ),
    Template(
        "wish_fulfilled_station",
        Topic.WISHES,
        "A wish to confirm",
        "The claimer says that “{title}” is done. Please confirm.",
    ),
    Template(
        "wish_confirmed", Topic.WISHES, "A wish came true", "“{title}” was confirmed. Thank you."
    ),
    Template(
        "wish_confirmed_station", Topic.WISHES, "A wish came true", "“{title}” was confirmed."
    ),
    Template(
        "wish_withdrawn",
        Topic.WISHES,
        "A wish was withdrawn",
        "“{title}” was withdrawn. Your claim has ended.",
    ),
    Template("stock_low", Topic.STAFF, "Stock is low", "“{title}”: {left} left."),
    Template(
        "budget_low",
        Topic.STAFF,
        "A monthly budget is nearly spent",
        "“{title}”: {points_left} points are left.",
    ),
    Template(
        "venue_locked_out",
        Topic.STAFF,
        "Somebody is guessing codes",
        "Unknown codes are refused until {until:time}. Codes that exist still work.",
    ),
    Template(
        "rule_applied",
        Topic.STAFF,
        "Rules were applied to old records",
        "{accounts} accounts gained {points} points and {vouchers} vouchers.",
    ),
    Template(
        "settlement_closed",
        Topic.STAFF,
        "A month was settled",
        "{month}: {redemptions} redemptions.",
    ),
    Template(
        "settlement_reopened",
        Topic.STAFF,
        "A settled month was reopened",
        "{month} is open again.",
    ),
    Template(
        "dispute_decided", Topic.STAFF, "A dispute was decided", "The decision: {decision:word}."
    ),
    Template(
        "dispute_opened",
        Topic.STAFF,
        "A redemption needs a decision",
        "A venue reported a redemption that we cannot enter ({reason_code:word}).",
    ),
    Template(
        "subscription_disabled",
        Topic.STAFF,
        "A webhook was disabled",
        "A subscriber no longer answers ({reason:word}). Enable the webhook when it works again.",
    ),
)
TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL}


def render(template: Template, params: Mapping[str, object], language: str) -> tuple[str, str]:
    """Return title and text of an alert in one language."""
    title, text = translate(template.title, language), translate(template.text, language)
    return title, _ReadableFormatter(language).vformat(text, (), params)


class _ReadableFormatter(Formatter):
    """Format values for people: durations as hours, instants as local time."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "hours":
                return self._hours(value)
            case "time":
                return f"{datetime.fromisoformat(value).astimezone(SITE):%Y-%m-%d %H:%M}"
            case "word":
                return translate(str(value), self._language)
            case _:
                return str(value)

    def _hours(self, minutes: int) -> str:
        number = f"{minutes / 60:.2f}".rstrip("0").rstrip(".")
        return translate("{number} h", self._language).format(number=number)

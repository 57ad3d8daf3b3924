"""The words of alerts: English source texts, translated when an alert is read.

A placeholder may say how its value reads to a person: `{minutes:hours}`, `{at:time}`,
`{worked_on:day}`, `{cause:word}`.
"""

import string
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class Template:
    """How one kind of alert is worded."""

    name: str
    topic: Topic
    title: str
    text: str


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
        "Until it is activated again you cannot sign up or claim. Your hours stay.",
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
        "“{title}” is full. You hear from us when a seat is free.",
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
        "Voucher given back",
        "The redemption of “{title}” was taken back; you can use it again.",
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
        "A voucher ends soon",
        "“{title}” can be used until {expires_at:time}. You may also leave it to somebody who needs it.",
    ),
    Template(
        "voucher_received",
        Topic.VOUCHERS,
        "Somebody left you a Happy Voucher",
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
        "Thank you for leaving it on",
        "“{title}” lies in the pool now, for somebody who needs it.",
    ),
    Template(
        "points_lapsed",
        Topic.VOUCHERS,
        "Points lapsed",
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
        "Voucher on its way",
        "“{title}” is out of stock. Yours is issued first when stock returns.",
    ),
    Template(
        "wish_submitted",
        Topic.WISHES,
        "A wish waits for you",
        "A new wish at your station waits for verification.",
    ),
    Template(
        "wish_claimed",
        Topic.WISHES,
        "You claimed a wish",
        "“{title}” is yours to grant until {lease_until:time}.",
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
        "A wish hangs again",
        "Your claim on “{title}” has ended ({cause:word}).",
    ),
    Template(
        "wish_released_station",
        Topic.WISHES,
        "A claim has ended",
        "“{title}” hangs on the tree again ({cause:word}).",
    ),
    Template(
        "wish_fulfilled_station",
        Topic.WISHES,
        "A wish waits for confirmation",
        "“{title}” is said to be granted. Please confirm.",
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
        "“{title}” was taken back; your claim has ended.",
    ),
    Template("stock_low", Topic.STAFF, "Stock is low", "“{title}”: {left} left."),
    Template(
        "budget_low",
        Topic.STAFF,
        "This month's budget runs out",
        "“{title}”: {points_left} points are left of it.",
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
        "{month} counts as open again.",
    ),
    Template("dispute_decided", Topic.STAFF, "A dispute has ended", "It was {decision:word}."),
    Template(
        "dispute_opened",
        Topic.STAFF,
        "A redemption needs a look",
        "A venue reported a redemption that cannot be booked ({reason_code:word}).",
    ),
    Template(
        "subscription_disabled",
        Topic.STAFF,
        "A webhook was disabled",
        "A subscriber no longer answers ({reason:word}). Enable it again when it is repaired.",
    ),
)
TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL}


def render(template: Template, params: dict[str, Any], language: str) -> tuple[str, str]:
    """Title and text of an alert in one language."""
    words = _Readable(language)
    return translate(template.title, language), words.vformat(
        translate(template.text, language), (), params
    )


class _Readable(string.Formatter):
    """Formats values for people: durations as hours, instants as local time."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "hours":
                number = f"{value / 60:.2f}".rstrip("0").rstrip(".")
                return translate("{number} h", self._language).format(number=number)
            case "time":
                return f"{datetime.fromisoformat(value).astimezone(SITE):%Y-%m-%d %H:%M}"
            case "word":
                return translate(str(value), self._language)
            case _:
                return str(value)

"""What rewards does about the events of registration and wishes. All of its handlers commute."""

from sqlalchemy.orm import Session

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, earning
from services.rewards.membership import members
from services.rewards.pool import wishes
from services.rewards.pool.wishes import WishEvent
from shared.contracts.registration import (
    Bucket,
    HoursCorrected,
    HoursRecorded,
    Origin,
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.contracts.wishes import (
    WishClaimed,
    WishExpired,
    WishGrantDeclined,
    WishPublished,
    WishReleased,
    WishWithdrawn,
)
from shared.messaging.inbox import handles


@handles(HoursRecorded)
def credit_and_issue(session: Session, events: list[HoursRecorded]) -> None:
    """Credit verified minutes, then issue every voucher that the new balances have earned.

    One transaction for the whole batch; imported records never earn.
    """
    counted = [event for event in events if _earns(event)]
    if counted:
        issue.issue_due(session, earning.credit_minutes(session, counted))


@handles(HoursCorrected)
def correct_credit(session: Session, events: list[HoursCorrected]) -> None:
    """Credit what a correction adds, take back what it takes; before its record it waits."""
    members.apply_corrections(session, [event for event in events if _earns(event)])


def _earns(event: HoursRecorded | HoursCorrected) -> bool:
    return event.bucket is Bucket.VERIFIED and event.origin is not Origin.IMPORT


@handles(VolunteerRegistered)
def open_accounts(session: Session, events: list[VolunteerRegistered]) -> None:
    """Open an account; hours may have opened it already."""
    accounts.open_accounts(session, [event.volunteer_id for event in events])


@handles(VolunteerActivated)
def lift_suspensions(session: Session, events: list[VolunteerActivated]) -> None:
    """Store that the volunteer may make requests again."""
    for event in sorted(events, key=lambda event: event.volunteer_id):
        accounts.set_suspended(session, event.volunteer_id, False, event.envelope.sequence)


@handles(VolunteerSuspended)
def note_suspensions(session: Session, events: list[VolunteerSuspended]) -> None:
    """Store that the volunteer may not request anything until activated again."""
    for event in sorted(events, key=lambda event: event.volunteer_id):
        accounts.set_suspended(session, event.volunteer_id, True, event.envelope.sequence)


@handles(VolunteerLeft)
def close_accounts(session: Session, events: list[VolunteerLeft]) -> None:
    """Take back unused vouchers and points; hours stay."""
    members.close_accounts(session, [event.volunteer_id for event in events])


@handles(VolunteerErased)
def erase_holders(session: Session, events: list[VolunteerErased]) -> None:
    """Close the account for good, without an alert."""
    members.close_accounts(session, [event.volunteer_id for event in events], erased=True)


@handles(VolunteerMerged)
def merge_accounts(session: Session, events: list[VolunteerMerged]) -> None:
    """Move points, vouchers and debts of the duplicate to the one that stays; late hours follow."""
    members.merge_accounts(session, events)


@handles(WishPublished, WishClaimed, WishReleased, WishWithdrawn, WishExpired)
def follow_wishes(session: Session, events: list[WishEvent]) -> None:
    """Know which wishes the pool could grant; a voucher whose wish was released or withdrawn
    returns.
    """
    wishes.note_events(session, events)


@handles(WishGrantDeclined)
def bring_back_declined(session: Session, events: list[WishGrantDeclined]) -> None:
    """Return the voucher to the pool, because somebody had taken the wish already."""
    for event in sorted(events, key=lambda event: event.wish_id):
        wishes.bring_back(session, event.wish_id, event.voucher_id)

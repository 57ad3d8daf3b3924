"""Its side of the conversation: what rewards says, and one reaction per fact it hears. All of them
commute.
"""

from sqlalchemy.orm import Session

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, earning
from services.rewards.membership import members
from services.rewards.pool import wishes
from services.rewards.pool.wishes import WishWord
from shared.auth.withdrawn import note_access_changed
from shared.contracts.base import Fact
from shared.contracts.registration import (
    Bucket,
    HoursCorrected,
    HoursRecorded,
    Origin,
    PersonAccessChanged,
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.contracts.rewards import (
    BudgetLow,
    DisputeDecided,
    DisputeOpened,
    LedgerSealed,
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
    VoucherHeld,
    VoucherIssued,
    VoucherRedeemed,
    VoucherReversed,
    VoucherVoided,
)
from shared.contracts.wishes import (
    WishClaimed,
    WishExpired,
    WishGrantDeclined,
    WishPublished,
    WishReleased,
    WishWithdrawn,
)
from shared.messaging.inbox import hears

PUBLISHES: tuple[type[Fact], ...] = (
    VoucherIssued,
    VoucherHeld,
    VoucherRedeemed,
    VoucherReversed,
    VoucherExpired,
    VoucherVoided,
    VoucherBackordered,
    VoucherGiven,
    VoucherExpiring,
    PointsLapsed,
    PoolWishGranted,
    RuleApplied,
    StockLow,
    BudgetLow,
    VenueLockedOut,
    DisputeOpened,
    DisputeDecided,
    SettlementClosed,
    SettlementReopened,
    LedgerSealed,
)


@hears(HoursRecorded)
def credit_and_issue(session: Session, facts: list[HoursRecorded]) -> None:
    """Credit verified minutes, then issue every voucher that the new balances have earned.

    One transaction for the whole batch; imported records never earn.
    """
    counted = [fact for fact in facts if _earns(fact)]
    if counted:
        issue.issue_due(session, earning.credit_minutes(session, counted))


@hears(HoursCorrected)
def correct_credit(session: Session, facts: list[HoursCorrected]) -> None:
    """Credit what a correction adds, take back what it takes; before its record it waits."""
    for fact in sorted(facts, key=lambda fact: (fact.record_id, fact.correction_id)):
        if _earns(fact):
            members.apply_correction(session, fact)


def _earns(fact: HoursRecorded | HoursCorrected) -> bool:
    return fact.bucket is Bucket.VERIFIED and fact.origin is not Origin.IMPORT


@hears(VolunteerRegistered)
def open_accounts(session: Session, facts: list[VolunteerRegistered]) -> None:
    """Open an account; hours may have opened it already."""
    accounts.open_accounts(session, [fact.volunteer_id for fact in facts])


@hears(VolunteerActivated)
def lift_suspensions(session: Session, facts: list[VolunteerActivated]) -> None:
    """Remember that the volunteer may ask for things again."""
    for fact in sorted(facts, key=lambda fact: fact.volunteer_id):
        accounts.set_suspended(session, fact.volunteer_id, False, fact.envelope.sequence)


@hears(VolunteerSuspended)
def note_suspensions(session: Session, facts: list[VolunteerSuspended]) -> None:
    """Remember that the volunteer may not ask for anything until activated again."""
    for fact in sorted(facts, key=lambda fact: fact.volunteer_id):
        accounts.set_suspended(session, fact.volunteer_id, True, fact.envelope.sequence)


@hears(VolunteerLeft)
def close_accounts(session: Session, facts: list[VolunteerLeft]) -> None:
    """Take back unused vouchers and points; hours stay."""
    for fact in sorted(facts, key=lambda fact: fact.volunteer_id):
        members.close_account(session, fact.volunteer_id)


@hears(VolunteerErased)
def erase_holders(session: Session, facts: list[VolunteerErased]) -> None:
    """Close the account for good; nobody is told."""
    for fact in sorted(facts, key=lambda fact: fact.volunteer_id):
        members.close_account(session, fact.volunteer_id, erased=True)


@hears(VolunteerMerged)
def merge_accounts(session: Session, facts: list[VolunteerMerged]) -> None:
    """Move points, vouchers and debts of the duplicate to the one that stays, and what comes late
    as well.
    """
    for fact in sorted(facts, key=lambda fact: fact.volunteer_id):
        members.merge_account(session, fact.volunteer_id, fact.into_id)


@hears(PersonAccessChanged)
def withdraw_access(session: Session, facts: list[PersonAccessChanged]) -> None:
    """Tokens issued before the change no longer count here."""
    note_access_changed(session, facts)


@hears(WishPublished, WishClaimed, WishReleased, WishWithdrawn, WishExpired)
def follow_wishes(session: Session, facts: list[WishWord]) -> None:
    """Know which wishes the pool could grant; a voucher whose wish was released or withdrawn
    returns.
    """
    wishes.note_words(session, facts)


@hears(WishGrantDeclined)
def bring_back_declined(session: Session, facts: list[WishGrantDeclined]) -> None:
    """The wish was taken already: the voucher returns to the pool."""
    for fact in sorted(facts, key=lambda fact: fact.wish_id):
        wishes.bring_back(session, fact.wish_id, fact.voucher_id)

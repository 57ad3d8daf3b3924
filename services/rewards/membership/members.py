"""What happens to an account when its volunteer leaves, is merged, chooses, or is corrected."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, earning
from services.rewards.ledger.accounts import balance_of_account
from services.rewards.ledger.earning import Change
from services.rewards.models import (
    Account,
    AccountStatus,
    Backorder,
    IssueBacklog,
    Product,
    Rule,
    RuleKind,
    StandingChoice,
    TransferKind,
    Voucher,
)
from services.rewards.pool import requests
from services.rewards.rules.versions import NoSuchProduct
from services.rewards.vouchers import handovers, lifecycle
from shared.contracts.registration import HoursCorrected, VolunteerMerged
from shared.core.clock import app_now


def apply_corrections(session: Session, events: Iterable[HoursCorrected]) -> None:
    """Make each correction count once.

    More minutes are credited like hours. For fewer, the newest entitlements and unused vouchers are
    taken back while the points in hand do not cover the loss; what is still missing is carried and
    paid by the next minutes.
    """
    changes = earning.take_corrections(session, events)
    if not changes:
        return
    # All accounts before the first change: two batches then wait for each other, and never
    # deadlock. A duplicate's credit goes straight to the account that stays, which is locked.
    owners = accounts.open_and_lock(session, {change.volunteer_id for change in changes})
    for change in changes:
        if change.minutes > 0:
            _credit(session, owners[change.volunteer_id].volunteer_id, change)
        else:
            _take_away(session, change)


def _credit(session: Session, volunteer_id: UUID, change: Change) -> None:
    credits = {volunteer_id: change.credit}
    gained = earning.credit_accounts(session, credits, TransferKind.CORRECTED)
    issue.issue_due(session, gained)


def _take_away(session: Session, change: Change) -> None:
    account = accounts.lock_account(session, change.volunteer_id)
    account.minutes_credited += change.minutes
    if account.status is AccountStatus.OPEN and change.points < 0:
        lost = -change.points
        lifecycle.take_back(session, account, needed=lost)
        earning.take_points(session, account, lost, change)
        # A voided voucher may have brought more than this took, while an earlier correction is
        # still owed.
        accounts.settle_shortfall(session, account, change.correction_id)
        _issue(session, account)
    session.flush()


def close_accounts(
    session: Session, volunteer_ids: Sequence[UUID], *, erased: bool = False
) -> None:
    """End accounts: unused vouchers are voided, waiting ones cancelled, points go back.

    Minutes stay. Gifts were somebody else's points: unused they return to the pool, and the
    requests to the pool are withdrawn. Repeating it changes nothing; a closed account may still
    become an erased one, and a merged one stays merged.
    """
    locked = accounts.open_and_lock(session, volunteer_ids)
    for volunteer_id in sorted(locked):
        account = locked[volunteer_id]
        if account.volunteer_id == volunteer_id:  # else it was merged: its points are another's
            _close(session, account, erased=erased)


def _close(session: Session, account: Account, *, erased: bool) -> None:
    ended = AccountStatus.ERASED if erased else AccountStatus.CLOSED
    if account.status is AccountStatus.OPEN:
        _leave_everything(session, account, cause_id=account.volunteer_id, silent=erased)
        account.status = ended
    elif account.status is AccountStatus.CLOSED:
        account.status = ended
    session.flush()


def merge_accounts(session: Session, events: Iterable[VolunteerMerged]) -> None:
    """Give everything of each duplicate to the account that stays. Repeating it changes nothing."""
    in_order = sorted(events, key=lambda event: event.volunteer_id)
    people = {i for event in in_order for i in (event.volunteer_id, event.into_id)}
    accounts.open_and_lock(session, people)
    for event in in_order:
        # Looked up again, because the event before may have merged one of the two.
        locked = accounts.lock_accounts(session, [event.volunteer_id, event.into_id])
        duplicate, target = locked[event.volunteer_id], locked[event.into_id]
        if duplicate.volunteer_id == event.volunteer_id and duplicate is not target:
            _merge(session, duplicate, target)


def _merge(session: Session, duplicate: Account, target: Account) -> None:
    old, new = duplicate.volunteer_id, target.volunteer_id
    accounts.merge_points(session, duplicate, target)
    requests.merge_requests(session, old, new)
    session.execute(update(Voucher).where(Voucher.holder_id == old).values(holder_id=new))
    session.execute(update(Backorder).where(Backorder.volunteer_id == old).values(volunteer_id=new))
    if target.status is AccountStatus.OPEN:
        _issue(session, target)
    else:
        erased = target.status is AccountStatus.ERASED
        _leave_everything(session, target, cause_id=old, silent=erased)


def _leave_everything(session: Session, account: Account, *, cause_id: UUID, silent: bool) -> None:
    """Take back all that an account has. It is locked."""
    # Requests first: an allocation that won one just now is then seen with its voucher.
    requests.withdraw_of(session, account.volunteer_id)
    lifecycle.take_back(session, account, needed=None, cause="left", silent=silent)
    handovers.return_gifts(session, account.volunteer_id)
    accounts.forfeit(session, account, cause_id=cause_id)


def choose(
    session: Session,
    volunteer_id: UUID,
    choice: StandingChoice,
    preferred_product_id: UUID | None = None,
) -> Account:
    """Set the standing choice from now on; what is due already is issued at once.

    The preferred product is bought first while it is offered, on request or not; None: no
    preference. Repeating it is harmless. Raises NoSuchProduct.
    """
    if preferred_product_id is not None and session.get(Product, preferred_product_id) is None:
        raise NoSuchProduct(
            f"No product {preferred_product_id}.",
            errors=[{"pointer": "/product_id", "detail": "unknown"}],
        )
    account = accounts.lock_account(session, volunteer_id)
    account.standing_choice, account.preferred_product_id = choice, preferred_product_id
    session.flush()
    _issue(session, account)
    session.refresh(account)
    return account


def issue_reached(session: Session, limit: int = 500) -> bool:
    """After a new issue rule, issue to the next accounts that had the points already.

    Accounts go in the order of ids. Returns whether there is more to look at.
    """
    rule = _rule_to_sweep(session)
    if rule is None:
        return False
    ids = _open_after(session, rule.swept_to, limit)
    locked = accounts.lock_rows(session, ids).values()
    still_open = [account for account in locked if account.status is AccountStatus.OPEN]
    issue.issue_due(session, [balance_of_account(account) for account in still_open])
    rule.swept = len(ids) < limit
    rule.swept_to = ids[-1] if ids else rule.swept_to
    session.flush()
    return True


def continue_issuing(session: Session, limit: int = 10) -> bool:
    """Issue the next portion to the accounts that wait for it longest.

    Returns whether there may be more.
    """
    waiting = select(IssueBacklog.volunteer_id).order_by(IssueBacklog.since).limit(limit)
    ids = session.scalars(waiting).all()
    if not ids:
        return False
    locked = accounts.lock_rows(session, ids)
    session.execute(delete(IssueBacklog).where(IssueBacklog.volunteer_id.in_(ids)))
    # What a merged account had is its target's now, and was issued with the merge.
    still_open = [account for account in locked.values() if account.status is AccountStatus.OPEN]
    issue.issue_due(session, [balance_of_account(account) for account in still_open])
    return True


def _rule_to_sweep(session: Session) -> Rule | None:
    """Lock the oldest issue rule that has begun and was not swept yet; skip one in other hands."""
    has_begun = or_(Rule.effective_from.is_(None), Rule.effective_from <= app_now())
    return session.scalars(
        select(Rule)
        .where(Rule.kind == RuleKind.ISSUE, Rule.swept.is_(False), has_begun)
        .order_by(Rule.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _open_after(session: Session, swept_to: UUID | None, limit: int) -> Sequence[UUID]:
    opened = select(Account.volunteer_id).where(Account.status == AccountStatus.OPEN)
    if swept_to is not None:
        opened = opened.where(Account.volunteer_id > swept_to)
    return session.scalars(opened.order_by(Account.volunteer_id).limit(limit)).all()


def _issue(session: Session, account: Account) -> None:
    if account.status is AccountStatus.OPEN:
        session.refresh(account)
        issue.issue_due(session, [balance_of_account(account)])

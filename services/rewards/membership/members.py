"""What becomes of an account when registration says something about its volunteer."""

from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, earning
from services.rewards.ledger.accounts import balance_of_account
from services.rewards.ledger.earning import Credit
from services.rewards.models import (
    Account,
    AccountStatus,
    Backorder,
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
from shared.contracts.registration import HoursCorrected
from shared.core.clock import app_now


def apply_correction(session: Session, event: HoursCorrected) -> None:
    """Make a correction count once.

    More minutes are credited like hours. For fewer, the newest entitlements and unused vouchers are
    taken back while the points in hand do not cover the loss; what is still missing is carried and
    paid by the next minutes.
    """
    change = earning.take_correction(session, event)
    if change is None or (change.minutes, change.points) == (0, 0):
        return
    if change.minutes > 0:
        credit = Credit(
            change.minutes, change.points, [(change.correction_id, change.points, change.rule)]
        )
        gained = earning.credit_accounts(
            session, {change.volunteer_id: credit}, TransferKind.CORRECTED
        )
        issue.issue_due(session, gained)
        return
    account = accounts.lock_account(session, change.volunteer_id)
    account.minutes_credited += change.minutes
    if account.status is AccountStatus.OPEN and change.points < 0:
        lifecycle.take_back(session, account, needed=-change.points)
        earning.take_points(session, account, -change.points, change)
        # A voided voucher may have brought more than this took, while an earlier correction is
        # still owed.
        accounts.settle_shortfall(session, account, change.correction_id)
        _issue(session, account)
    session.flush()


def close_account(session: Session, volunteer_id: UUID, *, erased: bool = False) -> None:
    """End an account: unused vouchers are voided, waiting ones cancelled, points go back. Minutes
    stay.

    Gifts were somebody else's points: unused they return to the pool, of which whoever left asks
    nothing any more. Repeating it changes nothing; a closed account may still become an erased one.
    """
    accounts.open_accounts(session, [volunteer_id])
    account = session.get_one(Account, volunteer_id, with_for_update=True, populate_existing=True)
    if account.status is AccountStatus.OPEN:
        _leave_everything(session, account, cause_id=volunteer_id, silent=erased)
        account.status = AccountStatus.ERASED if erased else AccountStatus.CLOSED
    elif account.status is AccountStatus.CLOSED and erased:
        account.status = AccountStatus.ERASED
    session.flush()


def merge_account(session: Session, volunteer_id: UUID, into_id: UUID) -> None:
    """Give everything of a duplicate to the account that stays. Repeating it changes nothing."""
    target_id = (
        accounts.lock_account(session, into_id).volunteer_id if into_id < volunteer_id else None
    )
    duplicate = _lock(session, volunteer_id)
    target = accounts.lock_account(session, target_id or into_id)
    if duplicate.status is AccountStatus.MERGED or target.volunteer_id == volunteer_id:
        return
    accounts.merge_points(session, duplicate, target)
    requests.merge_requests(session, volunteer_id, target.volunteer_id)
    for model, column in ((Voucher, Voucher.holder_id), (Backorder, Backorder.volunteer_id)):
        session.execute(
            update(model).where(column == volunteer_id).values({column: target.volunteer_id})
        )
    if target.status is AccountStatus.OPEN:
        _issue(session, target)
    else:
        _leave_everything(
            session, target, cause_id=volunteer_id, silent=target.status is AccountStatus.ERASED
        )


def _leave_everything(session: Session, account: Account, *, cause_id: UUID, silent: bool) -> None:
    """Requests first: an allocation that won one just now is then seen with its voucher. The
    account is locked.
    """
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
    """What shall happen to points from now on; whatever is due already happens at once. Repeating
    it is harmless.

    The preferred product is bought first while it is offered, on request or not; None: no
    preference. Raises NoSuchProduct.
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
    """After a new issue rule: issue to accounts that had the points already, one batch of them, in
    the order of ids.

    Returns whether there is more to look at.
    """
    rule = session.scalars(
        select(Rule)
        .where(
            Rule.kind == RuleKind.ISSUE,
            Rule.swept.is_(False),
            or_(Rule.effective_from.is_(None), Rule.effective_from <= app_now()),
        )
        .order_by(Rule.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if rule is None:
        return False
    accounts = (
        select(Account).where(Account.status == AccountStatus.OPEN).order_by(Account.volunteer_id)
    )
    if rule.swept_to is not None:
        accounts = accounts.where(Account.volunteer_id > rule.swept_to)
    batch = session.scalars(accounts.limit(limit).with_for_update()).all()
    issue.issue_due(session, [balance_of_account(a) for a in batch])
    rule.swept, rule.swept_to = (
        len(batch) < limit,
        batch[-1].volunteer_id if batch else rule.swept_to,
    )
    session.flush()
    return True


def _issue(session: Session, account: Account) -> None:
    if account.status is AccountStatus.OPEN:
        session.refresh(account)
        issue.issue_due(session, [balance_of_account(account)])


def _lock(session: Session, volunteer_id: UUID) -> Account:
    accounts.open_accounts(session, [volunteer_id])
    return session.get_one(Account, volunteer_id, with_for_update=True, populate_existing=True)

"""Points at rest: what a limit, a quota's end or an offer's period lets lie is looked at again on
the next day.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, journal
from services.rewards.ledger.accounts import balance_of_account
from services.rewards.models import (
    Account,
    AccountStatus,
    Backorder,
    BackorderStatus,
    Product,
    Rule,
    RuleKind,
    Sweep,
)
from services.rewards.rule_runs.backfill import is_under_way
from services.rewards.rules.versions import in_force
from services.rewards.vouchers import lifecycle
from shared.core.clock import site_today

POINTS_AT_REST = "points at rest"


def look_again(session: Session) -> bool:
    """Once a day (at the site), let `members.issue_reached` walk all accounts again. Returns
    whether this was the time.

    The newest issue rule in force stands for all: the walk goes by all offers. While rules are
    applied to old records it waits, because that walks all accounts too.
    """
    if is_under_way(session):
        return False
    today: date = session.scalars(select(site_today())).one()
    row = insert(Sweep).values(name=POINTS_AT_REST, day=today, finished=True)
    first = row.on_conflict_do_update(
        index_elements=["name"], set_={"day": row.excluded.day}, where=Sweep.day < row.excluded.day
    )
    if session.scalar(first.returning(Sweep.day)) is None:
        return False
    newest = in_force(RuleKind.ISSUE).order_by(Rule.id.desc()).limit(1).subquery()
    session.execute(
        update(Rule)
        .where(Rule.id == select(newest.c.id).scalar_subquery())
        .values(swept=False, swept_to=None)
        .execution_options(synchronize_session=False)
    )
    return True


def release_ended(session: Session, limit: int = 500) -> int:
    """Give back the points of those who wait for a product that is no longer offered, and spend
    them on what is.

    Returns how many no longer wait; a full batch means there may be more.
    """
    waiting = session.execute(
        select(Backorder.id, Backorder.volunteer_id)
        .join(Product, Product.id == Backorder.product_id)
        .where(Backorder.status == BackorderStatus.WAITING, Product.offered_until < site_today())
        .order_by(Backorder.id)
        .limit(limit)
    ).all()
    if not waiting:
        return 0
    locked = session.scalars(
        select(Account)
        .where(Account.volunteer_id.in_({row.volunteer_id for row in waiting}))
        .order_by(Account.volunteer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    by_id = {account.volunteer_id: account for account in locked}
    won = session.scalars(
        update(Backorder)
        .where(
            Backorder.id.in_([row.id for row in waiting]),
            Backorder.status == BackorderStatus.WAITING,
            Backorder.volunteer_id.in_(by_id),  # one that a merge moved just now is taken next time
        )
        .values(status=BackorderStatus.CANCELLED)
        .returning(Backorder)
        .execution_options(synchronize_session=False)
    ).all()
    for order in sorted(won, key=lambda order: order.id):
        account = by_id[order.volunteer_id]
        lifecycle.release(session, account, order, journal.CLOCK)
        accounts.settle_shortfall(
            session, account, order.id
        )  # what comes back pays what is owed first
    _spend(session, {order.volunteer_id for order in won}, by_id)
    return len(won)


def _spend(session: Session, ids: set[UUID], by_id: dict[UUID, Account]) -> None:
    gained = [by_id[id_] for id_ in sorted(ids) if by_id[id_].status is AccountStatus.OPEN]
    issue.issue_due(session, [balance_of_account(account) for account in gained])

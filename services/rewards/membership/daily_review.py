"""Once a day, retry issuing for accounts whose points were blocked.

A limit, a quota or the period of an offer may have blocked them, and a new day may free them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Row, select, update
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

SWEEP = "points at rest"
"""The name of the sweep's row, kept from earlier versions."""


def start_review(session: Session) -> bool:
    """Once a day (at the site), let `members.issue_reached` sweep all accounts again.

    While rules are applied to old records it waits, because that sweeps all accounts too. Returns
    whether the review was started now.
    """
    if is_under_way(session) or not _is_first_today(session):
        return False
    # The newest issue rule in force stands for all: the sweep issues by all offers.
    newest = in_force(RuleKind.ISSUE).order_by(Rule.id.desc()).limit(1).subquery()
    session.execute(
        update(Rule)
        .where(Rule.id == select(newest.c.id).scalar_subquery())
        .values(swept=False, swept_to=None)
        .execution_options(synchronize_session=False)
    )
    return True


def _is_first_today(session: Session) -> bool:
    """Move the sweep's row to today; of several workers one finds that it did."""
    today: date = session.scalars(select(site_today())).one()
    row = insert(Sweep).values(name=SWEEP, day=today, finished=True)
    moved = row.on_conflict_do_update(
        index_elements=["name"], set_={"day": row.excluded.day}, where=Sweep.day < row.excluded.day
    )
    return session.scalar(moved.returning(Sweep.day)) is not None


def release_ended(session: Session, limit: int = 500) -> int:
    """Give back the points held for a product that is no longer offered, and spend them again.

    Returns how many backorders were cancelled; a full batch means there may be more.
    """
    waiting = _waiting_for_ended(session, limit)
    if not waiting:
        return 0
    locked = accounts.lock_rows(session, [row.volunteer_id for row in waiting])
    cancelled = _cancel(session, [row.id for row in waiting], locked)
    for order in cancelled:
        account = locked[order.volunteer_id]
        lifecycle.release(session, account, [order], journal.CLOCK)
        # Points that come back repay the shortfall first.
        accounts.settle_shortfall(session, account, order.id)
    gained = {order.volunteer_id for order in cancelled}
    _spend(session, [locked[volunteer_id] for volunteer_id in sorted(gained)])
    return len(cancelled)


def _waiting_for_ended(session: Session, limit: int) -> Sequence[Row[UUID, UUID]]:
    return session.execute(
        select(Backorder.id, Backorder.volunteer_id)
        .join(Product, Product.id == Backorder.product_id)
        .where(Backorder.status == BackorderStatus.WAITING, Product.offered_until < site_today())
        .order_by(Backorder.id)
        .limit(limit)
    ).all()


def _cancel(
    session: Session, backorder_ids: Sequence[UUID], locked: Mapping[UUID, Account]
) -> Sequence[Backorder]:
    """Cancel what still waits, in the order of ids; what a merge moved just now is left for the
    next run.
    """
    cancelled = session.scalars(
        update(Backorder)
        .where(
            Backorder.id.in_(backorder_ids),
            Backorder.status == BackorderStatus.WAITING,
            Backorder.volunteer_id.in_(locked),
        )
        .values(status=BackorderStatus.CANCELLED)
        .returning(Backorder)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(cancelled, key=lambda order: order.id)


def _spend(session: Session, gained: Iterable[Account]) -> None:
    still_open = [account for account in gained if account.status is AccountStatus.OPEN]
    issue.issue_due(session, [balance_of_account(account) for account in still_open])

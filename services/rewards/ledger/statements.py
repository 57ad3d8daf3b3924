"""Account statements: what an account held at a moment, and what happened between two days.

Both are summed from the journal, never stored. Moments are by `created_at`, the start of a
transfer's transaction: one that has not committed yet may still appear within the last half minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select, text
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.models import Product, Transfer, TransferKind, Venue
from shared.core.clock import SITE
from shared.core.problems import NotFound

MERGES = (TransferKind.MERGED, TransferKind.MERGED_HELD, TransferKind.MERGED_OWED)


class BalanceNotFound(NotFound):
    """There is no such account, or its balance is not shown here."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a volunteer's three accounts held, in points.

    `owed` is what a correction took beyond the points that were there.
    """

    available: int
    held: int
    owed: int


@dataclass(frozen=True, slots=True)
class Line:
    """A transfer in a statement, and what it changed."""

    transfer: Transfer
    available: int
    held: int
    owed: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account between two days: opening + the changes of all lines = closing."""

    opening: Holdings
    closing: Holdings
    lines: Sequence[Line]
    more: bool  #: there are lines after these


def holdings_at(
    session: Session, volunteer_id: UUID, until: ColumnElement[bool] | None = None
) -> Holdings:
    """Sum what a volunteer held by the journal, all of it or as far as `until`.

    Zeros before the first points.
    """
    sums = select(
        _sum(journal.volunteer(volunteer_id)),
        _sum(journal.held(volunteer_id)),
        -_sum(journal.owed(volunteer_id)),
    )
    mine = sums.where(_booked_for(volunteer_id))
    available, held, owed = session.execute(mine if until is None else mine.where(until)).one()
    return Holdings(int(available), int(held), int(owed))


def holdings_as_of(session: Session, volunteer_id: UUID, at: datetime) -> Holdings:
    """Sum what a volunteer held at a moment, transfers of that very microsecond included."""
    return holdings_at(session, volunteer_id, Transfer.created_at <= at)


def statement(
    session: Session,
    volunteer_id: UUID,
    first: date,
    last: date,
    *,
    after: UUID | None = None,
    limit: int = 50,
) -> Statement:
    """List what happened on an account from the first to the last day at the site, both included.

    Lines are in the order they were written: at most `limit`, those after the transfer `after`.
    """
    start, end = midnight(first), midnight(last + timedelta(days=1))
    within = and_(
        _booked_for(volunteer_id), Transfer.created_at >= start, Transfer.created_at < end
    )
    page = select(Transfer).where(within).order_by(Transfer.id).limit(limit + 1)
    rows = session.scalars(page if after is None else page.where(Transfer.id > after)).all()
    return Statement(
        opening=holdings_at(session, volunteer_id, Transfer.created_at < start),
        closing=holdings_at(session, volunteer_id, Transfer.created_at < end),
        lines=[_line(row, volunteer_id) for row in rows[:limit]],
        more=len(rows) > limit,
    )


def midnight(day: date) -> datetime:
    """Return the moment at which a calendar day begins at the site."""
    return datetime.combine(day, time(), SITE)


def _line(row: Transfer, volunteer_id: UUID) -> Line:
    def change(account: str) -> int:
        return row.amount * ((row.credit_account == account) - (row.debit_account == account))

    return Line(
        row,
        change(journal.volunteer(volunteer_id)),
        change(journal.held(volunteer_id)),
        -change(journal.owed(volunteer_id)),
    )


def _booked_for(volunteer_id: UUID) -> ColumnElement[bool]:
    """Select the transfers of a volunteer.

    A merge is booked under the volunteer who stays; the duplicate's side is found by its cause.
    """
    merged_away = and_(Transfer.kind.in_(MERGES), Transfer.cause_id == volunteer_id)
    return or_(Transfer.volunteer_id == volunteer_id, merged_away)


def _sum(account: str) -> ColumnElement[int]:
    change = case(
        (Transfer.credit_account == account, Transfer.amount),
        (Transfer.debit_account == account, -Transfer.amount),
    )
    return func.coalesce(func.sum(change), 0)


# Word for word the conditions of the two partial indexes, as constants: a parameter could not be
# matched with them.
_CAME = text("kind IN ('redeemed', 'reopened', 'given', 'donated')")
_LEFT = text("kind IN ('reversed', 'settled', 'allocated', 'expired', 'voided')")


def balance_of(session: Session, account: str, at: datetime | None = None) -> int:
    """Sum what a volunteer's, a venue's or the pool's account held at a moment (default: now).

    In points. Raises BalanceNotFound for any other account, and for an unknown owner.
    """
    book, _, name = account.partition(":")
    owner = _uuid_or_none(name)
    if owner is None or not _is_shown(session, book, owner):
        raise BalanceNotFound(f"No balance of {account[:60]}.")
    until = Transfer.created_at <= at if at is not None else literal_column("true")
    if book == "volunteer":
        return holdings_at(session, owner, until).available
    return _sum_of_shared(session, f"{book}:{owner}", until)


def _is_shown(session: Session, book: str, owner: UUID) -> bool:
    """A volunteer without points has the balance 0; venues and products must exist."""
    if book == "venue":
        return session.get(Venue, owner) is not None
    if book == "pool":
        return session.get(Product, owner) is not None
    return book == "volunteer"


def _sum_of_shared(session: Session, account: str, until: ColumnElement[bool]) -> int:
    amount = select(func.coalesce(func.sum(Transfer.amount), 0)).where(until)
    came = session.scalar(amount.where(Transfer.credit_account == account, _CAME))
    left = session.scalar(amount.where(Transfer.debit_account == account, _LEFT))
    return int(came or 0) - int(left or 0)


def _uuid_or_none(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None

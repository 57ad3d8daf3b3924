"""What a venue took in during a month and is owed for: the statement 结算单, from the journal.

A closed month shows what its settlement took; one not yet closed is a preview of what closing now
would take: all of that month, and what earlier months left unsettled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.models import (
    Dispute,
    Product,
    Redemption,
    Settlement,
    SettlementLine,
    Transfer,
    Venue,
    Voucher,
)
from services.rewards.settlement import disputes
from services.rewards.settlement.months import Month
from services.rewards.venues import venues


class MonthState(StrEnum):
    """How far a month is."""

    OPEN = "open"  #: a preview: closing it would settle this
    CLOSED = "closed"  #: agreed and final, unless it is reopened
    CARRIED = (
        "carried"  #: never closed by itself: a later month was, and took over what was unsettled
    )


@dataclass(frozen=True, slots=True)
class ProductTotal:
    """All redemptions of one product."""

    product_id: UUID
    title: str
    redemptions: int
    points: int
    fen: int


@dataclass(frozen=True, slots=True)
class Movement:
    """What the journal of a month says of the venue's account."""

    redeemed: int
    redeemed_points: int
    reversed: int
    reversed_points: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What is owed, and what for."""

    redemptions: int
    carried: int  #: of them from earlier months
    points: int
    fen: int
    disputes_fen: int  #: accepted cases that were, or would be, paid with it
    owed_fen: int  #: both


@dataclass(frozen=True, slots=True)
class VenueMonth:
    """The statement without its lines."""

    venue: Venue
    month: Month
    state: MonthState
    settlement: Settlement | None
    totals: Totals
    products: Sequence[ProductTotal]
    journal: Movement
    disputes: dict[str, int]  #: opened in the month, by status


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One redemption that is settled, or would be."""

    redemption_id: UUID
    voucher_id: UUID
    reference: str
    product_id: UUID
    title: str
    channel: str
    redeemed_at: datetime
    points: int
    fen: int
    carried: bool


def standing(session: Session, venue_id: UUID, month: Month) -> Settlement | None:
    """The settlement that closed a month, if it is closed."""
    return session.scalars(
        select(Settlement).where(
            Settlement.venue_id == venue_id,
            Settlement.month == month.first,
            Settlement.reopened_at.is_(None),
        )
    ).one_or_none()


def newest_closed(session: Session, venue_id: UUID) -> Month | None:
    """The last month of a venue that is closed now."""
    first = session.scalar(
        select(func.max(Settlement.month)).where(
            Settlement.venue_id == venue_id, Settlement.reopened_at.is_(None)
        )
    )
    return Month(first) if first else None


def venue_month(session: Session, venue_id: UUID, month: Month) -> VenueMonth:
    """A venue's statement. Raises VenueNotFound."""
    venue = venues.get_venue(session, venue_id)
    settlement = standing(session, venue_id, month)
    products = _products(session, venue_id, month, settlement)
    carried = (
        session.scalar(
            _of(select(func.count()), venue_id, month, settlement).where(_is_carried(month))
        )
        or 0
    )
    disputes_fen = settlement.disputes_fen if settlement else _to_pay(session, venue_id)
    fen = sum(p.fen for p in products)
    totals = Totals(
        sum(p.redemptions for p in products),
        carried,
        sum(p.points for p in products),
        fen,
        disputes_fen,
        fen + disputes_fen,
    )
    return VenueMonth(
        venue,
        month,
        _state(session, venue_id, month, settlement),
        settlement,
        totals,
        products,
        _movement(session, venue_id, month),
        _disputes(session, venue_id, month),
    )


def statement_lines(
    session: Session, venue_id: UUID, month: Month, after: UUID | None, limit: int
) -> list[StatementLine]:
    """The next lines of a statement, in the order of redemption."""
    wanted = _of(
        select(
            Redemption.id,
            Redemption.voucher_id,
            Redemption.reference,
            Voucher.product_id,
            Voucher.title,
            Redemption.channel,
            Transfer.created_at,
            Transfer.amount,
            Voucher.cost_fen,
            _is_carried(month),
        ),
        venue_id,
        month,
        standing(session, venue_id, month),
    )
    if after is not None:
        wanted = wanted.where(Redemption.id > after)
    return [
        StatementLine(*row) for row in session.execute(wanted.order_by(Redemption.id).limit(limit))
    ]


def _of(chosen: Any, venue_id: UUID, month: Month, settlement: Settlement | None) -> Any:
    """Redemptions of a statement with their vouchers and their entries in the journal."""
    entry = and_(Transfer.kind == literal_column("'redeemed'"), Transfer.cause_id == Redemption.id)
    rows = (
        chosen.select_from(Redemption)
        .join(Transfer, entry)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
    )
    if settlement is not None:
        mine = and_(
            SettlementLine.redemption_id == Redemption.id,
            SettlementLine.settlement_id == settlement.id,
        )
        return rows.join(SettlementLine, mine)
    return rows.where(*unsettled(venue_id, month))


def unsettled(venue_id: UUID, month: Month) -> tuple[ColumnElement[bool], ...]:
    """Redemptions that closing a month would settle: also of earlier months, so that nothing is
    ever lost.
    """
    return (Redemption.venue_id == venue_id, *still_unsettled(month))


def still_unsettled(month: Month) -> tuple[ColumnElement[bool], ...]:
    """Of whatever venue: taken in before a month's end, not reversed, in no settlement."""
    return (
        Redemption.redeemed_at < month.until,
        Redemption.reversed_at.is_(None),
        Redemption.settled_at.is_(None),
    )


def _is_carried(month: Month) -> ColumnElement[bool]:
    return Redemption.redeemed_at < month.since


def _products(
    session: Session, venue_id: UUID, month: Month, settlement: Settlement | None
) -> Sequence[ProductTotal]:
    sums = (func.count(), func.sum(Transfer.amount), func.sum(Voucher.cost_fen))
    rows = session.execute(
        _of(select(Voucher.product_id, Product.title, *sums), venue_id, month, settlement)
        .join(Product, Product.id == Voucher.product_id)
        .group_by(Voucher.product_id, Product.title)
        .order_by(Voucher.product_id)
    )
    return [ProductTotal(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]


def _to_pay(session: Session, venue_id: UUID) -> int:
    owed = select(func.sum(Dispute.amount_fen)).where(
        Dispute.venue_id == venue_id, disputes.to_pay()
    )
    return int(session.scalar(owed) or 0)


def _state(
    session: Session, venue_id: UUID, month: Month, settlement: Settlement | None
) -> MonthState:
    if settlement is not None:
        return MonthState.CLOSED
    newest = newest_closed(session, venue_id)
    return MonthState.CARRIED if newest is not None and newest > month else MonthState.OPEN


def _movement(session: Session, venue_id: UUID, month: Month) -> Movement:
    """Literal kinds, so that the partial indexes are seen to fit."""
    account, found = journal.venue(venue_id), []
    for kind, side in (
        ("'redeemed'", Transfer.credit_account),
        ("'reversed'", Transfer.debit_account),
    ):
        row = session.execute(
            select(func.count(), func.coalesce(func.sum(Transfer.amount), 0)).where(
                Transfer.kind == literal_column(kind),
                side == account,
                Transfer.created_at >= month.since,
                Transfer.created_at < month.until,
            )
        ).one()
        found += [row[0], int(row[1])]
    return Movement(*found)


def _disputes(session: Session, venue_id: UUID, month: Month) -> dict[str, int]:
    rows = session.execute(
        select(Dispute.status, func.count())
        .where(
            Dispute.venue_id == venue_id,
            Dispute.opened_at >= month.since,
            Dispute.opened_at < month.until,
        )
        .group_by(Dispute.status)
    )
    return {row[0].value: row[1] for row in rows}

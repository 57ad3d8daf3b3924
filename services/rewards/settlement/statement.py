"""The settlement statement 结算单: what a venue redeemed in a month and is owed, from the journal.

A closed month shows what its settlement took. A month that is not closed is a preview of what
closing it now would take: all of that month, and what earlier months left unsettled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

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
from shared.db.engine import allow_time

_STATEMENT_SECONDS = 60  #: of a venue with 100,000 redemptions a month


class MonthState(StrEnum):
    """Whether a month is settled."""

    OPEN = "open"  #: a preview: closing it would settle this
    CLOSED = "closed"  #: agreed and final, unless it is reopened
    CARRIED = "carried"  #: never closed itself; a later closed month took what was unsettled


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
    """What the journal moved on the venue's account in the month."""

    redeemed: int
    redeemed_points: int
    reversed: int
    reversed_points: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What is owed, and what for."""

    redemptions: int
    carried: int  #: redemptions among them from earlier months
    points: int
    fen: int
    disputes_fen: int  #: accepted disputes that were, or would be, paid with it
    owed_fen: int  #: both sums


@dataclass(frozen=True, slots=True)
class SettlementStatement:
    """The statement of one venue and month, without its lines."""

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


def standing_settlement(session: Session, venue_id: UUID, month: Month) -> Settlement | None:
    """Return the settlement that closed a month; None while the month is not closed."""
    return session.scalars(
        select(Settlement).where(
            Settlement.venue_id == venue_id,
            Settlement.month == month.first,
            Settlement.reopened_at.is_(None),
        )
    ).one_or_none()


def newest_closed(session: Session, venue_id: UUID) -> Month | None:
    """Return the latest month of a venue that is closed."""
    first = session.scalar(
        select(func.max(Settlement.month)).where(
            Settlement.venue_id == venue_id, Settlement.reopened_at.is_(None)
        )
    )
    return Month(first) if first else None


def make_statement(session: Session, venue_id: UUID, month: Month) -> SettlementStatement:
    """Compute a venue's settlement statement. Raises VenueNotFound."""
    venue = venues.get_venue(session, venue_id)
    allow_time(session, _STATEMENT_SECONDS)
    settlement = standing_settlement(session, venue_id, month)
    products = _product_totals(session, venue_id, month, settlement)
    return SettlementStatement(
        venue=venue,
        month=month,
        state=_state(session, venue_id, month, settlement),
        settlement=settlement,
        totals=_totals(session, venue_id, month, settlement, products),
        products=products,
        journal=_movement(session, venue_id, month),
        disputes=_count_disputes(session, venue_id, month),
    )


def _totals(
    session: Session,
    venue_id: UUID,
    month: Month,
    settlement: Settlement | None,
    products: Sequence[ProductTotal],
) -> Totals:
    fen = sum(product.fen for product in products)
    disputes_fen = settlement.disputes_fen if settlement else _fen_to_pay(session, venue_id)
    return Totals(
        redemptions=sum(product.redemptions for product in products),
        carried=_count_carried(session, venue_id, month, settlement),
        points=sum(product.points for product in products),
        fen=fen,
        disputes_fen=disputes_fen,
        owed_fen=fen + disputes_fen,
    )


def _count_carried(
    session: Session, venue_id: UUID, month: Month, settlement: Settlement | None
) -> int:
    counted = _redemptions_of(select(func.count()), venue_id, month, settlement)
    return session.scalar(counted.where(_is_carried(month))) or 0


def statement_lines(
    session: Session, venue_id: UUID, month: Month, after: UUID | None, limit: int
) -> list[StatementLine]:
    """Return the next lines of a statement, in the order of redemption."""
    columns = select(
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
    )
    settlement = standing_settlement(session, venue_id, month)
    lines = _redemptions_of(columns, venue_id, month, settlement)
    if after is not None:
        lines = lines.where(Redemption.id > after)
    rows = session.execute(lines.order_by(Redemption.id).limit(limit))
    return [StatementLine(*row) for row in rows]


def _redemptions_of(
    columns: Any, venue_id: UUID, month: Month, settlement: Settlement | None
) -> Any:
    """Select from the redemptions of a statement, their vouchers and their journal entries."""
    entry = and_(Transfer.kind == literal_column("'redeemed'"), Transfer.cause_id == Redemption.id)
    rows = (
        columns.select_from(Redemption)
        .join(Transfer, entry)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
    )
    if settlement is None:
        return rows.where(Redemption.venue_id == venue_id, *unsettled(month))
    mine = and_(
        SettlementLine.redemption_id == Redemption.id,
        SettlementLine.settlement_id == settlement.id,
    )
    return rows.join(SettlementLine, mine)


def unsettled(month: Month) -> tuple[ColumnElement[bool], ...]:
    """Conditions: redeemed before the month's end, not reversed, in no settlement.

    Earlier months are included, so that no redemption is ever left out.
    """
    return (
        Redemption.redeemed_at < month.until,
        Redemption.reversed_at.is_(None),
        Redemption.settled_at.is_(None),
    )


def _is_carried(month: Month) -> ColumnElement[bool]:
    return Redemption.redeemed_at < month.since


def _product_totals(
    session: Session, venue_id: UUID, month: Month, settlement: Settlement | None
) -> Sequence[ProductTotal]:
    sums = (func.count(), func.sum(Transfer.amount), func.sum(Voucher.cost_fen))
    columns = select(Voucher.product_id, Product.title, *sums)
    rows = session.execute(
        _redemptions_of(columns, venue_id, month, settlement)
        .join(Product, Product.id == Voucher.product_id)
        .group_by(Voucher.product_id, Product.title)
        .order_by(Voucher.product_id)
    )
    return [ProductTotal(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]


def _fen_to_pay(session: Session, venue_id: UUID) -> int:
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
    redeemed = _moved(session, "'redeemed'", Transfer.credit_account, venue_id, month)
    reversed_ = _moved(session, "'reversed'", Transfer.debit_account, venue_id, month)
    return Movement(*redeemed, *reversed_)


def _moved(
    session: Session, kind: str, side: InstrumentedAttribute[str], venue_id: UUID, month: Month
) -> tuple[int, int]:
    """Count transfers of a kind on one side of the venue's account, and sum their points."""
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(Transfer.amount), 0)).where(
            # As literal text, so that the planner sees that the partial index fits.
            Transfer.kind == literal_column(kind),
            side == journal.venue(venue_id),
            Transfer.created_at >= month.since,
            Transfer.created_at < month.until,
        )
    ).one()
    return row[0], int(row[1])


def _count_disputes(session: Session, venue_id: UUID, month: Month) -> dict[str, int]:
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

"""Products and how many of each may be issued.

Stock, daily quota and monthly budget are never exceeded: one UPDATE checks and takes all three.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, DateTime, Uuid

from services.rewards.models import Product, Stock, Venue, Voucher
from shared.contracts.rewards import BudgetLow, StockLow
from shared.core.ids import new_id
from shared.core.problems import NotFound, Unprocessable, invalid
from shared.db.statements import changed
from shared.messaging.outbox import publish


class ProductNotFound(NotFound):
    """There is no such product."""


class NoSuchVenue(Unprocessable):
    """This venue is not known."""


class StockShort(Exception):
    """Fewer can be issued than were wanted; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which a product is offered.

    Issued vouchers keep the validity and the cost of their day.
    """

    valid_days: int
    cost_fen: int = 0  #: what the centre owes the venue for each redemption, in fen
    daily_quota: int | None = None  #: issued per day at the site, at most
    offered_from: date | None = None  #: first day on which it is issued
    offered_until: date | None = None  #: last day on which it is issued
    blackout_days: Sequence[date] = ()  #: days on which the venue's counter does not take it

    def columns(self) -> Mapping[str, object]:
        """Return the columns to store. Raises Unprocessable when the period is empty."""
        if self.offered_from and self.offered_until and self.offered_until < self.offered_from:
            raise invalid("/offered_until", "The last day is before the first.")
        return asdict(self) | {"blackout_days": sorted(set(self.blackout_days))}


def create_product(
    session: Session, venue_id: UUID, title: str, points: int, stock: int, terms: Terms
) -> Product:
    """Offer something at a venue for points.

    Raises NoSuchVenue, and Unprocessable for an empty period.
    """
    if session.get(Venue, venue_id) is None:
        raise NoSuchVenue(
            f"No venue {venue_id}.", errors=[{"pointer": "/venue_id", "detail": "unknown"}]
        )
    product = Product(id=new_id(), venue_id=venue_id, title=title, points=points, **terms.columns())
    session.add(product)
    session.flush()
    session.add(Stock(product_id=product.id, left=stock, filled=stock))
    session.flush()
    return product


def get_product(session: Session, product_id: UUID) -> tuple[Product, int]:
    """Return a product and how many are left. Raises ProductNotFound."""
    row = session.execute(
        select(Product, Stock.left)
        .join(Stock, Stock.product_id == Product.id)
        .where(Product.id == product_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise ProductNotFound(f"No product {product_id}.")
    return row[0], row[1]


def set_terms(session: Session, product_id: UUID, terms: Terms) -> None:
    """Offer a product on other terms from now on. Repeating it changes nothing.

    Terms that are left out return to their defaults. Issued vouchers keep their cost and expiry;
    the new blackout days count for them too. Raises ProductNotFound, and Unprocessable for an
    empty period.
    """
    updated = session.execute(
        update(Product).where(Product.id == product_id).values(**terms.columns())
    )
    if not changed(updated):
        raise ProductNotFound(f"No product {product_id}.")


def set_stock(session: Session, product_id: UUID, stock: int) -> None:
    """Set how many may be issued from now on. Raises ProductNotFound."""
    updated = session.execute(
        update(Stock).where(Stock.product_id == product_id).values(left=stock, filled=stock)
    )
    if not changed(updated):
        raise ProductNotFound(f"No product {product_id}.")


_TODAY = "(app_now() AT TIME ZONE 'Asia/Shanghai')::date"
_THIS_MONTH = f"date_trunc('month', {_TODAY})::date"
_COUNTED = f"""
    JOIN products p ON p.id = s.product_id
    JOIN venues v ON v.id = p.venue_id
    CROSS JOIN LATERAL (SELECT {_TODAY} AS today, {_THIS_MONTH} AS this_month) AS calendar
    LEFT JOIN LATERAL (
        SELECT CASE WHEN effective_until <= app_now() THEN NULL ELSE points END AS points
        FROM rules
        WHERE kind = 'budget' AND scope = p.id::text
            AND (effective_from IS NULL OR effective_from <= app_now())
        ORDER BY version DESC LIMIT 1
    ) AS budget ON true
"""  # noqa: S608 - constants of this file
_AVAILABLE = """CASE WHEN v.status = 'active'
    AND calendar.today BETWEEN coalesce(p.offered_from, calendar.today)
        AND coalesce(p.offered_until, calendar.today)
THEN greatest(0, least(
    s."left",
    coalesce(
        p.daily_quota - CASE WHEN s.day = calendar.today THEN s.day_count ELSE 0 END, s."left"
    ),
    coalesce(
        (budget.points
            - CASE WHEN s.month = calendar.this_month THEN s.month_points ELSE 0 END) / p.points,
        s."left"
    )
)) ELSE 0 END"""
"""How many of a product can be issued now.

The least of what stock, today's quota and this month's budget leave, while the product is offered
and its venue is active.
"""

_TAKE = text(
    f"""
    UPDATE stocks SET
        "left" = stocks."left" - mine.taken,
        day = mine.today,
        day_count = CASE WHEN stocks.day = mine.today THEN stocks.day_count ELSE 0 END + mine.taken,
        month = mine.this_month,
        month_points = CASE WHEN stocks.month = mine.this_month THEN stocks.month_points ELSE 0 END
            + mine.taken * mine.price
    FROM (
        SELECT s.product_id, s."left" AS before, least({_AVAILABLE}, t.count) AS taken,
            calendar.today, calendar.this_month, p.points AS price, budget.points AS budget
        FROM stocks s
        JOIN unnest(:ids, :counts) AS t (id, count) ON s.product_id = t.id {_COUNTED}
        ORDER BY s.product_id FOR UPDATE OF s
    ) AS mine
    WHERE stocks.product_id = mine.product_id
    RETURNING stocks.product_id, mine.before, stocks."left" AS remaining, stocks.filled,
        mine.taken, mine.budget, stocks.month_points, mine.taken * mine.price AS spent
    """  # noqa: S608 - constants of this file
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("counts", type_=ARRAY(BigInteger())))


def take(session: Session, wanted: Mapping[UUID, int]) -> None:
    """Take all that is wanted, or raise StockShort: the caller's savepoint undoes the rest."""
    if take_what_is_left(session, wanted) != dict(wanted):
        raise StockShort


def take_what_is_left(session: Session, wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take as many as stock, quota and budget allow, and return how many of each.

    Warns once when a tenth of the stock or of the budget is left.
    """
    ids = sorted(wanted)
    rows = session.execute(_TAKE, {"ids": ids, "counts": [wanted[i] for i in ids]}).all()
    low_stock = {row.product_id: row.remaining for row in rows if _stock_runs_low(row)}
    low_budget = {
        row.product_id: row.budget - row.month_points for row in rows if _budget_runs_low(row)
    }
    if low_stock or low_budget:
        _warn(session, low_stock, low_budget)
    return {row.product_id: row.taken for row in rows}


def _stock_runs_low(row: Row[Any]) -> bool:
    """Whether this statement crossed nine tenths of the stock."""
    return bool(row.remaining * 10 <= row.filled < row.before * 10)


def _budget_runs_low(row: Row[Any]) -> bool:
    """Whether this statement crossed nine tenths of the month's budget."""
    if row.budget is None:
        return False
    return bool((row.month_points - row.spent) * 10 < row.budget * 9 <= row.month_points * 10)


def _warn(session: Session, low_stock: Mapping[UUID, int], low_budget: Mapping[UUID, int]) -> None:
    ids = [*low_stock, *low_budget]
    products = session.scalars(select(Product).where(Product.id.in_(ids))).all()
    stock_events = [
        StockLow(product_id=one.id, venue_id=one.venue_id, title=one.title, left=low_stock[one.id])
        for one in products
        if one.id in low_stock
    ]
    budget_events = [
        BudgetLow(
            product_id=one.id,
            venue_id=one.venue_id,
            title=one.title,
            points_left=max(0, low_budget[one.id]),
        )
        for one in products
        if one.id in low_budget
    ]
    publish(session, *stock_events, *budget_events)


def available_now(session: Session, product_id: UUID) -> int:
    """Count how many can be issued now. It may be outdated at once: `take` decides."""
    found = session.scalar(_AVAILABLE_NOW, {"product_id": product_id})
    return int(found or 0)


_AVAILABLE_NOW = text(
    f"SELECT {_AVAILABLE} FROM stocks s {_COUNTED} WHERE s.product_id = :product_id"  # noqa: S608 - ours
).bindparams(bindparam("product_id", type_=Uuid()))


_GIVE_BACK = text(
    """
    WITH locked AS (
        SELECT product_id, month FROM stocks WHERE product_id = ANY(:ids)
        ORDER BY product_id FOR UPDATE
    ), back AS (
        SELECT product_id, count(*) AS count, coalesce(sum(points) FILTER (
            WHERE date_trunc('month', issued_at AT TIME ZONE 'Asia/Shanghai')::date = month
        ), 0) AS points
        FROM locked
        JOIN unnest(:ids, :points, :issued) AS t (product_id, points, issued_at) USING (product_id)
        GROUP BY product_id
    )
    UPDATE stocks SET "left" = stocks."left" + back.count,
        month_points = greatest(0, stocks.month_points - back.points)
    FROM back WHERE stocks.product_id = back.product_id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("points", type_=ARRAY(BigInteger())),
    bindparam("issued", type_=ARRAY(DateTime(timezone=True))),
)


def give_back(session: Session, vouchers: Sequence[Voucher]) -> None:
    """Return unused vouchers to the stock, in one statement.

    Their points return to the budget of the month in which they were issued, if that is the one
    counted.
    """
    columns = {
        "ids": [voucher.product_id for voucher in vouchers],
        "points": [voucher.points for voucher in vouchers],
        "issued": [voucher.issued_at for voucher in vouchers],
    }
    session.execute(_GIVE_BACK, columns)


def products_waited_for(session: Session) -> Sequence[UUID]:
    """Return products with backorders of which some could be issued now."""
    return list(session.scalars(_WAITED_FOR))


_WAITED_FOR = text(
    f"""
    SELECT s.product_id FROM stocks s {_COUNTED}
    WHERE {_AVAILABLE} > 0 AND s."left" > 0
        AND EXISTS (
            SELECT FROM backorders b WHERE b.product_id = s.product_id AND b.status = 'waiting'
        )
    ORDER BY 1
    """  # noqa: S608 - constants of this file
).columns(product_id=Uuid())

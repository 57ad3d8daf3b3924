"""Products and their stock: never oversold, because a CHECK and one UPDATE say so."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import bindparam, exists, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Uuid

from services.rewards.models import Backorder, BackorderStatus, Product, Stock, Venue
from shared.contracts.rewards import StockLow
from shared.ids import new_id
from shared.outbox import publish
from shared.problems import NotFound, Unprocessable


class ProductNotFound(NotFound):
    """There is no such product."""


class NoSuchVenue(Unprocessable):
    """This venue is not known."""


class StockShort(Exception):
    """Fewer are left than were wanted; nothing was taken."""


def create_product(session: Session, venue_id: UUID, title: str, points: int, stock: int, valid_days: int) -> Product:
    """Offer something at a venue for points. Raises NoSuchVenue."""
    if session.get(Venue, venue_id) is None:
        raise NoSuchVenue(f"No venue {venue_id}.", errors=[{"pointer": "/venue_id", "detail": "unknown"}])
    product = Product(id=new_id(), venue_id=venue_id, title=title, points=points, valid_days=valid_days)
    session.add(product)
    session.flush()
    session.add(Stock(product_id=product.id, left=stock, filled=stock))
    session.flush()
    return product


def set_stock(session: Session, product_id: UUID, stock: int) -> None:
    """Say how many may be given out from now on. Repeating it sets the same number again. Raises ProductNotFound."""
    row = session.execute(
        update(Stock).where(Stock.product_id == product_id).values(left=stock, filled=stock).returning(Stock.left)
    ).one_or_none()
    if row is None:
        raise ProductNotFound(f"No product {product_id}.")


_TAKE = text(
    """
    UPDATE stocks SET "left" = stocks."left" - least(stocks."left", mine.count)
    FROM (SELECT s.product_id, s."left" AS before, t.count
          FROM stocks s JOIN unnest(:ids, :counts) AS t (id, count) ON s.product_id = t.id
          ORDER BY s.product_id FOR UPDATE OF s) AS mine
    WHERE stocks.product_id = mine.product_id
    RETURNING stocks.product_id, mine.before, stocks."left" AS remaining, stocks.filled
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("counts", type_=ARRAY(BigInteger())))


def take(session: Session, wanted: Mapping[UUID, int]) -> None:
    """Take all that is wanted, or raise StockShort: the caller's savepoint undoes the rest."""
    if take_what_is_left(session, wanted) != dict(wanted):
        raise StockShort


def take_what_is_left(session: Session, wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take as many as there are, up to what is wanted, and say how many of each. Warns once when a tenth is left."""
    ids = sorted(wanted)
    rows = session.execute(_TAKE, {"ids": ids, "counts": [wanted[i] for i in ids]}).all()
    low = [row.product_id for row in rows if row.remaining * 10 <= row.filled < row.before * 10]
    if low:
        _warn(session, {row.product_id: row.remaining for row in rows if row.product_id in low})
    return {row.product_id: row.before - row.remaining for row in rows}


def give_back(session: Session, product_id: UUID) -> None:
    """One voucher that will not be used can be given out again."""
    session.execute(update(Stock).where(Stock.product_id == product_id).values(left=Stock.left + 1))


def _warn(session: Session, low: Mapping[UUID, int]) -> None:
    found: Sequence[Product] = session.scalars(select(Product).where(Product.id.in_(low))).all()
    publish(
        session,
        *(StockLow(product_id=p.id, venue_id=p.venue_id, title=p.title, left=low[p.id]) for p in found),
    )


def products_waited_for(session: Session) -> Sequence[UUID]:
    """Products that somebody waits for although there is stock."""
    waiting = exists().where(Backorder.product_id == Stock.product_id, Backorder.status == BackorderStatus.WAITING)
    return session.scalars(select(Stock.product_id).where(Stock.left > 0, waiting).order_by(Stock.product_id)).all()

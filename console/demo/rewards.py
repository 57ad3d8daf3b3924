"""The demo's venues, products and rules: a minute is a point, 120 points are a film."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.demo import district
from services.rewards.models import Product, Stock, Venue
from services.rewards.rules.kinds import EarnRule, IssueRule
from services.rewards.rules.versions import create_rule

SEED = "staff:seed"
STOCK = 1000


def seed(session: Session) -> Iterable[str]:
    """Fill an empty service; do nothing where there is a venue already."""
    if session.scalar(select(Venue.id).limit(1)) is not None:
        return
    _seed_venues(session)
    _seed_products(session)
    create_rule(session, EarnRule(minutes=1, points=1), by=SEED)
    create_rule(session, IssueRule(product_id=district.FILM_ID), by=SEED)
    yield f"{district.CINEMA_NAME}: a film for 120 points, issued automatically"
    yield f"{district.POOL_NAME}: a swim for 90 points"


def _seed_venues(session: Session) -> None:
    session.add(Venue(id=district.CINEMA_ID, name=district.CINEMA_NAME, kind="cinema"))
    session.add(Venue(id=district.POOL_ID, name=district.POOL_NAME, kind="pool"))
    session.flush()


def _seed_products(session: Session) -> None:
    film = Product(
        id=district.FILM_ID,
        venue_id=district.CINEMA_ID,
        title="电影票一张",
        points=120,
        valid_days=90,
    )
    swim = Product(
        id=district.SWIM_ID, venue_id=district.POOL_ID, title="游泳一次", points=90, valid_days=90
    )
    session.add_all([film, swim])
    session.flush()
    session.add_all(
        [Stock(product_id=product.id, left=STOCK, filled=STOCK) for product in (film, swim)]
    )

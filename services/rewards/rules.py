"""Rules as versioned data: which one counts for a piece of work, and which vouchers points turn into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.rewards.models import Backorder, BackorderStatus, Product, Rule, RuleKind, Stock, Venue, VenueStatus
from shared.clock import SITE, app_now, site_today
from shared.ids import new_id
from shared.problems import Unprocessable


class NoSuchProduct(Unprocessable):
    """This product is not known."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What an earn rule gives: `points` per `minutes`, rounded down per record."""

    rule_id: UUID | None
    version: int | None
    minutes: int
    points: int

    def of(self, minutes: int) -> int:
        return minutes * self.points // self.minutes


NO_RATE = Rate(None, None, 1, 0)
"""Where no rule applies, hours earn nothing."""


class EarnRules:
    """All earn rules. The newest in force on the day counts, a category's before the general one; never a sum."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_scope: dict[str, list[tuple[date | None, Rate]]] = {}
        for rule in rules:
            since = rule.effective_from and rule.effective_from.astimezone(SITE).date()
            rate = Rate(rule.id, rule.version, rule.minutes or 1, rule.points or 0)
            self._by_scope.setdefault(rule.scope, []).append((since, rate))

    def rate(self, category: str, worked_on: date) -> Rate:
        for scope in (category, ""):
            for since, rate in self._by_scope.get(scope, ()):
                if since is None or since <= worked_on:
                    return rate
        return NO_RATE


def earn_rules(session: Session) -> EarnRules:
    return EarnRules(
        session.scalars(select(Rule).where(Rule.kind == RuleKind.EARN).order_by(Rule.version.desc())).all()
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """An issue rule in force with what its product needs: price, validity, and roughly how many are left."""

    rule_id: UUID | None
    version: int | None
    automatic: bool  #: issued when the points are there; otherwise only on request, or to whoever chose this product
    product_id: UUID
    venue_id: UUID
    title: str
    points: int
    valid_days: int
    cost_fen: int
    left: int
    queued: bool  #: others wait for this product already: whoever comes now waits behind them


def offers(session: Session) -> list[Offer]:
    """The newest issue rule in force of each product that is offered today, by venues that take part.

    The order of the products' ids, which is their age, decides what points are spent on first.
    """
    waiting = exists().where(Backorder.product_id == Product.id, Backorder.status == BackorderStatus.WAITING)
    today = site_today()
    newest = (
        select(Rule.id, Rule.version, Rule.automatic, Rule.product_id, Rule.effective_until)
        .where(Rule.kind == RuleKind.ISSUE, or_(Rule.effective_from.is_(None), Rule.effective_from <= app_now()))
        .ext(distinct_on(Rule.product_id))
        .order_by(Rule.product_id, Rule.version.desc())
        .subquery()
    )
    rows = session.execute(
        select(newest.c.id, newest.c.version, newest.c.automatic, Product.id, Product.venue_id, Product.title,
               Product.points, Product.valid_days, Product.cost_fen, Stock.left, waiting)
        .join(Product, Product.id == newest.c.product_id)
        .join(Stock, Stock.product_id == Product.id)
        .join(Venue, Venue.id == Product.venue_id)
        .where(
            or_(newest.c.effective_until.is_(None), newest.c.effective_until > app_now()),
            func.coalesce(Product.offered_from, today) <= today,
            func.coalesce(Product.offered_until, today) >= today,
            Venue.status == VenueStatus.ACTIVE,
            Venue.sandbox.is_(False),
        )
        .order_by(Product.id)
    )  # fmt: skip
    return [Offer(*row) for row in rows]


def create_rule(
    session: Session,
    kind: RuleKind,
    *,
    minutes: int | None = None,
    points: int | None = None,
    category: str | None = None,
    product_id: UUID | None = None,
    effective_from: datetime | None = None,
    by: str,
) -> Rule:
    """Add the next version of a rule. What was credited keeps the version it was credited by.

    Raises NoSuchProduct.
    """
    if product_id is not None and session.get(Product, product_id) is None:
        raise NoSuchProduct(f"No product {product_id}.", errors=[{"pointer": "/product_id", "detail": "unknown"}])
    scope = str(product_id) if product_id else category or ""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"rewards.rules {kind} {scope}"))))
    newest = session.scalar(select(func.max(Rule.version)).where(Rule.kind == kind, Rule.scope == scope))
    rule = Rule(id=new_id(), kind=kind, scope=scope, version=(newest or 0) + 1, minutes=minutes, points=points,
                category=category, product_id=product_id, effective_from=effective_from,
                swept=kind is not RuleKind.ISSUE, created_by=by)  # fmt: skip
    session.add(rule)
    session.flush()
    return rule

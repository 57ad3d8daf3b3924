"""Rules as versioned data: which one counts for a piece of work, and what points can buy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    cast,
    column,
    exists,
    func,
    or_,
    select,
    values,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.rewards.models import (
    Backorder,
    BackorderStatus,
    Product,
    Rule,
    RuleKind,
    Stock,
    Venue,
    VenueStatus,
)
from services.rewards.rules.kinds import AnyRule
from shared.core.clock import SITE, app_now, site_today
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable


class NoSuchProduct(Unprocessable):
    """This product is not known."""


class RuleNotFound(NotFound):
    """There is no such rule."""


class RuleReplaced(Conflict):
    """A newer version has replaced this rule."""


@dataclass(frozen=True, slots=True)
class RuleRef:
    """One version of a rule, as vouchers and transfers name it."""

    id: UUID | None = None
    version: int | None = None


NO_RULE = RuleRef()
"""No rule decided this."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What an earn rule gives: `points` per `minutes`, rounded down per record."""

    rule: RuleRef
    minutes: int
    points: int

    def of(self, minutes: int) -> int:
        return minutes * self.points // self.minutes


NO_RATE = Rate(NO_RULE, minutes=1, points=0)
"""Where no rule applies, hours earn nothing."""


class EarnRules:
    """All earn rules and coefficients.

    Within each scope the newest version in force on the day counts, never a sum. A category's own
    earn rule goes before the general one, and before the category's coefficient on it. Days are
    days at the site: a rule counts from the day of `effective_from` and no longer on that of
    `effective_until`.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_scope: dict[tuple[RuleKind, str], list[_RuleDays]] = {}
        for rule in sorted(rules, key=lambda rule: -rule.version):
            since, until = _site_day(rule.effective_from), _site_day(rule.effective_until)
            versions = self._by_scope.setdefault((rule.kind, rule.scope), [])
            versions.append(_RuleDays(since, until, rule))

    def rate(self, category: str | None, worked_on: date) -> Rate:
        """Find what work of a category on a day earns; without a category by the general rule."""
        if category:
            own = self._in_force(RuleKind.EARN, category, worked_on)
            if own is not None:
                return _rate_of(own)
        general = self._in_force(RuleKind.EARN, "", worked_on)
        if general is None:
            return NO_RATE
        coefficient = (
            self._in_force(RuleKind.COEFFICIENT, category, worked_on) if category else None
        )
        return _rate_of(general) if coefficient is None else _share_of(general, coefficient)

    def _in_force(self, kind: RuleKind, scope: str, worked_on: date) -> Rule | None:
        for version in self._by_scope.get((kind, scope), ()):
            if version.since is None or version.since <= worked_on:
                has_ended = version.until is not None and version.until <= worked_on
                return None if has_ended else version.rule
        return None


@dataclass(frozen=True, slots=True)
class _RuleDays:
    """A rule, with its first day at the site and the day on which it no longer counts."""

    since: date | None
    until: date | None
    rule: Rule


def _rate_of(rule: Rule) -> Rate:
    return Rate(RuleRef(rule.id, rule.version), rule.minutes or 1, rule.points or 0)


def _share_of(general: Rule, coefficient: Rule) -> Rate:
    """Multiply out instead of taking per cent of rounded points: it is rounded once."""
    reference = RuleRef(coefficient.id, coefficient.version)
    rate, percent = _rate_of(general), coefficient.percent or 0
    return Rate(reference, rate.minutes * 100, rate.points * percent)


def _site_day(moment: datetime | None) -> date | None:
    return moment.astimezone(SITE).date() if moment else None


def earn_rules(session: Session, proposed: Sequence[Rule] = ()) -> EarnRules:
    """Read all earn rules, and add those only `proposed`."""
    kept = session.scalars(select(Rule).where(Rule.kind.in_(EARNING))).all()
    return EarnRules([*kept, *(rule for rule in proposed if rule.kind in EARNING)])


EARNING = (RuleKind.EARN, RuleKind.COEFFICIENT)


def in_force(kind: RuleKind | None = None) -> Select[Rule]:
    """Select the newest version that has begun of each scope, unless it has ended.

    An older version does not come back.
    """
    newest = (
        select(Rule.id)
        .where(_begun(), *([Rule.kind == kind] if kind else []))
        .ext(distinct_on(Rule.kind, Rule.scope))
        .order_by(Rule.kind, Rule.scope, Rule.version.desc())
    )
    return select(Rule).where(Rule.id.in_(newest), _goes_on(Rule.effective_until))


def _begun() -> ColumnElement[bool]:
    return or_(Rule.effective_from.is_(None), Rule.effective_from <= app_now())


def _goes_on(until: Any) -> ColumnElement[bool]:
    return or_(until.is_(None), until > app_now())


def rules_in_force(session: Session, kind: RuleKind, proposed: Sequence[Rule] = ()) -> list[Rule]:
    """Read those of a kind, in the order of their scopes; `proposed` ones replace stored ones."""
    newest = {rule.scope: rule for rule in session.scalars(in_force(kind))}
    if proposed:
        moment = session.scalars(select(app_now())).one()
        begun = [rule for rule in proposed if rule.kind is kind and _has_begun(rule, moment)]
        newest |= {rule.scope: rule for rule in begun}
        newest = {scope: rule for scope, rule in newest.items() if not _has_ended(rule, moment)}
    return [newest[scope] for scope in sorted(newest)]


def _has_begun(rule: Rule, moment: datetime) -> bool:
    return rule.effective_from is None or rule.effective_from <= moment


def _has_ended(rule: Rule, moment: datetime) -> bool:
    return rule.effective_until is not None and rule.effective_until <= moment


@dataclass(frozen=True, slots=True)
class Offer:
    """An issue rule in force, with price, validity and rough stock of its product."""

    rule_id: UUID | None
    version: int | None
    automatic: bool  #: issued when the points are there; else on request, or where preferred
    product_id: UUID
    venue_id: UUID
    title: str
    points: int
    valid_days: int
    cost_fen: int
    left: int
    queued: bool  #: others wait for this product already: newcomers wait behind them

    @property
    def rule(self) -> RuleRef:
        return RuleRef(self.rule_id, self.version)


def offers(session: Session, rules: Sequence[Rule] | None = None) -> list[Offer]:
    """Read what the issue rules in force (or `rules` instead) offer today, at active venues.

    The order of the products' ids, which is their age, decides what points are spent on first.
    """
    if rules is not None and not rules:
        return []
    issue = _in_force_by_product() if rules is None else _as_rows(rules)
    rows = session.execute(
        select(issue.c.id, issue.c.version, issue.c.automatic, *_OF_PRODUCT, Stock.left, _queued())
        .join(Product, Product.id == issue.c.product_id)
        .join(Stock, Stock.product_id == Product.id)
        .join(Venue, Venue.id == Product.venue_id)
        .where(_goes_on(issue.c.effective_until), _offered_today(), _at_active_venue())
        .order_by(Product.id)
    )
    return [Offer(*row) for row in rows]


_OF_PRODUCT = (
    Product.id,
    Product.venue_id,
    Product.title,
    Product.points,
    Product.valid_days,
    Product.cost_fen,
)


def _queued() -> ColumnElement[bool]:
    return exists().where(
        Backorder.product_id == Product.id, Backorder.status == BackorderStatus.WAITING
    )


def _offered_today() -> ColumnElement[bool]:
    today = site_today()
    return and_(
        func.coalesce(Product.offered_from, today) <= today,
        func.coalesce(Product.offered_until, today) >= today,
    )


def _at_active_venue() -> ColumnElement[bool]:
    return and_(Venue.status == VenueStatus.ACTIVE, Venue.sandbox.is_(False))


_OF_OFFER = (Rule.id, Rule.version, Rule.automatic, Rule.product_id, Rule.effective_until)


def _in_force_by_product() -> FromClause:
    return (
        select(*_OF_OFFER)
        .where(Rule.kind == RuleKind.ISSUE, _begun())
        .ext(distinct_on(Rule.product_id))
        .order_by(Rule.product_id, Rule.version.desc())
        .subquery()
    )


def _as_rows(rules: Sequence[Rule]) -> FromClause:
    rows = [tuple(cast(getattr(rule, c.key), c.type) for c in _OF_OFFER) for rule in rules]
    return values(*(column(c.key, c.type) for c in _OF_OFFER), name="proposed").data(rows)


def create_rule(session: Session, rule: AnyRule, *, by: str, swept: bool = False) -> Rule:
    """Add the next version of a rule. What was credited keeps the version it was credited by.

    A new issue rule is soon applied to everybody who has the points already, unless it is `swept`.
    An expire rule is never retroactive by accident: without `effective_from` it holds for points
    that come from now on. Raises NoSuchProduct.
    """
    return _add_version(session, draft_rule(session, rule), by=by, swept=swept)


def draft_rule(session: Session, rule: AnyRule) -> Rule:
    """Make a rule's row as it would be, without keeping it: for dry runs. Raises NoSuchProduct."""
    row = Rule(id=new_id(), scope=rule.scope, **{"automatic": True} | rule.model_dump())
    if row.product_id is not None:
        _refuse_what_is_not_issued(session, row.product_id)
    row.version = _newest_version(session, row) + 1
    return row


def _add_version(session: Session, row: Rule, *, by: str, swept: bool) -> Rule:
    _lock_versions(session, row)
    row.version = _newest_version(session, row) + 1
    row.swept, row.created_by = swept or row.kind is not RuleKind.ISSUE, by
    if row.kind is RuleKind.EXPIRE and row.effective_from is None:
        row.effective_from = session.scalars(select(app_now())).one()
    session.add(row)
    session.flush()
    return row


def _lock_versions(session: Session, rule: Rule) -> None:
    """Let one transaction at a time number the versions of a rule."""
    name = f"rewards.rules {rule.kind} {rule.scope}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def _refuse_what_is_not_issued(session: Session, product_id: UUID) -> None:
    sandbox = session.scalar(
        select(Venue.sandbox)
        .join(Product, Product.venue_id == Venue.id)
        .where(Product.id == product_id)
    )
    if sandbox is not False:
        reason = "unknown" if sandbox is None else "of a venue to practise with"
        raise NoSuchProduct(
            f"No product {product_id}.", errors=[{"pointer": "/product_id", "detail": reason}]
        )


def _newest_version(session: Session, rule: Rule) -> int:
    newest = select(func.max(Rule.version)).where(Rule.kind == rule.kind, Rule.scope == rule.scope)
    return session.scalar(newest) or 0


def end_rule(session: Session, rule_id: UUID, at: datetime | None, by: str) -> Rule:
    """Let a rule count until a moment (now if none is given), and return the version that says so.

    That is a new version of the rule with an end. An earn rule no longer counts for work on the day
    (at the site) of that moment. Repeating it changes nothing; an end may be moved forward, never
    back. Raises RuleNotFound, and RuleReplaced when a newer version counts.
    """
    rule = session.get(Rule, rule_id)
    if rule is None:
        raise RuleNotFound(f"No rule {rule_id}.")
    _lock_versions(session, rule)
    newest = _newest_of(session, rule)
    _refuse_replaced(rule, newest)
    until = at or session.scalars(select(app_now())).one()
    ends_before = newest.effective_until is not None and newest.effective_until <= until
    if ends_before or (at is None and newest.effective_until is not None):
        return newest
    ended = Rule(
        id=new_id(), kind=rule.kind, scope=rule.scope, effective_until=until, **_content(rule)
    )
    return _add_version(session, ended, by=by, swept=True)


def _newest_of(session: Session, rule: Rule) -> Rule:
    return session.scalars(
        select(Rule)
        .where(Rule.kind == rule.kind, Rule.scope == rule.scope)
        .order_by(Rule.version.desc())
        .limit(1)
    ).one()


def _refuse_replaced(rule: Rule, newest: Rule) -> None:
    """A newer version that only ends a rule does not replace it."""
    if newest.id == rule.id:
        return
    if newest.effective_until is None or _content(newest) != _content(rule):
        raise RuleReplaced(
            f"Rule {rule.id} was replaced by version {newest.version}.", rule_id=str(newest.id)
        )


_CONTENT = (
    "minutes",
    "points",
    "category",
    "percent",
    "days",
    "count",
    "period",
    "automatic",
    "product_id",
    "effective_from",
)


def _content(rule: Rule) -> Mapping[str, object]:
    """Return the columns that say what a rule gives, but for its end."""
    return {name: getattr(rule, name) for name in _CONTENT}

"""What proposed rules would give, replayed over recorded history. Reads only.

It goes in the order in which rules are applied (`backfill.py`), and the same functions decide what
one record gains and what one account buys, so that the numbers are the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import Date

from services.rewards.issuing.issue import spent_on
from services.rewards.ledger.accounts import Balance
from services.rewards.models import (
    CountedProduct,
    CountedVenue,
    Product,
    Rule,
    RuleGain,
    RuleKind,
    StandingChoice,
    Stock,
)
from services.rewards.rules.kinds import AnyRule
from services.rewards.rules.limits import Room, room_for
from services.rewards.rules.versions import (
    EarnRules,
    Offer,
    Rate,
    draft_rule,
    earn_rules,
    offers,
    rules_in_force,
)
from shared.core.clock import site_today
from shared.core.problems import Unprocessable
from shared.db.engine import allow_time

MOST_RECORDS = 500_000
ACCOUNTS_AT_ONCE = 1000
_DRY_RUN_SECONDS = 60


class TooMuchHistory(Unprocessable):
    """These are too many records for one dry run. Choose a later first day."""


def gain_of(rules: EarnRules, record: Any) -> tuple[int, Rate]:
    """Count the points that a credited record gains by these rules, and return the rate.

    Nobody loses points.
    """
    rate = rules.rate(record.category, record.worked_on)
    return max(0, rate.of(record.minutes_credited) - record.points_credited), rate


@dataclass(slots=True)
class Summary:
    """What rules give in all."""

    accounts: int = 0  #: that gain points, or an entitlement
    points: int = 0
    #: per product: issued, waiting for stock, donated to the pool
    products: dict[UUID, Counter[str]] = field(default_factory=dict)
    #: per venue: count, points and fen of the vouchers there
    venues: dict[UUID, Counter[str]] = field(default_factory=dict)

    def add_vouchers(self, product_id: UUID, kind: str, count: int) -> None:
        self.products.setdefault(product_id, Counter())[kind] += count

    def add_cost(self, venue_id: UUID, count: int, points: int, fen: int) -> None:
        self.venues.setdefault(venue_id, Counter()).update(count=count, points=points, fen=fen)

    def vouchers(self) -> int:
        return sum(counted["issued"] + counted["donated"] for counted in self.products.values())

    def as_json(self) -> RuleGain:
        return {
            "accounts": self.accounts,
            "points": self.points,
            "products": products_json(self.products),
            "venues": _venues_json(self.venues),
        }

    @classmethod
    def from_json(cls, stored: RuleGain) -> "Summary":
        """Read what `as_json` wrote; `{}` is an empty summary."""
        summary = cls(stored.get("accounts", 0), stored.get("points", 0))
        for gain in stored.get("products", []):
            for kind in ("issued", "waiting", "donated"):
                summary.add_vouchers(UUID(gain["product_id"]), kind, gain[kind])
        for cost in stored.get("venues", []):
            venue_id = UUID(cost["venue_id"])
            summary.add_cost(venue_id, cost["count"], cost["points"], cost["fen"])
        return summary


def products_json(products: Mapping[UUID, Counter[str]]) -> list[CountedProduct]:
    """Write counted vouchers as JSON, in the order of product ids."""
    return [
        CountedProduct(
            product_id=str(product_id),
            issued=counted["issued"],
            waiting=counted["waiting"],
            donated=counted["donated"],
        )
        for product_id, counted in sorted(products.items())
    ]


def _venues_json(venues: Mapping[UUID, Counter[str]]) -> list[CountedVenue]:
    return [
        CountedVenue(
            venue_id=str(venue_id),
            count=cost["count"],
            points=cost["points"],
            fen=cost["fen"],
        )
        for venue_id, cost in sorted(venues.items())
    ]


@dataclass(slots=True)
class Gainer:
    """What one account would gain."""

    volunteer_id: UUID
    points: int
    products: dict[UUID, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Supply:
    """How many of each product can be issued: the least of what stock, quota and budget leave."""

    left: dict[UUID, int]

    def hand_out(self, offer: Offer, count: int, *, donated: bool) -> Counter[str]:
        """Hand out as `issue.buy` does.

        Where none is left, people wait; points meant for the pool stay in the account.
        """
        given = 0 if offer.queued else min(count, self.left[offer.product_id])
        self.left[offer.product_id] -= given
        return Counter(donated=given) if donated else Counter(issued=given, waiting=count - given)


def propose(session: Session, rules: Iterable[AnyRule]) -> list[Rule]:
    """Make the rows of rules as they would be, the later ones newer. Raises NoSuchProduct."""
    drafts = [draft_rule(session, rule) for rule in rules]
    for number, draft in enumerate(drafts):
        draft.version += number
    return drafts


def dry_run(
    session: Session,
    proposed: Sequence[Rule],
    since: date,
    after: UUID | None = None,
    limit: int = 50,
) -> tuple[Summary, list[Gainer]]:
    """Sum what these rules would give for work since a day, and list up to `limit` gainers.

    They come in the order of ids. Give it a transaction of its own: it reads for seconds. Raises
    TooMuchHistory.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    allow_time(session, _DRY_RUN_SECONDS)
    _refuse_too_much(session, since)
    summary = Summary()
    listed: list[Gainer] = []
    for gainer in _gainers(session, proposed, since, summary):
        summary.accounts += 1
        summary.points += gainer.points
        if len(listed) < limit and (after is None or gainer.volunteer_id > after):
            listed.append(gainer)
    return summary, listed


def _gainers(
    session: Session, proposed: Sequence[Rule], since: date, summary: Summary
) -> Iterator[Gainer]:
    """Yield all who gain, in the order of ids, and add what they buy to the summary."""
    available = offers(session, rules_in_force(session, RuleKind.ISSUE, proposed))
    supply = Supply(_left(session, proposed))
    accounts = _accounts(session, earn_rules(session, proposed), since, available)
    while chunk := list(islice(accounts, ACCOUNTS_AT_ONCE)):
        room = room_for(session, [balance.volunteer_id for balance, _ in chunk], proposed)
        for balance, gain in chunk:
            bought = _bought(balance, available, room, supply, summary)
            if gain or bought:
                yield Gainer(balance.volunteer_id, gain, bought)


def _refuse_too_much(session: Session, since: date) -> None:
    records = session.scalar(_COUNT, {"since": since, "most": MOST_RECORDS + 1}) or 0
    if records > MOST_RECORDS:
        raise TooMuchHistory(
            f"More than {MOST_RECORDS} records since {since}.",
            errors=[{"pointer": "/since", "detail": "choose a later day"}],
        )


def _bought(
    balance: Balance, available: Sequence[Offer], room: Room, supply: Supply, summary: Summary
) -> dict[UUID, Counter[str]]:
    """Buy what a balance reaches: uses up room and supply, and adds it to the summary."""
    bought = {}
    donated = balance.choice is StandingChoice.GIVE_ON
    for offer, count in spent_on(balance, available, room):
        outcome = +supply.hand_out(offer, count, donated=donated)
        if outcome:
            bought[offer.product_id] = outcome
        for kind, number in outcome.items():
            summary.add_vouchers(offer.product_id, kind, number)
        made = outcome["issued"] + outcome["donated"]
        if made:
            summary.add_cost(offer.venue_id, made, made * offer.points, made * offer.cost_fen)
    return bought


_COUNT = text(
    """
    SELECT count(*) FROM (
        SELECT FROM credited_records WHERE recorded AND worked_on >= :since LIMIT :most
    ) AS found
    """
).bindparams(bindparam("since", type_=Date()))
_ACCOUNTS = text(
    """
    SELECT mine.volunteer_id, mine.points_available, mine.shortfall, mine.standing_choice,
        mine.preferred_product_id, r.category, r.worked_on, r.minutes_credited, r.points_credited
    FROM accounts mine LEFT JOIN (
        SELECT coalesce(of.merged_into, of.volunteer_id) AS owner, c.* FROM credited_records c
        JOIN accounts of ON of.volunteer_id = c.volunteer_id
        WHERE c.recorded AND c.worked_on >= :since
    ) AS r ON r.owner = mine.volunteer_id
    WHERE mine.status = 'open'
        AND (r.owner IS NOT NULL
            OR (mine.points_available >= :cheapest AND mine.standing_choice <> 'save'))
    ORDER BY mine.volunteer_id
    """
).bindparams(bindparam("since", type_=Date()))

_PLAN_FOR_ALL_ROWS = text(
    "SELECT set_config('cursor_tuple_fraction', '1', true),"
    " set_config('enable_nestloop', 'off', true)"
)
"""A cursor is else planned for its first rows: at 30,000 records 9.1 s instead of 0.5 s."""


def _accounts(
    session: Session, rules: EarnRules, since: date, available: Sequence[Offer]
) -> Iterator[tuple[Balance, int]]:
    """Yield open accounts that may gain or buy something, in the order of ids.

    With each comes the balance that it would have, and its gain.
    """
    cheapest = min((offer.points for offer in available), default=1 << 62)
    session.execute(_PLAN_FOR_ALL_ROWS)
    rows = session.execute(
        _ACCOUNTS,
        {"since": since, "cheapest": cheapest},
        execution_options={"stream_results": True, "yield_per": 5000},
    )
    for _, group in groupby(rows, key=lambda row: row.volunteer_id):
        mine = list(group)
        gain = sum(gain_of(rules, row)[0] for row in mine if row.worked_on is not None)
        yield _balance_after(mine[0], gain), gain


def _balance_after(row: Row[Any], gain: int) -> Balance:
    """Count what is there after a gain has paid what is owed."""
    points = row.points_available + gain
    paid = min(row.shortfall, points) if gain else 0
    return Balance(
        row.volunteer_id,
        points - paid,
        StandingChoice(row.standing_choice),
        row.preferred_product_id,
    )


def _left(session: Session, proposed: Sequence[Rule]) -> dict[UUID, int]:
    """Count as `products.take_what_is_left` does, with budgets that are only proposed too."""
    budgets = {
        rule.product_id: rule.points for rule in rules_in_force(session, RuleKind.BUDGET, proposed)
    }
    rows = session.execute(
        select(Stock, Product, site_today()).join(Product, Product.id == Stock.product_id)
    )
    return {
        product.id: _available(stock, product, budgets.get(product.id), today)
        for stock, product, today in rows
    }


def _available(stock: Stock, product: Product, budget: int | None, today: date) -> int:
    bounds = [stock.left]
    if product.daily_quota is not None:
        issued_today = stock.day_count if stock.day == today else 0
        bounds.append(product.daily_quota - issued_today)
    if budget is not None:
        spent = stock.month_points if stock.month == today.replace(day=1) else 0
        bounds.append((budget - spent) // product.points)
    return max(0, min(bounds))

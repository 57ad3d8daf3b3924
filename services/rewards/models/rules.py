"""Rules as data, never edited: a new version counts for what is credited from then on."""

from datetime import date, datetime
from enum import StrEnum
from typing import NotRequired, TypedDict
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.rewards.models.base import Base
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.json import JsonObject


class RuleKind(StrEnum):
    """What a rule decides."""

    EARN = "earn"  #: minutes -> points, for one category or (category missing) for every other
    COEFFICIENT = "coefficient"  #: for one category, `percent` per cent of the general earn rule
    ISSUE = "issue"  #: a voucher when points reach its price, or (not `automatic`) on request only
    EXPIRE = "expire"  #: points not spent within `days` of coming lapse, first-expiring first
    LIMIT = "limit"  #: at most `count` vouchers a person and `period`, of one product or in all
    BUDGET = "budget"  #: at most `points` worth of a product are issued per month


class Period(StrEnum):
    """Calendar periods at the site, for limits."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Rule(Base):
    __tablename__ = "rules"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[RuleKind]
    scope: Mapped[str]
    """Category or product id, empty for what holds in general: versions count within (kind, scope).
    """
    version: Mapped[int]
    minutes: Mapped[int | None]
    points: Mapped[int | None]
    category: Mapped[str | None]
    percent: Mapped[int | None]
    days: Mapped[int | None]
    count: Mapped[int | None]
    period: Mapped[Period | None]
    automatic: Mapped[bool] = mapped_column(server_default=text("true"))
    product_id: Mapped[UUID | None]
    effective_from: Mapped[datetime | None]
    """Earn rules: for work from that day (at the site) on; missing: whenever the work was done."""
    effective_until: Mapped[datetime | None]
    """From then on the rule counts as absent; a newer version in force counts before it."""
    swept: Mapped[bool]
    """Issue rules: whether `issue_reached` has swept the accounts that had the points already."""
    swept_to: Mapped[UUID | None]
    """How far, by volunteer id."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())

    __table_args__ = (
        UniqueConstraint("kind", "scope", "version"),
        CheckConstraint("kind <> 'earn' OR (minutes > 0 AND points >= 0)", "earn_has_rate"),
        CheckConstraint("kind <> 'issue' OR product_id IS NOT NULL", "issue_has_product"),
        CheckConstraint(
            "kind <> 'coefficient' OR (percent >= 0 AND category IS NOT NULL)",
            "coefficient_has_percent",
        ),
        CheckConstraint("kind <> 'expire' OR days > 0", "expire_has_days"),
        CheckConstraint("kind <> 'limit' OR (count > 0 AND period IS NOT NULL)", "limit_has_count"),
        CheckConstraint(
            "kind <> 'budget' OR (points >= 0 AND product_id IS NOT NULL)", "budget_has_points"
        ),
    )


class RuleRunStatus(StrEnum):
    """How far the application of rules to old records has come."""

    RUNNING = "running"  #: the job goes through the accounts, batch by batch
    DONE = "done"  #: `result` holds what it gave


class RunProposal(TypedDict):
    """What a run applies."""

    rules: list[JsonObject]  #: as they were proposed; `rules/kinds.py` has a model per kind
    rule_ids: list[str]
    #: the run begins when every transaction before this id has ended
    wait_for: NotRequired[int]


class CountedProduct(TypedDict):
    """How many vouchers of a product rules give, by what happens to them."""

    product_id: str
    issued: int
    waiting: int  #: for stock
    donated: int  #: to the pool


class CountedVenue(TypedDict):
    """What the vouchers that rules give cost a venue."""

    venue_id: str
    count: int
    points: int
    fen: int


class RuleGain(TypedDict, total=False):
    """What rules give in all; empty for nothing."""

    accounts: int  #: that gain points, or an entitlement
    points: int
    products: list[CountedProduct]
    venues: list[CountedVenue]


class RunResult(RuleGain, total=False):
    """What a run has given so far."""

    seen: int  #: accounts it has gone through; again where it continued before a merged one
    #: accounts after `swept_to` that are counted already: what follows does not count them again
    counted: list[str]
    batches: int  #: transactions that it took so far


class RuleRun(Base):
    """New rules applied to old records: what was proposed, how far it is, what it gave."""

    __tablename__ = "rule_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    proposal: Mapped[RunProposal] = mapped_column(JSONB())
    since: Mapped[date] = mapped_column(Date())
    """The first day of work whose records are raised."""
    status: Mapped[RuleRunStatus] = mapped_column(server_default=RuleRunStatus.RUNNING.value)
    swept_to: Mapped[UUID | None]
    """How far, by volunteer id."""
    result: Mapped[RunResult] = mapped_column(JSONB(), server_default="{}")
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    finished_at: Mapped[datetime | None]

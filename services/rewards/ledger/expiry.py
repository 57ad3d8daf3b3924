"""Points that grow too old lapse, first-expiring first. Recorded hours never do.

No table of lots: what an account received is replayed from its journal. Each transfer that brought
points is a lot, by the rule in force when it came; what left was taken from the lot that would have
lapsed first. Points that come back (a voided voucher, a cancelled entitlement, a merge) start anew,
in the volunteer's favour.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import heappop, heappush
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from services.rewards.ledger import accounts, journal
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import Account, Rule, RuleKind, Sweep, Transfer, TransferKind
from services.rewards.rules.versions import NO_RULE, RuleRef
from shared.contracts.rewards import PointsLapsed
from shared.core.clock import SITE, site_today
from shared.core.ids import new_id
from shared.messaging.outbox import publish

SWEEP = "lapse_points"
NEVER = date.max


class ExpireRules:
    """All expire rules. The newest that had begun when points came decides how long they last.

    If it had ended then, they last for ever. A rule made without `effective_from` holds from the
    moment it was made (`rules.create_rule`).
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._newest_first = sorted(rules, key=lambda rule: -rule.version)

    def __bool__(self) -> bool:
        return bool(self._newest_first)

    def rule_at(self, moment: datetime) -> Rule | None:
        for rule in self._newest_first:
            if rule.effective_from is None or rule.effective_from <= moment:
                has_ended = rule.effective_until is not None and rule.effective_until <= moment
                return None if has_ended else rule
        return None


def expire_rules(session: Session) -> ExpireRules:
    return ExpireRules(session.scalars(select(Rule).where(Rule.kind == RuleKind.EXPIRE)).all())


@dataclass(order=True, slots=True)
class Lot:
    """Points that came together and are not spent yet."""

    on: date  #: the calendar day at the site on which they are gone
    place: int
    points: int = field(compare=False)
    rule: Rule | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Lapsing:
    """Points that will be gone on a day, unless they are spent before."""

    on: date
    points: int


def lots_left(rules: ExpireRules, moves: Iterable[tuple[int, datetime]]) -> list[Lot]:
    """Replay what came (+) and left (-) in order; return what is left, by the day it lapses.

    What leaves takes from the lot that lapses first. If more leaves than has come, the next points
    to come make up for it.
    """
    lots: list[Lot] = []
    missing = 0
    for place, (points, moment) in enumerate(moves):
        if points < 0:
            missing = _take(lots, missing - points)
            continue
        covered = min(missing, points)
        missing -= covered
        if points > covered:
            rule = rules.rule_at(moment)
            heappush(lots, Lot(_gone_on(rule, moment), place, points - covered, rule))
    return sorted(lots)


def _take(lots: list[Lot], points: int) -> int:
    """Take points from the lots that lapse first; return how many were missing."""
    while points and lots:
        taken = min(points, lots[0].points)
        points -= taken
        lots[0].points -= taken
        if not lots[0].points:
            heappop(lots)
    return points


def _gone_on(rule: Rule | None, moment: datetime) -> date:
    """Return the day on which points are gone: `days` after the day at the site they came on."""
    if rule is None or rule.days is None:
        return NEVER
    try:
        return moment.astimezone(SITE).date() + timedelta(days=rule.days)
    except OverflowError:
        return NEVER


def lapsing_of(session: Session, volunteer_id: UUID, count: int = 5) -> list[Lapsing]:
    """Sum the next points of an account that will lapse, per day, soonest first."""
    rules = expire_rules(session)
    if not rules:
        return []
    (lots,) = _lots(session, rules, [volunteer_id]).values()
    ending = groupby((lot for lot in lots if lot.on != NEVER), key=lambda lot: lot.on)
    return [Lapsing(on, sum(lot.points for lot in same)) for on, same in ending][:count]


def lapse_batch(session: Session, limit: int = 500) -> bool:
    """Record what lapses today on the next accounts, in the order of ids, each account once a day.

    Returns whether there is more to look at today. Repeating it, or a crash, changes nothing that
    was recorded.
    """
    rules = expire_rules(session)
    sweep = _todays_sweep(session) if rules else None
    if sweep is None or sweep.finished:
        return False
    ids = _next_accounts(session, sweep, limit)
    lapse_points(session, rules, ids, sweep.day)
    sweep.finished = len(ids) < limit
    if ids:
        sweep.swept_to = ids[-1]
    session.flush()
    return not sweep.finished


def _next_accounts(session: Session, sweep: Sweep, limit: int) -> Sequence[UUID]:
    with_points = select(Account.volunteer_id).where(Account.points_available > 0)
    if sweep.swept_to is not None:
        with_points = with_points.where(Account.volunteer_id > sweep.swept_to)
    return session.scalars(with_points.order_by(Account.volunteer_id).limit(limit)).all()


def _todays_sweep(session: Session) -> Sweep | None:
    """Lock today's row; None while another worker has it."""
    if session.get(Sweep, SWEEP) is None:  # the INSERT would wait for the row's transaction
        session.execute(insert(Sweep).values(name=SWEEP, day=site_today()).on_conflict_do_nothing())
    found = session.execute(
        select(Sweep, site_today())
        .where(Sweep.name == SWEEP)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return None
    sweep, today = found
    if sweep.day < today:
        sweep.day, sweep.swept_to, sweep.finished = today, None, False
    return sweep


_TAKE = text(
    """
    UPDATE accounts SET points_available = points_available - due.points
    FROM unnest(:ids, :points) AS due (volunteer_id, points)
    WHERE accounts.volunteer_id = due.volunteer_id AND points_available >= due.points
    RETURNING accounts.volunteer_id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("points", type_=ARRAY(BigInteger())))


def lapse_points(session: Session, rules: ExpireRules, ids: Sequence[UUID], today: date) -> None:
    """Take points that have grown too old by today. Repeating it, also at once, takes nothing more.

    Looks first, then locks those who lose something, and looks again: no other account is locked.
    """
    losing = sorted(_due(session, rules, ids, today))
    if not losing:
        return
    accounts.lock_rows(session, losing)
    due = _due(session, rules, losing, today)
    points = {volunteer_id: sum(lot.points for lot in lots) for volunteer_id, lots in due.items()}
    taken = _take_available(session, points)
    journal.record_transfers(
        session, [_lapsed(one, points[one], due[one][0].rule) for one in taken]
    )
    publish(session, *(PointsLapsed(volunteer_id=one, points=points[one]) for one in taken))


def _take_available(session: Session, points: Mapping[UUID, int]) -> list[UUID]:
    """Take points from the accounts that have them; return whose."""
    columns = {"ids": list(points), "points": list(points.values())}
    return sorted(session.scalars(_TAKE, columns))


def _lapsed(volunteer_id: UUID, points: int, rule: Rule | None) -> TransferDraft:
    return TransferDraft(
        journal.volunteer(volunteer_id),
        journal.OUTSIDE,
        points,
        TransferKind.LAPSED,
        new_id(),
        volunteer_id=volunteer_id,
        actor=journal.CLOCK,
        rule=RuleRef(rule.id, rule.version) if rule else NO_RULE,
    )


def _due(
    session: Session, rules: ExpireRules, ids: Sequence[UUID], today: date
) -> dict[UUID, list[Lot]]:
    """Find what lapses today or should have before, per volunteer who has any."""
    due = {
        volunteer_id: [lot for lot in lots if lot.on <= today]
        for volunteer_id, lots in _lots(session, rules, ids).items()
    }
    return {volunteer_id: lots for volunteer_id, lots in due.items() if lots}


def _lots(session: Session, rules: ExpireRules, ids: Sequence[UUID]) -> dict[UUID, list[Lot]]:
    """Replay the journals of these accounts, read in one statement."""
    rows = session.execute(
        select(
            Transfer.volunteer_id,
            Transfer.debit_account,
            Transfer.credit_account,
            Transfer.amount,
            Transfer.created_at,
        )
        .where(Transfer.volunteer_id.in_(ids))
        .order_by(Transfer.volunteer_id, Transfer.id)
    )
    journals = {key: list(group) for key, group in groupby(rows, key=lambda row: row.volunteer_id)}
    return {
        one: lots_left(rules, _moves(journal.volunteer(one), journals.get(one, ()))) for one in ids
    }


def _moves(account: str, rows: Iterable[Any]) -> Iterator[tuple[int, datetime]]:
    for row in rows:
        if row.credit_account == account:
            yield row.amount, row.created_at
        elif row.debit_account == account:
            yield -row.amount, row.created_at

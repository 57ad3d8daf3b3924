"""New rules for old records: a job sweeps the open accounts in the order of ids, batch by batch.

A batch is one transaction with the place it reached, so that a crash loses nothing and books
nothing twice. Records are raised to what the rules give now, and never lowered. A batch issues at
most `issue.MOST_AT_ONCE` vouchers, and the next one begins with the account that is owed more: so
the run ends when all is issued, and its result counts all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import TextClause, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Date, Uuid

from services.rewards.issuing import issue
from services.rewards.ledger import accounts, earning
from services.rewards.ledger.accounts import Balance, balance_of_account
from services.rewards.ledger.earning import Credit, CreditSource
from services.rewards.models import (
    Account,
    AccountStatus,
    RuleRun,
    RuleRunStatus,
    RunProposal,
    RunResult,
    TransferKind,
)
from services.rewards.rule_runs.simulation import Summary, gain_of
from services.rewards.rules.kinds import AnyRule, IssueRule
from services.rewards.rules.versions import EarnRules, Rate, create_rule, earn_rules
from shared.contracts.rewards import RuleApplied
from shared.core.clock import app_now, now
from shared.core.problems import Conflict, NotFound
from shared.messaging.outbox import publish


class RunUnderWay(Conflict):
    """Rules are being applied to old records already. Wait until that is done."""


class RunNotFound(NotFound):
    """Rules were never applied under this id."""


def start_run(session: Session, rules: Sequence[AnyRule], since: date, by: str) -> RuleRun:
    """Make rules count from now on, and for work since a day; `apply_batch` does the latter.

    One run at a time. Raises RunUnderWay, NoSuchProduct.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("rewards.rule_runs"))))
    if is_under_way(session):
        raise RunUnderWay("Another run is under way.")
    made = [create_rule(session, rule, by=by, swept=_is_of_this_run(rule)) for rule in rules]
    proposal = RunProposal(
        rules=[rule.model_dump(mode="json") for rule in rules],
        rule_ids=[str(rule.id) for rule in made],
    )
    run = RuleRun(proposal=proposal, since=since, created_by=by)
    session.add(run)
    session.flush()
    return run


def _is_of_this_run(rule: AnyRule) -> bool:
    """Whether this run issues by a rule; `issue_reached` takes an issue rule that begins later."""
    begins_later = rule.effective_from is not None and rule.effective_from > now()
    return not (isinstance(rule, IssueRule) and begins_later)


def get_run(session: Session, run_id: UUID) -> RuleRun:
    """Raises RunNotFound."""
    run = session.get(RuleRun, run_id)
    if run is None:
        raise RunNotFound(f"No run {run_id}.")
    return run


def is_under_way(session: Session) -> bool:
    return _running_id(session) is not None


def _running_id(session: Session) -> UUID | None:
    return session.scalar(
        select(RuleRun.id).where(RuleRun.status == RuleRunStatus.RUNNING).limit(1)
    )


def apply_batch(session: Session, limit: int = 500) -> bool:
    """Raise the next `limit` accounts of the run that is under way, and issue what they reach.

    Hours that were being credited by the old rules when the run was made are waited for. Returns
    whether there is more to do.
    """
    run = _run_under_way(session)
    if run is None:
        return False
    ids = _next_accounts(session, run, limit)
    rules = earn_rules(session)
    raised = _raise_records(session, rules, _LOCK_RECORDS, {"ids": ids, "since": run.since})
    unfinished = _credit_and_issue(session, run, ids, raised)
    if not unfinished and len(ids) < limit:
        unfinished = _finish(session, run, rules)
    _sweep_on(run, ids, unfinished)
    _add_result(session, run, ids)
    return run.status is RuleRunStatus.RUNNING


def _sweep_on(run: RuleRun, ids: Sequence[UUID], unfinished: set[UUID]) -> None:
    """Store how far the run is: before the first account whose points buy more, or behind all."""
    if unfinished:
        run.swept_to = UUID(int=max(0, min(unfinished).int - 1))
    elif ids:
        run.swept_to = ids[-1]


def _add_result(session: Session, run: RuleRun, ids: Sequence[UUID]) -> None:
    """Add what this batch gave to the result of the run; publish the whole when it is done."""
    before = {UUID(one) for one in run.result.get("counted", [])}
    gained = set(session.scalars(_GAINED_BY))
    so_far = _tally(session, Summary.from_json(run.result))
    so_far.accounts += len(gained - before)
    swept_to = run.swept_to or UUID(int=0)
    run.result = RunResult(
        **so_far.as_json(),
        seen=run.result.get("seen", 0) + sum(one <= swept_to for one in ids),
        batches=run.result.get("batches", 0) + 1,
        counted=sorted(str(one) for one in gained | before if one > swept_to),
    )
    session.flush()
    if run.status is RuleRunStatus.DONE:
        applied = RuleApplied(
            run_id=run.id,
            accounts=so_far.accounts,
            points=so_far.points,
            vouchers=so_far.vouchers(),
        )
        publish(session, applied)


def _run_under_way(session: Session) -> RuleRun | None:
    """Lock the run that is under way, unless another worker has it or older transactions go on.

    Transactions that read the rules before these were committed had an id below the end of
    the first snapshot that sees the run.
    """
    run_id = _running_id(session)
    # Before the lock, which gives this transaction an id of its own.
    oldest, next_ = session.execute(_SNAPSHOT).one()
    run = session.scalars(
        select(RuleRun)
        .where(RuleRun.id == run_id, RuleRun.status == RuleRunStatus.RUNNING)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if run is None:
        return None
    # Not set yet, or set by the cluster that this one was restored from.
    if run.proposal.get("wait_for", next_ + 1) > next_:
        run.proposal = run.proposal | {"wait_for": next_}
        session.flush()
    return run if oldest >= run.proposal["wait_for"] else None


_SNAPSHOT = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
    " FROM pg_current_snapshot() AS s"
)


def _next_accounts(session: Session, run: RuleRun, limit: int) -> list[UUID]:
    opened = select(Account.volunteer_id).where(Account.status == AccountStatus.OPEN)
    if run.swept_to is not None:
        opened = opened.where(Account.volunteer_id > run.swept_to)
    return list(session.scalars(opened.order_by(Account.volunteer_id).limit(limit)))


@dataclass(slots=True)
class Raised:
    """What an account's records gained in all, and the rule that gave the most of it."""

    points: int = 0
    best: int = 0
    rate: Rate | None = field(default=None)

    def add(self, points: int, rate: Rate) -> None:
        self.points += points
        if points > self.best:
            self.best, self.rate = points, rate


_RECORDS = """
    SELECT c.record_id, coalesce(of.merged_into, of.volunteer_id) AS owner, c.category, c.worked_on,
        c.minutes_credited, c.points_credited
    FROM credited_records c JOIN accounts of ON of.volunteer_id = c.volunteer_id
    JOIN accounts who ON who.volunteer_id = coalesce(of.merged_into, of.volunteer_id)
        AND who.status = 'open'
    WHERE c.recorded AND c.worked_on >= :since AND {whose}
    ORDER BY c.record_id FOR UPDATE OF c
    """
_LOCK_RECORDS = text(
    _RECORDS.format(whose="(of.volunteer_id = ANY(:ids) OR of.merged_into = ANY(:ids))")
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("since", type_=Date()))
_LOCK_RECORDS_OF_MERGED = text(_RECORDS.format(whose="of.merged_into IS NOT NULL")).bindparams(
    bindparam("since", type_=Date())
)
_RAISE = text(
    """
    UPDATE credited_records SET points_credited = points_credited + t.gain, rule_id = t.rule_id,
        rule_version = t.rule_version, rule_minutes = t.rule_minutes, rule_points = t.rule_points
    FROM unnest(:ids, :gains, :rule_ids, :versions, :minutes, :points)
        AS t (id, gain, rule_id, rule_version, rule_minutes, rule_points)
    WHERE record_id = t.id
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("ids", "rule_ids")),
    *(
        bindparam(name, type_=ARRAY(BigInteger()))
        for name in ("gains", "versions", "minutes", "points")
    ),
)


@dataclass(frozen=True, slots=True)
class _Gain:
    """What one record gains, and by which rate."""

    record_id: UUID
    owner: UUID
    points: int
    rate: Rate


def _raise_records(
    session: Session, rules: EarnRules, statement: TextClause, parameters: Mapping[str, object]
) -> dict[UUID, Raised]:
    """Lock records and raise those that earn more now; return what that gives each account.

    A second time it changes nothing.
    """
    gains = []
    for row in session.execute(statement, parameters):
        points, rate = gain_of(rules, row)
        if points:
            gains.append(_Gain(row.record_id, row.owner, points, rate))
    raised: dict[UUID, Raised] = {}
    for gain in gains:
        raised.setdefault(gain.owner, Raised()).add(gain.points, gain.rate)
    if gains:
        session.execute(_RAISE, _columns_of(gains))
    return raised


def _columns_of(gains: Sequence[_Gain]) -> dict[str, list[Any]]:
    return {
        "ids": [gain.record_id for gain in gains],
        "gains": [gain.points for gain in gains],
        "rule_ids": [gain.rate.rule.id for gain in gains],
        "versions": [gain.rate.rule.version for gain in gains],
        "minutes": [gain.rate.minutes for gain in gains],
        "points": [gain.rate.points for gain in gains],
    }


def _credit_and_issue(
    session: Session,
    run: RuleRun,
    ids: Sequence[UUID],
    raised: dict[UUID, Raised],
    round_: str = "",
) -> set[UUID]:
    """Credit what accounts gained, one transfer each, and issue what all of `ids` have reached.

    The records are locked. Returns the accounts whose points buy more than one batch issues.
    """
    locked = accounts.lock_rows(session, [*ids, *raised])
    balances: dict[UUID, Balance] = {
        account.volunteer_id: balance_of_account(account)
        for account in locked.values()
        if account.status is AccountStatus.OPEN
    }
    credits = {owner: _credit(run, owner, mine, round_) for owner, mine in raised.items()}
    if credits:
        credited = earning.credit_accounts(
            session, credits, TransferKind.ADJUSTED, actor=run.created_by
        )
        balances |= {balance.volunteer_id: balance for balance in credited}
    in_order = [balances[volunteer_id] for volunteer_id in sorted(balances)]
    # No limit per account: what one is owed is issued before the next gets anything, as in a dry
    # run.
    return issue.issue_portion(session, in_order, issue.MOST_AT_ONCE)


def _credit(run: RuleRun, owner: UUID, mine: Raised, round_: str) -> Credit:
    """Make the cause of batch and account: the journal itself then refuses to book it twice.

    Another batch of the run may credit an account again, with a record that came meanwhile.
    """
    assert mine.rate is not None
    cause_id = uuid5(run.id, f"{owner} {run.result.get('batches', 0)}{round_}")
    return Credit(0, mine.points, [CreditSource(cause_id, mine.points, mine.rate.rule)])


def _finish(session: Session, run: RuleRun, rules: EarnRules) -> set[UUID]:
    """End the run, after raising records that a merge moved to accounts swept before.

    Where their points buy more than one batch issues, the run goes on: these are returned.
    """
    late = _raise_records(session, rules, _LOCK_RECORDS_OF_MERGED, {"since": run.since})
    unfinished = _credit_and_issue(session, run, [], late, " merged late") if late else set()
    if not unfinished:
        run.status, run.finished_at = RuleRunStatus.DONE, app_now()
    return unfinished


_GAINED_BY = text(
    """
    SELECT DISTINCT volunteer_id FROM transfers
    WHERE txid = journal_txid(pg_current_xact_id())
        AND kind IN ('adjusted', 'issued', 'donated', 'backordered')
    """
).columns(volunteer_id=Uuid())
_GAINED = text(
    """
    SELECT coalesce(sum(amount), 0) FROM transfers
    WHERE txid = journal_txid(pg_current_xact_id()) AND kind = 'adjusted'
    """
)
_MADE = text(
    """
    SELECT t.kind, v.product_id, v.venue_id,
        count(*) AS number, sum(v.points) AS points, sum(v.cost_fen) AS fen
    FROM transfers t JOIN vouchers v ON v.id = t.cause_id
    WHERE t.txid = journal_txid(pg_current_xact_id()) AND t.kind IN ('issued', 'donated')
    GROUP BY 1, 2, 3
    """
)
_WAITING = text(
    """
    SELECT b.product_id, count(*) AS number FROM transfers t JOIN backorders b ON b.id = t.cause_id
    WHERE t.txid = journal_txid(pg_current_xact_id()) AND t.kind = 'backordered'
    GROUP BY 1
    """
)


def _tally(session: Session, summary: Summary) -> Summary:
    """Add points and vouchers that this transaction booked, by the journal."""
    summary.points += int(session.scalar(_GAINED) or 0)
    for row in session.execute(_MADE):
        summary.add_vouchers(row.product_id, row.kind, row.number)
        summary.add_cost(row.venue_id, row.number, int(row.points), int(row.fen))
    for row in session.execute(_WAITING):
        summary.add_vouchers(row.product_id, "waiting", row.number)
    return summary

"""How an account came to what it has: recomputed from records, corrections and the journal, beside
what is stored.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text, Uuid

from services.rewards.ledger import journal
from services.rewards.models import (
    Account,
    AccountStatus,
    Correction,
    CreditedRecord,
    Rule,
    RuleKind,
    TransferKind,
)
from services.rewards.rules.versions import NO_RULE, Rate
from shared.http.paging import PageQuery, page_of

VOLUNTEER, HELD, OWED = "volunteer", "held", "owed"


@dataclass(frozen=True, slots=True)
class Move:
    """What all transfers of a kind did to one of the three books of an account."""

    book: str  #: volunteer: points to spend; held: waiting for stock; owed: negative
    kind: TransferKind
    points: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what was recomputed."""

    of: str
    stored: int
    recomputed: int
    difference: int


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A service record, what corrected it, and what it earned by which rule."""

    record: CreditedRecord
    corrections: Sequence[Correction]
    minutes: int
    points: int
    rate: str
    matches: bool


@dataclass(slots=True)
class Explanation:
    """An account recomputed. `records` is one page of them; the sums are over all."""

    account: Account
    records: list[ExplainedRecord] = field(default_factory=list)
    next: str | None = None
    record_count: int = 0
    minutes: int = 0
    points_by_records: int = 0
    moves: list[Move] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def in_book(self, book: str, *kinds: TransferKind) -> int:
        return sum(
            move.points
            for move in self.moves
            if move.book == book and (not kinds or move.kind in kinds)
        )


def explain(session: Session, volunteer_id: UUID, query: PageQuery) -> Explanation:
    """Recompute an account, with a page of its records, newest first. One nobody has opened yet is
    empty.

    Records of whoever was merged into it are its own; those of a merged one are of who stays. Give
    it a transaction of its own: all must be read as of one moment.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    account = session.get(Account, volunteer_id) or _nobodys(volunteer_id)
    family = _family(session, account)
    people = [] if account.merged_into else family
    told = Explanation(account)
    rows, told.next = page_of(
        session,
        select(CreditedRecord).where(
            CreditedRecord.volunteer_id.in_(people), CreditedRecord.recorded
        ),
        CreditedRecord.record_id,
        query,
    )
    told.records = _explained(session, rows)
    sums = session.execute(_RECORDS, {"people": people}).one()
    told.record_count, told.minutes, told.points_by_records = (
        sums.records,
        int(sums.minutes),
        int(sums.points),
    )
    told.moves = _moves(session, family, [volunteer_id])
    told.differences = [d for d in _compared(session, told, family, sums) if d.difference]
    return told


def _nobodys(volunteer_id: UUID) -> Account:
    return Account(
        volunteer_id=volunteer_id,
        points_available=0,
        points_held=0,
        shortfall=0,
        minutes_credited=0,
        status=AccountStatus.OPEN,
    )


def _family(session: Session, account: Account) -> list[UUID]:
    """The account that stays, and all that were merged into it."""
    owner = account.merged_into or account.volunteer_id
    found = select(Account.volunteer_id).where(
        or_(Account.merged_into == owner, Account.volunteer_id == owner)
    )
    return list(session.scalars(found))


def _explained(session: Session, rows: Sequence[CreditedRecord]) -> list[ExplainedRecord]:
    corrections: dict[UUID, list[Correction]] = defaultdict(list)
    ids = [row.record_id for row in rows]
    found = (
        select(Correction).where(Correction.record_id.in_(ids)).order_by(Correction.correction_id)
    )
    for correction in session.scalars(found):
        corrections[correction.record_id].append(correction)
    rules = {
        rule.id: rule
        for rule in session.scalars(select(Rule).where(Rule.id.in_({r.rule_id for r in rows})))
    }
    return [_explained_one(row, corrections[row.record_id], rules.get(row.rule_id)) for row in rows]  # type: ignore[arg-type]


def _explained_one(
    row: CreditedRecord, corrections: Sequence[Correction], rule: Rule | None
) -> ExplainedRecord:
    corrected_by = sum(correction.minutes for correction in corrections)
    minutes = max(0, row.minutes + corrected_by)
    points = Rate(NO_RULE, row.rule_minutes, row.rule_points).of(minutes)
    stored = (row.corrected_by, row.minutes_credited, row.points_credited)
    return ExplainedRecord(
        row,
        corrections,
        minutes,
        points,
        rate_in_words(row, rule),
        stored == (corrected_by, minutes, points),
    )


def rate_in_words(row: CreditedRecord, rule: Rule | None) -> str:
    """Such as `150 % of 1 point per 2 minutes`; what the record itself keeps, whatever the rules
    say today.
    """
    if row.rule_id is None:
        return "no rule"
    points, minutes, share = row.rule_points, row.rule_minutes, ""
    if rule is not None and rule.kind is RuleKind.COEFFICIENT:
        if not rule.percent:
            return "0 %"
        points, minutes, share = points // rule.percent, minutes // 100, f"{rule.percent} % of "
    return f"{share}{_some(points, 'point')} per {_some(minutes, 'minute')}, rounded down"


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


_RECORDS = text(
    """
    SELECT count(*) AS records, coalesce(sum(counted), 0) AS minutes,
        coalesce(sum(counted * rule_points / rule_minutes), 0) AS points,
        count(*) FILTER (WHERE (corrected_by, minutes_credited, points_credited)
            <> (correction, counted, counted * rule_points / rule_minutes)) AS wrong
    FROM credited_records
    CROSS JOIN LATERAL (SELECT coalesce(sum(k.minutes), 0)::bigint AS correction FROM corrections k
                        WHERE k.record_id = credited_records.record_id) AS corrections_of
    CROSS JOIN LATERAL (SELECT greatest(0, minutes + correction) AS counted) AS counting
    WHERE recorded AND volunteer_id = ANY(:people)
    """
).bindparams(bindparam("people", type_=ARRAY(Uuid())))
_MOVES = text(
    """
    SELECT split_part(account, ':', 1) AS book, kind, sum(points) AS points FROM (
        SELECT kind, credit_account AS account, amount AS points FROM transfers WHERE volunteer_id = ANY(:family)
        UNION ALL SELECT kind, debit_account, -amount FROM transfers WHERE volunteer_id = ANY(:family)
    ) AS moved
    WHERE account = ANY(:accounts) GROUP BY 1, 2 ORDER BY 1 DESC, 2
    """
).bindparams(bindparam("family", type_=ARRAY(Uuid())), bindparam("accounts", type_=ARRAY(Text())))


def _moves(session: Session, family: Sequence[UUID], whose: Sequence[UUID]) -> list[Move]:
    """By the journal. A transfer of a merge is on the statement of who stays: hence the family."""
    accounts = [name(i) for i in whose for name in (journal.volunteer, journal.held, journal.owed)]
    rows = session.execute(_MOVES, {"family": list(family), "accounts": accounts})
    return [Move(row.book, TransferKind(row.kind), int(row.points)) for row in rows]


def _compared(
    session: Session, told: Explanation, family: Sequence[UUID], sums: Row[Any]
) -> list[Difference]:
    """Stored against recomputed. What the records earned must be in the journal, unless somebody
    left in between.
    """
    account = told.account
    pairs = [
        ("points_available", account.points_available, told.in_book(VOLUNTEER)),
        ("points_held", account.points_held, told.in_book(HELD)),
        ("shortfall", account.shortfall, -told.in_book(OWED)),
        ("minutes_credited", account.minutes_credited, told.minutes),
        ("records", sums.records, sums.records - sums.wrong),
    ]
    if account.status is AccountStatus.OPEN:
        totals = Counter[tuple[str, TransferKind]]()
        for move in _moves(session, family, family):
            totals[move.book, move.kind] += move.points
        if not totals[VOLUNTEER, TransferKind.FORFEITED]:
            pairs.append(("points_earned", earned(totals), told.points_by_records))
    return [Difference(of, stored, found, stored - found) for of, stored, found in pairs]


def earned(totals: Counter[tuple[str, TransferKind]]) -> int:
    """What hours gave in all, by the journal; a correction may have taken more than was there."""
    gave = (TransferKind.EARNED, TransferKind.CORRECTED, TransferKind.ADJUSTED)
    return sum(totals[VOLUNTEER, kind] for kind in gave) + totals[OWED, TransferKind.OWED]

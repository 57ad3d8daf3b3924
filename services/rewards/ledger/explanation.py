"""How an account came to what it has, recomputed from records, corrections and the journal.

The result is compared with what is stored.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, or_, select, text
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
    """What all transfers of a kind added to one of the three books of an account."""

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
class RateTerms:
    """`points` per `minutes`, of which `percent` per cent count where a coefficient applied."""

    points: int
    minutes: int
    percent: int | None = None

    def __str__(self) -> str:
        """Such as `150 % of 1 point per 2 minutes, rounded down`."""
        if self.percent == 0:
            return "0 %"
        share = f"{self.percent} % of " if self.percent is not None else ""
        points, minutes = _some(self.points, "point"), _some(self.minutes, "minute")
        return f"{share}{points} per {minutes}, rounded down"


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A service record, what corrected it, and what it earned by which rule."""

    record: CreditedRecord
    corrections: Sequence[Correction]
    minutes: int
    points: int
    rate: RateTerms | None  #: None where no rule applied
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
    """Recompute an account, with a page of its records, newest first.

    One that nobody has opened yet is empty. Records of people merged into it are its own;
    those of a merged one are of who stays. Give it a transaction of its own: all must be read as of
    one moment.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    account = session.get(Account, volunteer_id) or _unopened(volunteer_id)
    family = _family(session, account)
    people = [] if account.merged_into else family
    rows, following = _page_of_records(session, people, query)
    sums = session.execute(_RECORDS, {"people": people}).one()
    explanation = Explanation(
        account,
        records=_explained(session, rows),
        next=following,
        record_count=sums.records,
        minutes=int(sums.minutes),
        points_by_records=int(sums.points),
        moves=_moves(session, family, [volunteer_id]),
    )
    compared = _compared(session, explanation, family, sums.wrong)
    explanation.differences = [one for one in compared if one.difference]
    return explanation


def _page_of_records(
    session: Session, people: Sequence[UUID], query: PageQuery
) -> tuple[Sequence[CreditedRecord], str | None]:
    of_people = CreditedRecord.volunteer_id.in_(people)
    records = select(CreditedRecord).where(of_people, CreditedRecord.recorded)
    return page_of(session, records, CreditedRecord.record_id, query)


def _unopened(volunteer_id: UUID) -> Account:
    return Account(
        volunteer_id=volunteer_id,
        points_available=0,
        points_held=0,
        shortfall=0,
        minutes_credited=0,
        status=AccountStatus.OPEN,
    )


def _family(session: Session, account: Account) -> list[UUID]:
    """Return the account that stays, and all that were merged into it."""
    owner = account.merged_into or account.volunteer_id
    found = select(Account.volunteer_id).where(
        or_(Account.merged_into == owner, Account.volunteer_id == owner)
    )
    return list(session.scalars(found))


def _explained(session: Session, rows: Sequence[CreditedRecord]) -> list[ExplainedRecord]:
    corrections = _corrections_of(session, rows)
    rule_ids = {row.rule_id for row in rows if row.rule_id is not None}
    rules = {rule.id: rule for rule in session.scalars(select(Rule).where(Rule.id.in_(rule_ids)))}
    explained = []
    for row in rows:
        rule = rules.get(row.rule_id) if row.rule_id is not None else None
        explained.append(_explained_one(row, corrections[row.record_id], rule))
    return explained


def _corrections_of(
    session: Session, rows: Sequence[CreditedRecord]
) -> Mapping[UUID, Sequence[Correction]]:
    corrections: dict[UUID, list[Correction]] = defaultdict(list)
    found = (
        select(Correction)
        .where(Correction.record_id.in_([row.record_id for row in rows]))
        .order_by(Correction.correction_id)
    )
    for correction in session.scalars(found):
        corrections[correction.record_id].append(correction)
    return corrections


def _explained_one(
    row: CreditedRecord, corrections: Sequence[Correction], rule: Rule | None
) -> ExplainedRecord:
    corrected_by = sum(correction.minutes for correction in corrections)
    minutes = max(0, row.minutes + corrected_by)
    points = Rate(NO_RULE, row.rule_minutes, row.rule_points).of(minutes)
    stored = (row.corrected_by, row.minutes_credited, row.points_credited)
    matches = stored == (corrected_by, minutes, points)
    return ExplainedRecord(row, corrections, minutes, points, rate_terms(row, rule), matches)


def rate_terms(row: CreditedRecord, rule: Rule | None) -> RateTerms | None:
    """Read the rate that is stored with the record, not the rules of today.

    None where no rule applied.
    """
    if row.rule_id is None:
        return None
    if rule is None or rule.kind is not RuleKind.COEFFICIENT:
        return RateTerms(row.rule_points, row.rule_minutes)
    # A coefficient is kept multiplied out (`EarnRules.rate`): undo that. By 0 % no points are left.
    percent = rule.percent or 0
    points = row.rule_points // percent if percent else 0
    return RateTerms(points, row.rule_minutes // 100, percent)


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
        SELECT kind, credit_account AS account, amount AS points FROM transfers
        WHERE volunteer_id = ANY(:family)
        UNION ALL
        SELECT kind, debit_account, -amount FROM transfers WHERE volunteer_id = ANY(:family)
    ) AS moved
    WHERE account = ANY(:accounts) GROUP BY 1, 2 ORDER BY 1 DESC, 2
    """
).bindparams(bindparam("family", type_=ARRAY(Uuid())), bindparam("accounts", type_=ARRAY(Text())))


def _moves(session: Session, family: Sequence[UUID], whose: Sequence[UUID]) -> list[Move]:
    """Sum the journal by book and kind.

    A transfer of a merge is on the statement of the account that stays, so all are read.
    """
    accounts = [name(i) for i in whose for name in (journal.volunteer, journal.held, journal.owed)]
    rows = session.execute(_MOVES, {"family": list(family), "accounts": accounts})
    return [Move(row.book, TransferKind(row.kind), int(row.points)) for row in rows]


def _compared(
    session: Session, explanation: Explanation, family: Sequence[UUID], wrong: int
) -> list[Difference]:
    """Compare what is stored with what was recomputed; `wrong` records differ by themselves."""
    account, records = explanation.account, explanation.record_count
    compared = [
        _difference("points_available", account.points_available, explanation.in_book(VOLUNTEER)),
        _difference("points_held", account.points_held, explanation.in_book(HELD)),
        _difference("shortfall", account.shortfall, -explanation.in_book(OWED)),
        _difference("minutes_credited", account.minutes_credited, explanation.minutes),
        _difference("records", records, records - wrong),
    ]
    if account.status is AccountStatus.OPEN:
        compared += _compared_earned(explanation, _totals(_moves(session, family, family)))
    return compared


def _compared_earned(
    explanation: Explanation, totals: Counter[tuple[str, TransferKind]]
) -> list[Difference]:
    """What the records earned must be in the journal, unless somebody of the family had left."""
    if totals[VOLUNTEER, TransferKind.FORFEITED]:
        return []
    return [_difference("points_earned", _earned(totals), explanation.points_by_records)]


def _difference(of: str, stored: int, recomputed: int) -> Difference:
    return Difference(of, stored, recomputed, stored - recomputed)


def _totals(moves: Iterable[Move]) -> Counter[tuple[str, TransferKind]]:
    totals = Counter[tuple[str, TransferKind]]()
    for move in moves:
        totals[move.book, move.kind] += move.points
    return totals


def _earned(totals: Counter[tuple[str, TransferKind]]) -> int:
    """Sum what hours gave, by the journal; a correction may have taken more than was there."""
    gave = (TransferKind.EARNED, TransferKind.CORRECTED, TransferKind.ADJUSTED)
    return sum(totals[VOLUNTEER, kind] for kind in gave) + totals[OWED, TransferKind.OWED]

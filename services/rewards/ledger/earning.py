"""What recorded and corrected hours add to accounts, and take from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Date, Text, Uuid

from services.rewards.ledger.accounts import Balance, repay
from services.rewards.ledger.journal import (
    OUTSIDE,
    REGISTRATION,
    TransferDraft,
    owed,
    record_transfers,
    volunteer,
)
from services.rewards.models import (
    Account,
    Correction,
    CreditedRecord,
    StandingChoice,
    TransferKind,
)
from services.rewards.rules.versions import NO_RULE, EarnRules, Rate, RuleRef, earn_rules
from shared.contracts.registration import HoursCorrected, HoursRecorded
from shared.db.statements import inserted


@dataclass(frozen=True, slots=True)
class CreditSource:
    """Points of one cause: a service record, a correction, or a run of new rules."""

    cause_id: UUID
    points: int
    rule: RuleRef


@dataclass(slots=True)
class Credit:
    """Minutes and points to add to one account, and the sources they come from."""

    minutes: int = 0
    points: int = 0
    sources: list[CreditSource] = field(default_factory=list)

    def add(self, minutes: int, *sources: CreditSource) -> None:
        self.minutes += minutes
        self.points += sum(source.points for source in sources)
        self.sources += sources


def credit_minutes(session: Session, events: Sequence[HoursRecorded]) -> list[Balance]:
    """Credit records that earn, each record once, to whom they belong now.

    Opens accounts that are not there yet. Debts of earlier corrections are paid first. Returns the
    open accounts that gained.
    """
    credits: dict[UUID, Credit] = {}
    for row in _take_records(session, events):
        rule = RuleRef(row.rule_id, row.rule_version)
        source = CreditSource(row.record_id, row.points_credited, rule)
        credits.setdefault(row.volunteer_id, Credit()).add(row.minutes_credited, source)
    return credit_accounts(session, credits, TransferKind.EARNED) if credits else []


_TAKE_RECORDS = text(
    """
    INSERT INTO credited_records AS mine (
        record_id, volunteer_id, recorded, minutes, minutes_credited, points_credited,
        rule_id, rule_version, rule_minutes, rule_points, worked_on, category
    )
    SELECT record_id, volunteer_id, true, minutes, minutes, minutes * rule_points / rule_minutes,
        rule_id, rule_version, rule_minutes, rule_points, worked_on, category
    FROM unnest(
        :record_id, :volunteer_id, :minutes,
        :rule_id, :rule_version, :rule_minutes, :rule_points, :worked_on, :category
    ) AS t (
        record_id, volunteer_id, minutes,
        rule_id, rule_version, rule_minutes, rule_points, worked_on, category
    )
    ON CONFLICT (record_id) DO UPDATE SET
        recorded = true,
        volunteer_id = excluded.volunteer_id,
        minutes = excluded.minutes,
        minutes_credited = greatest(0, excluded.minutes + mine.corrected_by),
        points_credited = greatest(0, excluded.minutes + mine.corrected_by)
            * mine.rule_points / mine.rule_minutes
    WHERE NOT mine.recorded
    RETURNING record_id, volunteer_id, minutes_credited, points_credited, rule_id, rule_version
    """
).bindparams(
    bindparam("record_id", type_=ARRAY(Uuid())),
    bindparam("volunteer_id", type_=ARRAY(Uuid())),
    bindparam("minutes", type_=ARRAY(BigInteger())),
    bindparam("rule_id", type_=ARRAY(Uuid())),
    bindparam("rule_version", type_=ARRAY(BigInteger())),
    bindparam("rule_minutes", type_=ARRAY(BigInteger())),
    bindparam("rule_points", type_=ARRAY(BigInteger())),
    bindparam("worked_on", type_=ARRAY(Date())),
    bindparam("category", type_=ARRAY(Text())),
)


def _take_records(session: Session, events: Sequence[HoursRecorded]) -> Sequence[Row[Any]]:
    """Insert or lock each record's row; return the records that were not credited yet."""
    rules = earn_rules(session)
    by_id = {event.record_id: event for event in events}
    # In the order of ids, so that two batches with the same records wait and never deadlock.
    unique = [by_id[record_id] for record_id in sorted(by_id)]
    rates = [rules.rate(event.category, event.worked_on) for event in unique]
    return session.execute(_TAKE_RECORDS, _record_columns(unique, rates)).all()


def _record_columns(events: Sequence[HoursRecorded], rates: Sequence[Rate]) -> dict[str, list[Any]]:
    return {
        "record_id": [event.record_id for event in events],
        "volunteer_id": [event.volunteer_id for event in events],
        "minutes": [event.minutes for event in events],
        "rule_id": [rate.rule.id for rate in rates],
        "rule_version": [rate.rule.version for rate in rates],
        "rule_minutes": [rate.minutes for rate in rates],
        "rule_points": [rate.points for rate in rates],
        "worked_on": [event.worked_on for event in events],
        "category": [event.category for event in events],
    }


_CREDIT_OPEN = text(
    """
    INSERT INTO accounts AS mine (volunteer_id, points_available, minutes_credited)
    SELECT * FROM unnest(:ids, :points, :minutes) AS t (volunteer_id, points, minutes)
    ORDER BY volunteer_id
    ON CONFLICT (volunteer_id) DO UPDATE SET
        points_available = mine.points_available + excluded.points_available,
        minutes_credited = mine.minutes_credited + excluded.minutes_credited
    WHERE mine.status = 'open'
    RETURNING volunteer_id, points_available, shortfall, standing_choice, preferred_product_id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("points", type_=ARRAY(BigInteger())),
    bindparam("minutes", type_=ARRAY(BigInteger())),
)


def credit_accounts(
    session: Session,
    credits: Mapping[UUID, Credit],
    kind: TransferKind,
    actor: str = REGISTRATION,
) -> list[Balance]:
    """Add credits to accounts in one statement; those not open then follow one by one.

    A merged account's credit goes to who has it now. On a closed or erased one the minutes count,
    the points are forfeited. Returns the open accounts that gained.
    """
    crediting = _Crediting(session, kind, actor)
    remaining = credits
    while remaining:
        opened = crediting.credit_open(remaining)
        closed = {i: credit for i, credit in remaining.items() if i not in opened}
        remaining = crediting.redirect(closed)
    record_transfers(session, crediting.drafts)
    return list(crediting.balances.values())


class _Crediting:
    """One run of `credit_accounts`: the balances it reached, and the transfers to record."""

    def __init__(self, session: Session, kind: TransferKind, actor: str) -> None:
        self.session, self.kind, self.actor = session, kind, actor
        self.balances: dict[UUID, Balance] = {}  #: one per account, also where merges lead twice
        self.drafts: list[TransferDraft] = []

    def credit_open(self, credits: Mapping[UUID, Credit]) -> set[UUID]:
        """Credit those accounts that are open, opening them if need be; return their ids."""
        rows = self.session.execute(_CREDIT_OPEN, _columns_of(credits)).all()
        for row in rows:
            self._note_credited(row, credits[row.volunteer_id])
        return {row.volunteer_id for row in rows}

    def _note_credited(self, row: Row[Any], credit: Credit) -> None:
        """Draft the transfers of an account that was credited, and pay what it owes."""
        self.drafts += self._earned(row.volunteer_id, credit)
        choice, preferred = StandingChoice(row.standing_choice), row.preferred_product_id
        balance = Balance(row.volunteer_id, row.points_available, choice, preferred)
        if row.shortfall and credit.points:
            repaid = repay(self.session, balance, row.shortfall, credit.sources[-1].cause_id)
            self.drafts.append(repaid)
            balance = replace(balance, points=balance.points - repaid.amount)
        self.balances[row.volunteer_id] = balance

    def redirect(self, credits: Mapping[UUID, Credit]) -> dict[UUID, Credit]:
        """Forfeit the points of closed accounts; return the credits of merged ones by target."""
        moved: dict[UUID, Credit] = {}
        for volunteer_id, credit in sorted(credits.items()):
            account = self.session.get_one(Account, volunteer_id, populate_existing=True)
            if account.merged_into is None:
                self._credit_closed(volunteer_id, credit)
            else:
                moved.setdefault(account.merged_into, Credit()).add(credit.minutes, *credit.sources)
        return moved

    def _credit_closed(self, volunteer_id: UUID, credit: Credit) -> None:
        self.session.execute(
            update(Account)
            .where(Account.volunteer_id == volunteer_id)
            .values(minutes_credited=Account.minutes_credited + credit.minutes)
        )
        self.drafts += self._earned(volunteer_id, credit)
        self.drafts += _forfeited(volunteer_id, credit)

    def _earned(self, volunteer_id: UUID, credit: Credit) -> Iterable[TransferDraft]:
        return [
            TransferDraft(
                OUTSIDE,
                volunteer(volunteer_id),
                source.points,
                self.kind,
                source.cause_id,
                volunteer_id=volunteer_id,
                actor=self.actor,
                rule=source.rule,
            )
            for source in credit.sources
            if source.points
        ]


def _columns_of(credits: Mapping[UUID, Credit]) -> dict[str, list[Any]]:
    ids = sorted(credits)
    return {
        "ids": ids,
        "points": [credits[i].points for i in ids],
        "minutes": [credits[i].minutes for i in ids],
    }


def _forfeited(volunteer_id: UUID, credit: Credit) -> Iterable[TransferDraft]:
    return [
        TransferDraft(
            volunteer(volunteer_id),
            OUTSIDE,
            source.points,
            TransferKind.FORFEITED,
            source.cause_id,
            volunteer_id=volunteer_id,
            actor=REGISTRATION,
        )
        for source in credit.sources
        if source.points
    ]


@dataclass(frozen=True, slots=True)
class Change:
    """What a correction changes for a record that was credited."""

    correction_id: UUID
    volunteer_id: UUID
    minutes: int
    points: int
    rule: RuleRef

    @property
    def is_empty(self) -> bool:
        return self.minutes == 0 and self.points == 0

    @property
    def credit(self) -> Credit:
        source = CreditSource(self.correction_id, self.points, self.rule)
        return Credit(self.minutes, self.points, [source])


def take_corrections(session: Session, events: Iterable[HoursCorrected]) -> list[Change]:
    """Store corrections, each once, and return what they change, in the order of records.

    A correction that comes before its record waits there, and changes nothing yet.
    """
    rules = earn_rules(session)
    in_order = sorted(events, key=lambda event: (event.record_id, event.correction_id))
    changes = [_take_correction(session, rules, event) for event in in_order]
    return [change for change in changes if change is not None and not change.is_empty]


def _take_correction(session: Session, rules: EarnRules, event: HoursCorrected) -> Change | None:
    minutes = event.new_minutes - event.old_minutes
    is_new = inserted(
        session,
        insert(Correction)
        .values(correction_id=event.correction_id, record_id=event.record_id, minutes=minutes)
        .on_conflict_do_nothing(),
    )
    if not is_new:
        return None
    rate = rules.rate(event.category, event.worked_on)
    _add_to_record(session, event, minutes, rate)
    record = session.get_one(CreditedRecord, event.record_id, populate_existing=True)
    return _credit_again(session, record, event.correction_id) if record.recorded else None


def _add_to_record(session: Session, event: HoursCorrected, minutes: int, rate: Rate) -> None:
    """Add a correction to its record's row, which is made here if the record is still to come."""
    row = insert(CreditedRecord).values(
        record_id=event.record_id,
        volunteer_id=event.volunteer_id,
        recorded=False,
        minutes=0,
        corrected_by=minutes,
        rule_id=rate.rule.id,
        rule_version=rate.rule.version,
        rule_minutes=rate.minutes,
        rule_points=rate.points,
        worked_on=event.worked_on,
        category=event.category,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["record_id"],
            set_={"corrected_by": CreditedRecord.corrected_by + minutes},
        )
    )


def _credit_again(session: Session, record: CreditedRecord, correction_id: UUID) -> Change:
    """Count a corrected record anew by the rule it was credited by; return the difference."""
    rate = Rate(NO_RULE, record.rule_minutes, record.rule_points)
    minutes = max(0, record.minutes + record.corrected_by)
    points = rate.of(minutes)
    change = Change(
        correction_id,
        record.volunteer_id,
        minutes - record.minutes_credited,
        points - record.points_credited,
        RuleRef(record.rule_id, record.rule_version),
    )
    record.minutes_credited, record.points_credited = minutes, points
    session.flush()
    return change


def take_points(session: Session, account: Account, points: int, change: Change) -> None:
    """Take back points that a correction took away; what is missing becomes a shortfall.

    The account is locked.
    """
    taken = min(points, account.points_available)
    missing = points - taken
    account.points_available -= taken
    account.shortfall += missing
    session.flush()
    owner_id = account.volunteer_id

    def draft(debit: str, amount: int, kind: TransferKind) -> TransferDraft:
        return TransferDraft(
            debit,
            OUTSIDE,
            amount,
            kind,
            change.correction_id,
            volunteer_id=owner_id,
            actor=REGISTRATION,
            rule=change.rule,
        )

    corrected = draft(volunteer(owner_id), taken, TransferKind.CORRECTED)
    owing = draft(owed(owner_id), missing, TransferKind.OWED)
    record_transfers(session, [one for one in (corrected, owing) if one.amount])

"""What recorded and corrected hours add to accounts, and take from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Date, Text, Uuid

from services.rewards.ledger.accounts import Balance, repay
from services.rewards.ledger.journal import (
    OUTSIDE,
    REGISTRATION,
    owed,
    record_transfers,
    transfer,
    volunteer,
)
from services.rewards.models import (
    Account,
    Correction,
    CreditedRecord,
    StandingChoice,
    TransferKind,
)
from services.rewards.rules.versions import Rate, earn_rules
from shared.contracts.registration import HoursCorrected, HoursRecorded
from shared.db.statements import inserted


@dataclass(slots=True)
class Credit:
    """Minutes and points to add to one account, and the records they come from as (cause, points,
    rule).
    """

    minutes: int = 0
    points: int = 0
    sources: list[tuple[UUID, int, tuple[UUID | None, int | None]]] = field(default_factory=list)

    def add(self, other: "Credit") -> None:
        self.minutes += other.minutes
        self.points += other.points
        self.sources += other.sources


def credit_minutes(session: Session, events: Sequence[HoursRecorded]) -> list[Balance]:
    """Credit records that earn, each record once, to whom they belong now. Returns the open
    accounts that gained.

    Opens accounts that are not there yet. Debts of earlier corrections are paid first.
    """
    credits: dict[UUID, Credit] = {}
    for row in _take_records(session, events):
        credit = credits.setdefault(row.volunteer_id, Credit())
        credit.add(
            Credit(
                row.minutes_credited,
                row.points_credited,
                [(row.record_id, row.points_credited, (row.rule_id, row.rule_version))],
            )
        )
    return credit_accounts(session, credits, TransferKind.EARNED) if credits else []


_TAKE_RECORDS = text(
    """
    INSERT INTO credited_records AS mine (record_id, volunteer_id, recorded, minutes, minutes_credited,
        points_credited, rule_id, rule_version, rule_minutes, rule_points, worked_on, category)
    SELECT record_id, volunteer_id, true, minutes, minutes, minutes * rule_points / rule_minutes,
        rule_id, rule_version, rule_minutes, rule_points, worked_on, category
    FROM unnest(:record_id, :volunteer_id, :minutes, :rule_id, :rule_version, :rule_minutes, :rule_points, :worked_on,
        :category)
        AS t (record_id, volunteer_id, minutes, rule_id, rule_version, rule_minutes, rule_points, worked_on, category)
    ON CONFLICT (record_id) DO UPDATE SET
        recorded = true,
        volunteer_id = excluded.volunteer_id,
        minutes = excluded.minutes,
        minutes_credited = greatest(0, excluded.minutes + mine.corrected_by),
        points_credited = greatest(0, excluded.minutes + mine.corrected_by) * mine.rule_points / mine.rule_minutes
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


def _take_records(session: Session, events: Sequence[HoursRecorded]) -> Sequence[Any]:
    """Win each record's row, whatever came before; a record that was credited already is not among
    the rows.
    """
    rules = earn_rules(session)
    unique = sorted(
        {event.record_id: event for event in events}.values(), key=lambda event: event.record_id
    )
    rates = [rules.rate(event.category, event.worked_on) for event in unique]
    return session.execute(
        _TAKE_RECORDS,
        {
            "record_id": [event.record_id for event in unique],
            "volunteer_id": [event.volunteer_id for event in unique],
            "minutes": [event.minutes for event in unique],
            "rule_id": [rate.rule_id for rate in rates],
            "rule_version": [rate.version for rate in rates],
            "rule_minutes": [rate.minutes for rate in rates],
            "rule_points": [rate.points for rate in rates],
            "worked_on": [event.worked_on for event in unique],
            "category": [event.category for event in unique],
        },
    ).all()


_CREDIT_OPEN = text(
    """
    INSERT INTO accounts AS mine (volunteer_id, points_available, minutes_credited)
    SELECT * FROM unnest(:ids, :points, :minutes) AS t (volunteer_id, points, minutes) ORDER BY volunteer_id
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
    session: Session, credits: dict[UUID, Credit], kind: TransferKind, actor: str = REGISTRATION
) -> list[Balance]:
    """Add credits to accounts in one statement; those not open are then looked at one by one.

    A merged account's credit goes to who has it now. On a closed or erased one the minutes count,
    the points are forfeited.
    """
    balances: dict[UUID, Balance] = {}  # one per account, also when a merged one leads to it again
    rows: list[dict[str, Any]] = []
    waiting = credits
    while waiting:
        ids = sorted(waiting)
        opened = session.execute(
            _CREDIT_OPEN,
            {
                "ids": ids,
                "points": [waiting[i].points for i in ids],
                "minutes": [waiting[i].minutes for i in ids],
            },
        ).all()
        for row in opened:
            credit = waiting[row.volunteer_id]
            rows += _credited(row.volunteer_id, credit, kind, actor)
            points = row.points_available
            if row.shortfall and credit.points:
                points -= repay(
                    session, row.volunteer_id, row.shortfall, points, credit.sources[-1][0], rows
                )
            balances[row.volunteer_id] = Balance(
                row.volunteer_id,
                points,
                StandingChoice(row.standing_choice),
                row.preferred_product_id,
            )
        reached = {row.volunteer_id for row in opened}
        closed = {i: credit for i, credit in waiting.items() if i not in reached}
        waiting = _redirect(session, closed, kind, actor, rows) if closed else {}
    record_transfers(session, rows)
    return list(balances.values())


def _credited(
    volunteer_id: UUID, credit: Credit, kind: TransferKind, actor: str
) -> list[dict[str, Any]]:
    return [
        transfer(
            OUTSIDE,
            volunteer(volunteer_id),
            points,
            kind,
            cause_id,
            volunteer_id=volunteer_id,
            actor=actor,
            rule=rule,
        )
        for cause_id, points, rule in credit.sources
        if points
    ]


def _redirect(
    session: Session,
    credits: dict[UUID, Credit],
    kind: TransferKind,
    actor: str,
    rows: list[dict[str, Any]],
) -> dict[UUID, Credit]:
    """Send credits of merged accounts on to their targets; book those of closed ones as
    forfeited.
    """
    moved: dict[UUID, Credit] = {}
    for volunteer_id, credit in sorted(credits.items()):
        account = session.get_one(Account, volunteer_id, populate_existing=True)
        if account.merged_into is not None:
            moved.setdefault(account.merged_into, Credit()).add(credit)
            continue
        session.execute(
            update(Account)
            .where(Account.volunteer_id == volunteer_id)
            .values(minutes_credited=Account.minutes_credited + credit.minutes)
        )
        rows += _credited(volunteer_id, credit, kind, actor)
        rows += [
            transfer(
                volunteer(volunteer_id),
                OUTSIDE,
                points,
                TransferKind.FORFEITED,
                cause_id,
                volunteer_id=volunteer_id,
                actor=REGISTRATION,
            )
            for cause_id, points, _ in credit.sources
            if points
        ]
    return moved


@dataclass(frozen=True, slots=True)
class Change:
    """What a correction changes for a record that was credited."""

    correction_id: UUID
    volunteer_id: UUID
    minutes: int
    points: int
    rule: tuple[UUID | None, int | None]


def take_correction(session: Session, event: HoursCorrected) -> Change | None:
    """Note a correction once. Before its record it only waits there, and changes nothing yet."""
    delta = event.new_minutes - event.old_minutes
    noted = inserted(
        session,
        insert(Correction)
        .values(correction_id=event.correction_id, record_id=event.record_id, minutes=delta)
        .on_conflict_do_nothing(),
    )
    if not noted:
        return None
    rate = earn_rules(session).rate(event.category, event.worked_on)
    row = insert(CreditedRecord).values(
        record_id=event.record_id,
        volunteer_id=event.volunteer_id,
        recorded=False,
        minutes=0,
        corrected_by=delta,
        rule_id=rate.rule_id,
        rule_version=rate.version,
        rule_minutes=rate.minutes,
        rule_points=rate.points,
        worked_on=event.worked_on,
        category=event.category,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["record_id"], set_={"corrected_by": CreditedRecord.corrected_by + delta}
        )
    )
    record = session.get_one(CreditedRecord, event.record_id, populate_existing=True)
    if not record.recorded:
        return None
    minutes = max(0, record.minutes + record.corrected_by)
    points = Rate(None, None, record.rule_minutes, record.rule_points).of(minutes)
    change = Change(
        event.correction_id,
        record.volunteer_id,
        minutes - record.minutes_credited,
        points - record.points_credited,
        (record.rule_id, record.rule_version),
    )
    record.minutes_credited, record.points_credited = minutes, points
    session.flush()
    return change


def take_points(session: Session, account: Account, points: int, change: Change) -> None:
    """Take back points a correction took away; what is not there is carried as a shortfall. The
    account is locked.
    """
    taken = min(points, account.points_available)
    account.points_available -= taken
    account.shortfall += points - taken
    session.flush()
    me = account.volunteer_id
    rows = []
    if taken:
        rows.append(
            transfer(
                volunteer(me),
                OUTSIDE,
                taken,
                TransferKind.CORRECTED,
                change.correction_id,
                volunteer_id=me,
                actor=REGISTRATION,
                rule=change.rule,
            )
        )
    if points > taken:
        rows.append(
            transfer(
                owed(me),
                OUTSIDE,
                points - taken,
                TransferKind.OWED,
                change.correction_id,
                volunteer_id=me,
                actor=REGISTRATION,
                rule=change.rule,
            )
        )
    record_transfers(session, rows)

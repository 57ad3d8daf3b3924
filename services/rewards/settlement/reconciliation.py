"""The three-way match 三方对账 of a month: our journal, the channel that booked it, and the venue's own
list.

A line is first looked for by its reference (and voucher, if it names one), then by its voucher.
Every difference is one of a closed set, and is named by reference and voucher.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text, Uuid

from services.rewards.ledger import journal
from services.rewards.models import (
    Dispute,
    DisputeStatus,
    Redemption,
    Transfer,
    VenueStatement,
    VenueStatementLine,
    Voucher,
)
from services.rewards.settlement import reports
from services.rewards.settlement.months import Month, site_day
from shared.core.clock import app_now


class Kind(StrEnum):
    """How our books and the venue's list may differ. A closed set: venues program against it."""

    MISSING_AT_VENUE = "missing_at_venue"  #: we booked it, the list does not have it
    MISSING_HERE = "missing_here"  #: the list has it, we did not book it; a dispute may say why
    DOUBLED = "doubled"  #: an earlier line of the list is the same redemption
    OTHER_MONTH = "other_month"  #: we booked it in `month`, or the list of `month` has it
    OTHER_AMOUNT = "other_amount"  #: the list asks for another sum than was agreed
    OTHER_DAY = "other_day"  #: of the same month
    REVERSED_HERE = "reversed_here"  #: it was taken back


@dataclass(frozen=True, slots=True)
class Booked:
    """A redemption in our books."""

    redemption_id: UUID
    reference: str
    voucher_id: UUID
    channel: str
    day: date
    fen: int
    reversed: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the venue's list."""

    number: int
    reference: str
    voucher_id: UUID | None = None
    redeemed_on: date | None = None
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute about a reference."""

    id: UUID
    reason_code: str
    status: DisputeStatus
    holds_up: bool = False  #: open, and still in time


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that our books and the venue's list say differently."""

    kind: Kind
    reference: str
    booked: Booked | None = None
    listed: Listed | None = None
    month: Month | None = None
    dispute: Case | None = None

    @property
    def resolved(self) -> bool:
        """A person has dealt with it, or had the time to."""
        return self.dispute is not None and not self.dispute.holds_up

    @property
    def voucher_id(self) -> UUID | None:
        return (
            self.booked.voucher_id
            if self.booked
            else self.listed.voucher_id
            if self.listed
            else None
        )


@dataclass(frozen=True, slots=True)
class Books:
    """All that one match needs to know."""

    month: Month
    booked: Sequence[Booked]  #: in this month
    lines: Sequence[Listed]
    booked_elsewhere: Sequence[Booked] = ()  #: in other months, of what the lines name
    listed_elsewhere: Mapping[str, Month] = field(default_factory=dict)  #: by reference
    cases: Mapping[str, Case] = field(default_factory=dict)  #: by reference


def match(books: Books) -> Iterator[Difference]:
    """Every difference once: those of lines in the order of the list, then what the list lacks."""
    pairs = _pairs(books)
    seen: set[UUID | str] = set()
    for line, booked in zip(books.lines, pairs, strict=True):
        keys = _keys(line, booked)
        if keys & seen:
            yield Difference(Kind.DOUBLED, line.reference, booked, line)
        else:
            yield from _compare(books, line, booked)
        seen |= keys
    for booked in books.booked:
        if not booked.reversed and booked.redemption_id not in seen:
            month = books.listed_elsewhere.get(booked.reference)
            kind = Kind.OTHER_MONTH if month else Kind.MISSING_AT_VENUE
            yield Difference(kind, booked.reference, booked, month=month)


def _keys(line: Listed, booked: Booked | None) -> set[UUID | str]:
    """What makes two lines the same: the redemption, or for what we do not know the reference or
    the voucher.
    """
    if booked is not None:
        return {booked.redemption_id}
    return {line.reference} if line.voucher_id is None else {line.reference, line.voucher_id}


def _pairs(books: Books) -> list[Booked | None]:
    """For each line its redemption. Exact ones come first, so that the order of the lines does not
    matter.
    """
    known = [*books.booked_elsewhere, *books.booked]
    by_reference = {booked.reference: booked for booked in known}
    by_voucher = {
        booked.voucher_id: booked for booked in sorted(known, key=lambda b: not b.reversed)
    }
    pairs: list[Booked | None] = []
    for line in books.lines:
        booked = by_reference.get(line.reference)
        if booked is None or line.voucher_id not in (None, booked.voucher_id):
            booked = by_voucher.get(line.voucher_id) if line.voucher_id else None
        pairs.append(booked)
    return pairs


def _compare(books: Books, line: Listed, booked: Booked | None) -> Iterator[Difference]:
    if booked is None:
        yield Difference(
            Kind.MISSING_HERE, line.reference, None, line, dispute=books.cases.get(line.reference)
        )
    elif booked.reversed:
        yield Difference(Kind.REVERSED_HERE, line.reference, booked, line)
    elif not books.month.first <= booked.day < books.month.next.first:
        yield Difference(
            Kind.OTHER_MONTH, line.reference, booked, line, month=Month(booked.day.replace(day=1))
        )
    else:
        if line.amount_fen not in (None, booked.fen):
            yield Difference(Kind.OTHER_AMOUNT, line.reference, booked, line)
        if line.redeemed_on not in (None, booked.day):
            yield Difference(Kind.OTHER_DAY, line.reference, booked, line)


@dataclass(frozen=True, slots=True)
class Match:
    """What came of matching a venue's newest list for a month."""

    venue_list: VenueStatement
    differences: list[Difference]

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(difference.kind.value for difference in self.differences))

    @property
    def unresolved(self) -> dict[str, int]:
        return dict(Counter(d.kind.value for d in self.differences if not d.resolved))


def match_month(session: Session, venue_id: UUID, month: Month) -> Match | None:
    """Match a venue's newest list for a month; None where it sent none. Changes nothing."""
    newest = reports.newest(session, venue_id, month)
    if newest is None:
        return None
    booked = _booked(session, venue_id, _in_journal(venue_id, month))
    lines = _lines(session, newest.id)
    references, vouchers = {b.reference for b in booked}, {b.voucher_id for b in booked}
    strange = [
        x
        for x in lines
        if x.reference not in references or (x.voucher_id and x.voucher_id not in vouchers)
    ]
    listed = {line.reference for line in lines}
    unlisted = [b.reference for b in booked if b.reference not in listed]
    ours = {b.redemption_id for b in booked}
    elsewhere = [b for b in _named_by(session, venue_id, strange) if b.redemption_id not in ours]
    others = _other_lists(session, venue_id, month, unlisted)
    cases = _cases(session, venue_id, [line.reference for line in strange])
    return Match(newest, list(match(Books(month, booked, lines, elsewhere, others, cases))))


def _in_journal(venue_id: UUID, month: Month) -> ColumnElement[bool]:
    """Redemptions that the journal has on the venue's account in a month."""
    return and_(
        Transfer.credit_account == journal.venue(venue_id),
        Transfer.created_at >= month.since,
        Transfer.created_at < month.until,
    )


def _booked(session: Session, venue_id: UUID, which: ColumnElement[bool]) -> list[Booked]:
    """Redemptions with their entries in the journal."""
    redeemed: ColumnElement[str] = literal_column(
        "'redeemed'"
    )  # as text, so that the partial index is seen to fit
    rows = session.execute(
        select(
            Redemption.id,
            Redemption.reference,
            Redemption.voucher_id,
            Redemption.channel,
            Transfer.created_at,
            Voucher.cost_fen,
            Redemption.reversed_at.is_not(None),
        )
        .select_from(Redemption)
        .join(Transfer, and_(Transfer.kind == redeemed, Transfer.cause_id == Redemption.id))
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .where(Redemption.venue_id == venue_id, which)
        .order_by(Redemption.id)
    )
    return [Booked(*row[:4], site_day(row[4]), row[5], row[6]) for row in rows]


def _named_by(session: Session, venue_id: UUID, lines: Sequence[Listed]) -> list[Booked]:
    """What lines name by reference, or by a voucher that is redeemed now, in whatever month."""
    if not lines:
        return []
    vouchers = [line.voucher_id for line in lines if line.voucher_id]
    by_reference = _booked(
        session, venue_id, _any(Redemption.reference, [line.reference for line in lines], Text())
    )
    by_voucher = and_(
        _any(Redemption.voucher_id, vouchers, Uuid()), Redemption.reversed_at.is_(None)
    )
    return [*by_reference, *(_booked(session, venue_id, by_voucher) if vouchers else [])]


def _lines(session: Session, list_id: UUID) -> list[Listed]:
    line = VenueStatementLine
    rows = session.execute(
        select(line.number, line.reference, line.voucher_id, line.redeemed_on, line.amount_fen)
        .where(line.statement_id == list_id)
        .order_by(line.number)
    )
    return [Listed(*row) for row in rows]


def _other_lists(
    session: Session, venue_id: UUID, month: Month, references: Sequence[str]
) -> dict[str, Month]:
    """Which of these the newest lists of the months before and after have."""
    line = VenueStatementLine
    found: dict[str, Month] = {}
    for other in (month.before, month.next) if references else ():
        newest = reports.newest(session, venue_id, other)
        if newest is not None:
            named = _any(line.reference, references, Text())
            listed = session.scalars(
                select(line.reference).where(line.statement_id == newest.id, named)
            )
            found |= dict.fromkeys(listed, other)
    return found


def _cases(session: Session, venue_id: UUID, references: Sequence[str]) -> dict[str, Case]:
    """Disputes about these; of several about one, the one that somebody still has to decide."""
    if not references:
        return {}
    holds_up = and_(Dispute.status == DisputeStatus.OPEN, Dispute.due_at > app_now())
    rows = session.execute(
        select(Dispute.reference, Dispute.id, Dispute.reason_code, Dispute.status, holds_up)
        .where(Dispute.venue_id == venue_id, _any(Dispute.reference, references, Text()))
        .order_by(holds_up, Dispute.id)
    )
    return {row[0]: Case(*row[1:]) for row in rows}


def _any(column: Any, values: Sequence[Any], type_: Any) -> ColumnElement[bool]:
    """One array instead of a parameter per value: there may be 100,000."""
    return column == func.any(cast(list(values), ARRAY(type_)))

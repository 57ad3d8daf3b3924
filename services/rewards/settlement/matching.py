"""The three-way match 三方对账 of a month: journal, channel and venue report. No database here.

A line of the report is matched by its reference (and its voucher, if it names one), else by its
voucher. Each difference has a kind from a closed set and names the reference and the voucher.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.rewards.models import DisputeStatus
from services.rewards.settlement.months import Month


class DifferenceKind(StrEnum):
    """How the journal and the venue report differ. A closed set: venues program against it."""

    MISSING_AT_VENUE = "missing_at_venue"  #: we booked it, the report lacks it
    MISSING_HERE = "missing_here"  #: reported but not booked; a dispute may say why
    DOUBLED = "doubled"  #: an earlier line of the report is the same redemption
    OTHER_MONTH = "other_month"  #: booked in `month`, or in the report for `month`
    OTHER_AMOUNT = "other_amount"  #: the report names another sum than was agreed
    OTHER_DAY = "other_day"  #: the report names another day of the same month
    REVERSED_HERE = "reversed_here"  #: we booked it, and it was reversed


@dataclass(frozen=True, slots=True)
class BookedRedemption:
    """A redemption in our journal."""

    redemption_id: UUID
    reference: str
    voucher_id: UUID
    channel: str
    day: date
    fen: int
    reversed: bool


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A line of the venue report."""

    number: int
    reference: str
    voucher_id: UUID | None = None
    redeemed_on: date | None = None
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True)
class RelatedDispute:
    """A dispute about the reference of a line."""

    id: UUID
    reason_code: str
    status: DisputeStatus
    holds_up: bool = False  #: open, and still in time


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the journal and the venue report state differently."""

    kind: DifferenceKind
    reference: str
    booked: BookedRedemption | None = None
    line: ReportedLine | None = None
    month: Month | None = None
    dispute: RelatedDispute | None = None

    @property
    def resolved(self) -> bool:
        """Whether a person has decided its dispute, or had the time to."""
        return self.dispute is not None and not self.dispute.holds_up

    @property
    def voucher_id(self) -> UUID | None:
        if self.booked is not None:
            return self.booked.voucher_id
        return self.line.voucher_id if self.line is not None else None


@dataclass(frozen=True, slots=True)
class MonthRecords:
    """Everything that the match of a month needs."""

    month: Month
    booked: Sequence[BookedRedemption]  #: in this month
    lines: Sequence[ReportedLine]
    booked_elsewhere: Sequence[BookedRedemption] = ()  #: named by a line, booked in another month
    reported_elsewhere: Mapping[str, Month] = field(default_factory=dict)  #: by reference
    disputes: Mapping[str, RelatedDispute] = field(default_factory=dict)  #: by reference


def match(records: MonthRecords) -> Iterator[Difference]:
    """Yield every difference once: of lines in the report's order, then what the report lacks."""
    matched: set[UUID | str] = set()
    for line, booked in zip(records.lines, _pair(records), strict=True):
        keys = _keys(line, booked)
        if keys & matched:
            yield Difference(DifferenceKind.DOUBLED, line.reference, booked, line)
        else:
            yield from _compare(records, line, booked)
        matched |= keys
    yield from _not_reported(records, matched)


def _pair(records: MonthRecords) -> list[BookedRedemption | None]:
    """Find the redemption of each line. The order of the lines does not matter."""
    known = [*records.booked_elsewhere, *records.booked]
    by_reference = {booked.reference: booked for booked in known}
    # Reversed ones first: a later redemption of the same voucher that stands takes their place.
    standing_last = sorted(known, key=lambda booked: not booked.reversed)
    by_voucher = {booked.voucher_id: booked for booked in standing_last}
    return [_find_booked(line, by_reference, by_voucher) for line in records.lines]


def _find_booked(
    line: ReportedLine,
    by_reference: Mapping[str, BookedRedemption],
    by_voucher: Mapping[UUID, BookedRedemption],
) -> BookedRedemption | None:
    booked = by_reference.get(line.reference)
    if booked is not None and line.voucher_id in (None, booked.voucher_id):
        return booked
    return by_voucher.get(line.voucher_id) if line.voucher_id else None


def _keys(line: ReportedLine, booked: BookedRedemption | None) -> set[UUID | str]:
    """Return what two lines share if they are the same.

    That is the redemption; without one, the reference or the voucher.
    """
    if booked is not None:
        return {booked.redemption_id}
    return {line.reference} if line.voucher_id is None else {line.reference, line.voucher_id}


def _compare(
    records: MonthRecords, line: ReportedLine, booked: BookedRedemption | None
) -> Iterator[Difference]:
    reference = line.reference
    if booked is None:
        dispute = records.disputes.get(reference)
        yield Difference(DifferenceKind.MISSING_HERE, reference, None, line, dispute=dispute)
    elif booked.reversed:
        yield Difference(DifferenceKind.REVERSED_HERE, reference, booked, line)
    elif booked.day not in records.month:
        month = Month.of(booked.day)
        yield Difference(DifferenceKind.OTHER_MONTH, reference, booked, line, month)
    else:
        yield from _compare_details(line, booked)


def _compare_details(line: ReportedLine, booked: BookedRedemption) -> Iterator[Difference]:
    if line.amount_fen not in (None, booked.fen):
        yield Difference(DifferenceKind.OTHER_AMOUNT, line.reference, booked, line)
    if line.redeemed_on not in (None, booked.day):
        yield Difference(DifferenceKind.OTHER_DAY, line.reference, booked, line)


def _not_reported(records: MonthRecords, matched: Set[UUID | str]) -> Iterator[Difference]:
    """Yield redemptions that stand and that no line of the report matched."""
    for booked in records.booked:
        if booked.reversed or booked.redemption_id in matched:
            continue
        month = records.reported_elsewhere.get(booked.reference)
        kind = DifferenceKind.OTHER_MONTH if month else DifferenceKind.MISSING_AT_VENUE
        yield Difference(kind, booked.reference, booked, month=month)

"""Reconciliation of a month 对账: load our side and the venue's report, then match them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    VenueReport,
    VenueReportLine,
    Voucher,
)
from services.rewards.settlement import reports
from services.rewards.settlement.matching import (
    BookedRedemption,
    Difference,
    MonthRecords,
    RelatedDispute,
    ReportedLine,
    match,
)
from services.rewards.settlement.months import Month, site_day
from shared.core.clock import app_now
from shared.db.engine import allow_time

_RECONCILE_SECONDS = 60  #: a statement over 100,000 lines takes some


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The differences between the journal and a venue's newest report for a month."""

    report: VenueReport
    differences: list[Difference]

    @property
    def counts(self) -> dict[str, int]:
        return _count_kinds(self.differences)

    @property
    def unresolved(self) -> dict[str, int]:
        return _count_kinds(one for one in self.differences if not one.resolved)


def _count_kinds(differences: Iterable[Difference]) -> dict[str, int]:
    return dict(Counter(difference.kind.value for difference in differences))


def reconcile_month(session: Session, venue_id: UUID, month: Month) -> Reconciliation | None:
    """Match a venue's newest report for a month with the journal. Changes nothing.

    Returns None where the venue sent no report.
    """
    report = reports.newest_report(session, venue_id, month)
    if report is None:
        return None
    allow_time(session, _RECONCILE_SECONDS)
    records = _load_records(session, venue_id, month, report)
    return Reconciliation(report, list(match(records)))


def _load_records(
    session: Session, venue_id: UUID, month: Month, report: VenueReport
) -> MonthRecords:
    booked = _load_booked(session, venue_id, _in_journal(venue_id, month))
    lines = _load_lines(session, report.id)
    unmatched = _unmatched_lines(lines, booked)
    booked_ids = {redemption.redemption_id for redemption in booked}
    named = _load_named(session, venue_id, unmatched)
    reported = {line.reference for line in lines}
    unreported = [one.reference for one in booked if one.reference not in reported]
    return MonthRecords(
        month=month,
        booked=booked,
        lines=lines,
        booked_elsewhere=[one for one in named if one.redemption_id not in booked_ids],
        reported_elsewhere=_months_reporting(session, venue_id, month, unreported),
        disputes=_load_disputes(session, venue_id, [line.reference for line in unmatched]),
    )


def _unmatched_lines(
    lines: Sequence[ReportedLine], booked: Sequence[BookedRedemption]
) -> list[ReportedLine]:
    """Return lines whose reference or voucher was not booked in the month."""
    references = {redemption.reference for redemption in booked}
    vouchers = {redemption.voucher_id for redemption in booked}
    return [
        line
        for line in lines
        if line.reference not in references
        or (line.voucher_id is not None and line.voucher_id not in vouchers)
    ]


def _in_journal(venue_id: UUID, month: Month) -> ColumnElement[bool]:
    """Condition: the journal has it on the venue's account in this month."""
    return and_(
        Transfer.credit_account == journal.venue(venue_id),
        Transfer.created_at >= month.since,
        Transfer.created_at < month.until,
    )


def _load_booked(
    session: Session, venue_id: UUID, condition: ColumnElement[bool]
) -> list[BookedRedemption]:
    """Load redemptions of a venue with their journal entries."""
    # As literal text, so that the planner sees that the partial index fits.
    redeemed: ColumnElement[str] = literal_column("'redeemed'")
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
        .where(Redemption.venue_id == venue_id, condition)
        .order_by(Redemption.id)
    )
    return [BookedRedemption(*row[:4], site_day(row[4]), row[5], row[6]) for row in rows]


def _load_named(
    session: Session, venue_id: UUID, lines: Sequence[ReportedLine]
) -> list[BookedRedemption]:
    """Load redemptions of any month that lines name by reference, or by a voucher redeemed now."""
    if not lines:
        return []
    references = [line.reference for line in lines]
    found = _load_booked(session, venue_id, _any(Redemption.reference, references, Text()))
    vouchers = [line.voucher_id for line in lines if line.voucher_id]
    if vouchers:
        named = _any(Redemption.voucher_id, vouchers, Uuid())
        found += _load_booked(session, venue_id, and_(named, Redemption.reversed_at.is_(None)))
    return found


def _load_lines(session: Session, report_id: UUID) -> list[ReportedLine]:
    line = VenueReportLine
    rows = session.execute(
        select(line.number, line.reference, line.voucher_id, line.redeemed_on, line.amount_fen)
        .where(line.statement_id == report_id)
        .order_by(line.number)
    )
    return [ReportedLine(*row) for row in rows]


def _months_reporting(
    session: Session, venue_id: UUID, month: Month, references: Sequence[str]
) -> dict[str, Month]:
    """Find references in the newest reports for the month before and the month after."""
    found: dict[str, Month] = {}
    if not references:
        return found
    line = VenueReportLine
    for other in (month.before, month.next):
        report = reports.newest_report(session, venue_id, other)
        if report is not None:
            named = _any(line.reference, references, Text())
            reported = select(line.reference).where(line.statement_id == report.id, named)
            found |= dict.fromkeys(session.scalars(reported), other)
    return found


def _load_disputes(
    session: Session, venue_id: UUID, references: Sequence[str]
) -> dict[str, RelatedDispute]:
    """Load the dispute about each reference; of several, one that is still to be decided."""
    if not references:
        return {}
    holds_up = and_(Dispute.status == DisputeStatus.OPEN, Dispute.due_at > app_now())
    rows = session.execute(
        select(Dispute.reference, Dispute.id, Dispute.reason_code, Dispute.status, holds_up)
        .where(Dispute.venue_id == venue_id, _any(Dispute.reference, references, Text()))
        .order_by(holds_up, Dispute.id)
    )
    return {row[0]: RelatedDispute(*row[1:]) for row in rows}


def _any(column: Any, values: Sequence[Any], type_: Any) -> ColumnElement[bool]:
    """Compare with one array instead of a parameter per value: there may be 100,000."""
    return column == func.any(cast(list(values), ARRAY(type_)))

"""Venue reports 场馆对账单: a venue's own list of what it redeemed in a month.

The newest report for a month counts; older ones are kept unchanged.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import VenueReport, VenueReportLine
from services.rewards.settlement.months import Month
from services.rewards.venues.venues import lock_venue
from shared.core.ids import new_id
from shared.db.bulk import insert_rows
from shared.http.schemas import Code, Day, RequestModel

MOST_LINES = 100_000
_BATCH = 10_000


class ReportLine(RequestModel):
    """One redemption as the venue counts it."""

    reference: Code
    voucher_id: UUID | None = None
    redeemed_on: Day | None = None
    amount_fen: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] | None = None


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """The report that counts for a month now, and whether it was new."""

    report: VenueReport
    is_new: bool


def receive_report(
    session: Session, venue_id: UUID, month: Month, lines: Sequence[ReportLine], by: str
) -> ReceivedReport:
    """Keep a venue's report for a month; it replaces the one before.

    The same lines again change nothing. Raises VenueNotFound.
    """
    lock_venue(session, venue_id)
    earlier = newest_report(session, venue_id, month)
    body_hash = _hash(lines)
    if earlier is not None and earlier.body_hash == body_hash:
        return ReceivedReport(earlier, is_new=False)
    report = VenueReport(
        id=new_id(),
        venue_id=venue_id,
        month=month.first,
        lines=len(lines),
        body_hash=body_hash,
        uploaded_by=by,
    )
    session.add(report)
    session.flush()
    for start in range(0, len(lines), _BATCH):
        _insert_lines(session, report.id, start + 1, lines[start : start + _BATCH])
    session.refresh(report)
    return ReceivedReport(report, is_new=True)


def _insert_lines(
    session: Session, report_id: UUID, first_number: int, lines: Sequence[ReportLine]
) -> None:
    rows = [
        {
            "statement_id": report_id,
            "number": number,
            "reference": line.reference,
            "voucher_id": line.voucher_id,
            "redeemed_on": line.redeemed_on,
            "amount_fen": line.amount_fen,
        }
        for number, line in enumerate(lines, start=first_number)
    ]
    insert_rows(session, VenueReportLine, rows)


def newest_report(session: Session, venue_id: UUID, month: Month) -> VenueReport | None:
    """Return the report that counts for a month."""
    return session.scalars(
        select(VenueReport)
        .where(VenueReport.venue_id == venue_id, VenueReport.month == month.first)
        .order_by(VenueReport.id.desc())
        .limit(1)
    ).one_or_none()


def _hash(lines: Sequence[ReportLine]) -> bytes:
    """Hash what the lines state, so that the same report as CSV and as JSON is one."""
    digest = hashlib.sha256()
    for line in lines:
        values = [line.reference, _text(line.voucher_id), _text(line.redeemed_on), line.amount_fen]
        digest.update(json.dumps(values).encode())
    return digest.digest()


def _text(value: UUID | date | None) -> str | None:
    return None if value is None else str(value)

"""A venue's own list of what it took in during a month 场馆对账单. The newest counts; older ones stay as
they were.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.models import Venue, VenueStatement, VenueStatementLine
from services.rewards.settlement.months import Month
from services.rewards.venues import venues
from shared.core.ids import new_id
from shared.db.bulk import insert_rows
from shared.http.schemas import Code, Day, RequestModel

MOST_LINES = 100_000
_AT_ONCE = 10_000


class ListLine(RequestModel):
    """One redemption as the venue counts it."""

    reference: Code
    voucher_id: UUID | None = None
    redeemed_on: Day | None = None
    amount_fen: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] | None = None


def lock_venue(session: Session, venue_id: UUID) -> Venue:
    """One at a time changes what a venue and the centre agree on. Raises VenueNotFound."""
    venues.get_venue(session, venue_id)
    return session.scalars(
        select(Venue).where(Venue.id == venue_id).with_for_update(key_share=True)
    ).one()


def take_in(
    session: Session, venue_id: UUID, month: Month, lines: Sequence[ListLine], by: str
) -> tuple[VenueStatement, bool]:
    """Keep a venue's list for a month; it takes the place of the one before. Says whether it was
    new.

    The same lines again change nothing. Raises VenueNotFound.
    """
    lock_venue(session, venue_id)
    earlier = newest(session, venue_id, month)
    body_hash = _hash(lines)
    if earlier is not None and earlier.body_hash == body_hash:
        return earlier, False
    taken = VenueStatement(
        id=new_id(),
        venue_id=venue_id,
        month=month.first,
        lines=len(lines),
        body_hash=body_hash,
        uploaded_by=by,
    )
    session.add(taken)
    session.flush()
    for start in range(0, len(lines), _AT_ONCE):
        part = lines[start : start + _AT_ONCE]
        insert_rows(
            session,
            VenueStatementLine,
            [
                {
                    "statement_id": taken.id,
                    "number": number,
                    "reference": line.reference,
                    "voucher_id": line.voucher_id,
                    "redeemed_on": line.redeemed_on,
                    "amount_fen": line.amount_fen,
                }
                for number, line in enumerate(part, start=start + 1)
            ],
        )
    session.refresh(taken)
    return taken, True


def newest(session: Session, venue_id: UUID, month: Month) -> VenueStatement | None:
    """The list that counts for a month."""
    return session.scalars(
        select(VenueStatement)
        .where(VenueStatement.venue_id == venue_id, VenueStatement.month == month.first)
        .order_by(VenueStatement.id.desc())
        .limit(1)
    ).one_or_none()


def _hash(lines: Sequence[ListLine]) -> bytes:
    """Of what the lines say, not of how they were written: the same list as CSV and as JSON is the
    same.
    """
    digest = hashlib.sha256()
    for line in lines:
        digest.update(
            json.dumps(
                [line.reference, _text(line.voucher_id), _text(line.redeemed_on), line.amount_fen]
            ).encode()
        )
    return digest.digest()


def _text(value: UUID | date | None) -> str | None:
    return None if value is None else str(value)

"""Close and reopen a venue's month 结算. Each redemption is settled once, in one statement.

Of a reversal and a closing at the same moment one wins the redemption's row. A redemption that is
booked late goes into the next month that is closed.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, text, update
from sqlalchemy.orm import Session

from services.rewards.ledger import journal
from services.rewards.ledger.journal import TransferDraft
from services.rewards.models import (
    Dispute,
    DisputeStatus,
    Redemption,
    Settlement,
    TransferKind,
    Venue,
)
from services.rewards.settlement import disputes, reconciliation, reports, statement
from services.rewards.settlement.months import Month
from services.rewards.venues.venues import lock_venue
from shared.contracts.rewards import SettlementClosed, SettlementReopened
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound
from shared.db.engine import allow_time
from shared.db.statements import changed
from shared.messaging.outbox import publish

REOPENED_WITHIN = timedelta(days=60)
_NAMED = 20


class SettlementNotFound(NotFound):
    """This month was never closed."""


class VenueNotSettled(Conflict):
    """A sandbox venue is never settled."""


class MonthNotOver(Conflict):
    """This month is not over yet."""


class LaterMonthClosed(Conflict):
    """A later month is closed already and includes what was unsettled."""


class DisputesOpen(Conflict):
    """Somebody has to decide disputes first."""


class DifferencesUnresolved(Conflict):
    """The venue's report differs from our journal."""


class ClosedTooLongAgo(Conflict):
    """Only the newest closed month can be reopened, within 60 days."""


def close_month(
    session: Session, venue_id: UUID, month: Month, by: str, *, accept_differences: bool = False
) -> Settlement:
    """Settle a venue's unsettled redemptions up to a month's end, and its accepted disputes.

    Closing a closed month changes nothing. Raises VenueNotFound, VenueNotSettled, MonthNotOver,
    LaterMonthClosed, DisputesOpen, DifferencesUnresolved.
    """
    venue = lock_venue(session, venue_id)
    closed = statement.standing_settlement(session, venue_id, month)
    if closed is not None:
        return closed
    _refuse_if_not_due(session, venue, month)
    _refuse_if_disputes_are_open(session, venue_id, month)
    if not accept_differences:
        _refuse_if_differences_are_unresolved(session, venue_id, month)
    settlement = _settle(session, venue_id, month, by)
    _move_points(
        session, settlement, journal.venue(venue_id), journal.OUTSIDE, TransferKind.SETTLED, by
    )
    _publish_closed(session, settlement, month)
    session.refresh(settlement)
    return settlement


def _refuse_if_not_due(session: Session, venue: Venue, month: Month) -> None:
    if venue.sandbox:
        raise VenueNotSettled(f"Venue {venue.id} is a sandbox.")
    if not month.is_over(session):
        raise MonthNotOver(f"{month} ends at {month.until.isoformat()}.")
    newest = statement.newest_closed(session, venue.id)
    if newest is not None and newest > month:
        raise LaterMonthClosed(f"{newest} is closed.", month=str(newest))


def _refuse_if_disputes_are_open(session: Session, venue_id: UUID, month: Month) -> None:
    report = reports.newest_report(session, venue_id, month)
    holding_up = disputes.undecided(venue_id, month, report.id if report else None)
    undecided = session.scalars(holding_up).all()
    if undecided:
        raise DisputesOpen(
            f"{len(undecided)} disputes of {month} or before are open.",
            disputes=[str(dispute_id) for dispute_id in undecided[:_NAMED]],
        )


def _refuse_if_differences_are_unresolved(session: Session, venue_id: UUID, month: Month) -> None:
    found = reconciliation.reconcile_month(session, venue_id, month)
    if found is not None and found.unresolved:
        raise DifferencesUnresolved(
            f"The report for {month} and our journal differ.", differences=found.unresolved
        )


def _settle(session: Session, venue_id: UUID, month: Month, by: str) -> Settlement:
    settlement = Settlement(
        id=new_id(),
        venue_id=venue_id,
        month=month.first,
        redemptions=0,
        points=0,
        fen=0,
        disputes_fen=0,
        closed_by=by,
    )
    session.add(settlement)
    session.flush()
    allow_time(session, _SETTLE_SECONDS)
    parameters = {"venue_id": venue_id, "until": month.until, "settlement_id": settlement.id}
    sums = session.execute(_SETTLE, parameters).one()
    settlement.redemptions, settlement.points, settlement.fen = map(int, sums)
    settlement.disputes_fen = disputes.pay_accepted(session, venue_id, settlement.id)
    session.flush()
    return settlement


_SETTLE_SECONDS = 300
"""Enough for the largest venue on a busy machine; a timeout would undo everything."""

# Vouchers are locked first and in order, as everywhere. A redemption that was reversed while this
# waited for its voucher no longer matches the UPDATE and is left out: PostgreSQL evaluates the
# condition on the newest row again. The condition is written with coalesce on purpose. In plain
# form it matches the index of unsettled redemptions; after a reopening, with statistics that know
# of no unsettled redemption, the planner scanned that index once per row, and 100,000 rows took
# more than 30 s instead of 5.
_SETTLE = text("""
    WITH due AS MATERIALIZED (
        SELECT r.id AS redemption_id, v.id AS voucher_id, v.cost_fen, t.amount
        FROM redemptions r
        JOIN transfers t ON t.kind = 'redeemed' AND t.cause_id = r.id
        JOIN vouchers v ON v.id = r.voucher_id
        WHERE r.venue_id = :venue_id AND r.redeemed_at < :until
            AND r.reversed_at IS NULL AND r.settled_at IS NULL
        ORDER BY v.id FOR UPDATE OF v
    ), settled AS (
        UPDATE redemptions r SET settled_at = app_now() FROM due
        WHERE r.id = due.redemption_id AND coalesce(r.reversed_at, r.settled_at) IS NULL
        RETURNING r.id, due.voucher_id, due.cost_fen, due.amount
    ), kept AS (
        INSERT INTO settlement_lines (settlement_id, redemption_id)
        SELECT :settlement_id, id FROM settled
    ), moved AS (
        UPDATE vouchers v SET status = 'settled' FROM settled
        WHERE v.id = settled.voucher_id AND v.status = 'redeemed'
    )
    SELECT count(*), coalesce(sum(amount), 0), coalesce(sum(cost_fen), 0) FROM settled
""")


def _publish_closed(session: Session, settlement: Settlement, month: Month) -> None:
    event = SettlementClosed(
        settlement_id=settlement.id,
        venue_id=settlement.venue_id,
        month=str(month),
        redemptions=settlement.redemptions,
        points=settlement.points,
        fen=settlement.fen + settlement.disputes_fen,
    )
    publish(session, event)


def reopen_month(
    session: Session, venue_id: UUID, month: Month, reason: str, by: str
) -> Settlement:
    """Undo the newest closing of a venue. Its redemptions can be reversed, and settled again.

    Repeating it changes nothing. Raises VenueNotFound, SettlementNotFound, ClosedTooLongAgo.
    """
    lock_venue(session, venue_id)
    settlement = statement.standing_settlement(session, venue_id, month)
    if settlement is None:
        return _reopened_before(session, venue_id, month)
    newest = statement.newest_closed(session, venue_id)
    if newest != month:
        raise ClosedTooLongAgo(f"{newest} was closed after {month}.")
    _mark_reopened(session, settlement, month, reason, by)
    allow_time(session, _SETTLE_SECONDS)
    session.execute(_REOPEN, {"settlement_id": settlement.id})
    disputes.free_paid(session, settlement.id)
    _move_points(
        session, settlement, journal.OUTSIDE, journal.venue(venue_id), TransferKind.REOPENED, by
    )
    event = SettlementReopened(settlement_id=settlement.id, venue_id=venue_id, month=str(month))
    publish(session, event)
    session.refresh(settlement)
    return settlement


def _mark_reopened(
    session: Session, settlement: Settlement, month: Month, reason: str, by: str
) -> None:
    """Mark a settlement as reopened. Raises ClosedTooLongAgo."""
    reopened = session.execute(
        update(Settlement)
        .where(
            Settlement.id == settlement.id,
            Settlement.reopened_at.is_(None),
            Settlement.closed_at > app_now() - REOPENED_WITHIN,
        )
        .values(reopened_at=app_now(), reopened_by=by, reopen_reason=reason)
    )
    if not changed(reopened):
        raise ClosedTooLongAgo(f"{month} was closed at {settlement.closed_at.isoformat()}.")


_REOPEN = text("""
    WITH mine AS MATERIALIZED (
        SELECT l.redemption_id, v.id AS voucher_id
        FROM settlement_lines l
        JOIN redemptions r ON r.id = l.redemption_id
        JOIN vouchers v ON v.id = r.voucher_id
        WHERE l.settlement_id = :settlement_id AND l.stands
        ORDER BY v.id FOR UPDATE OF v
    ), freed AS (
        UPDATE redemptions r SET settled_at = NULL FROM mine WHERE r.id = mine.redemption_id
    ), back AS (
        UPDATE vouchers v SET status = 'redeemed' FROM mine
        WHERE v.id = mine.voucher_id AND v.status = 'settled'
    )
    UPDATE settlement_lines SET stands = false WHERE settlement_id = :settlement_id
""")


def _reopened_before(session: Session, venue_id: UUID, month: Month) -> Settlement:
    """Return the newest reopened settlement of a month. Raises SettlementNotFound."""
    earlier = session.scalars(
        select(Settlement)
        .where(Settlement.venue_id == venue_id, Settlement.month == month.first)
        .order_by(Settlement.id.desc())
        .limit(1)
    ).one_or_none()
    if earlier is None:
        raise SettlementNotFound(f"{month} was not closed.")
    return earlier


def _move_points(
    session: Session, settlement: Settlement, debit: str, credit: str, kind: TransferKind, by: str
) -> None:
    """Write one transfer over all redemptions; an empty month moves nothing."""
    if settlement.points:
        row = TransferDraft(
            debit, credit, settlement.points, kind, settlement.id, volunteer_id=None, actor=by
        )
        journal.record_transfers(session, [row])


def venues_to_settle(
    session: Session, month: Month, venue_id: UUID | None = None
) -> Sequence[tuple[UUID, str]]:
    """Return id and name of venues that have something to settle in a month, or to decide first."""
    due = select(Venue.id, Venue.name).where(Venue.sandbox.is_(False), _has_something_due(month))
    if venue_id is not None:
        due = due.where(Venue.id == venue_id)
    return [(row[0], row[1]) for row in session.execute(due.order_by(Venue.id))]


def _has_something_due(month: Month) -> ColumnElement[bool]:
    unsettled = exists().where(Redemption.venue_id == Venue.id, *statement.unsettled(month))
    undecided = and_(Dispute.status == DisputeStatus.OPEN, Dispute.opened_at < month.until)
    disputed = exists().where(Dispute.venue_id == Venue.id, or_(disputes.to_pay(), undecided))
    return or_(unsettled, disputed)

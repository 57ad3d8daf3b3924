"""Disputes 争议: a venue reported or listed a redemption that is not booked; a person decides.

There is one dispute per venue, reference and reason. It is decided once within 14 days, or lapses.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from services.rewards.models import Dispute, DisputeStatus, Redemption, VenueReportLine, Voucher
from services.rewards.settlement import reports
from services.rewards.settlement.months import Month
from services.rewards.venues.venues import lock_venue
from shared.contracts.rewards import DisputeDecided, DisputeOpened
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable, invalid
from shared.db.statements import changed
from shared.messaging.outbox import publish

MISSING_HERE = "missing_here"
NEVER_PAID = (MISSING_HERE, "expired", "voided")
"""Reasons where nothing else pays the venue: accepted, it is worth the voucher's cost."""
PAID_BEFORE = ("already_redeemed", "already_settled")
"""Reasons where a redemption pays the venue: accepted, it pays nothing more."""
_DEADLINE = text("app_now() + interval '14 days'")


class DisputeNotFound(NotFound):
    """There is no such dispute."""


class DisputeDecidedOtherwise(Conflict):
    """This dispute was decided before, or nobody decided it in time."""


class PaidOtherwise(Conflict):
    """This sale is paid already, or will be with its redemption."""


class NotOnYourList(Unprocessable):
    """The venue's newest report for this month has no such line."""


class NothingMissing(Conflict):
    """This redemption is booked already."""


class Decision(StrEnum):
    """What a person may decide."""

    ACCEPTED = DisputeStatus.ACCEPTED.value  #: the centre pays it
    REJECTED = DisputeStatus.REJECTED.value  #: the centre does not pay it


def open_dispute(
    session: Session, venue_id: UUID, reference: str, reason_code: str, voucher_id: UUID | None
) -> None:
    """Open a dispute about a redemption that could not be booked.

    Repeating it changes nothing. A lapsed dispute from a venue report is opened again, with a new
    deadline.
    """
    row = insert(Dispute).values(
        id=new_id(),
        venue_id=venue_id,
        reference=reference,
        reason_code=reason_code,
        voucher_id=voucher_id,
    )
    reopened = {
        "status": DisputeStatus.OPEN.value,
        "due_at": _DEADLINE,
        "decided_at": None,
        "decided_by": None,
    }
    opened_id = session.scalar(
        row.on_conflict_do_update(
            index_elements=["venue_id", "reference", "reason_code"],
            set_=reopened,
            where=and_(Dispute.status == DisputeStatus.LAPSED, Dispute.reason_code == MISSING_HERE),
        ).returning(Dispute.id)
    )
    if opened_id is not None:
        event = DisputeOpened(dispute_id=opened_id, venue_id=venue_id, reason_code=reason_code)
        publish(session, event)


def report_missing(session: Session, venue_id: UUID, month: Month, reference: str) -> Dispute:
    """Dispute a line of the venue's newest report that is not in our journal.

    Repeating it returns the same dispute. Raises NotOnYourList, and NothingMissing where a
    redemption with this reference or of this voucher is booked.
    """
    line = _reported_line(session, venue_id, month, reference)
    if _line_is_booked(session, venue_id, line):
        raise NothingMissing(f"{reference} is booked.")
    # A voucher of another venue counts as unknown.
    voucher_id = session.scalar(
        select(Voucher.id).where(Voucher.id == line.voucher_id, Voucher.venue_id == venue_id)
    )
    open_dispute(session, venue_id, reference, MISSING_HERE, voucher_id)
    return session.scalars(
        select(Dispute).where(
            Dispute.venue_id == venue_id,
            Dispute.reference == reference,
            Dispute.reason_code == MISSING_HERE,
        )
    ).one()


def _reported_line(
    session: Session, venue_id: UUID, month: Month, reference: str
) -> VenueReportLine:
    """Return the first line with this reference. Raises NotOnYourList."""
    report = reports.newest_report(session, venue_id, month)
    line = None
    if report is not None:
        line = session.scalars(
            select(VenueReportLine)
            .where(
                VenueReportLine.statement_id == report.id,
                VenueReportLine.reference == reference,
            )
            .order_by(VenueReportLine.number)
            .limit(1)
        ).one_or_none()
    if line is None:
        raise NotOnYourList(f"The report for {month} has no line {reference}.")
    return line


def _line_is_booked(session: Session, venue_id: UUID, line: VenueReportLine) -> bool:
    booked = Redemption.reference == line.reference
    if line.voucher_id is not None:
        standing = Redemption.reversed_at.is_(None)
        booked = and_(Redemption.voucher_id == line.voucher_id, or_(booked, standing))
    found = select(Redemption.id).where(Redemption.venue_id == venue_id, booked).limit(1)
    return session.scalar(found) is not None


def get_dispute(session: Session, dispute_id: UUID, venue_id: UUID | None = None) -> Dispute:
    """Return a dispute; with `venue_id` only one of that venue. Raises DisputeNotFound."""
    dispute = session.get(Dispute, dispute_id, populate_existing=True)
    if dispute is None or venue_id not in (None, dispute.venue_id):
        raise DisputeNotFound(f"No dispute {dispute_id}.")
    return dispute


def decide(
    session: Session,
    dispute_id: UUID,
    decision: Decision,
    amount_fen: int | None,
    note: str | None,
    by: str,
) -> Dispute:
    """Decide a dispute. If accepted, the venue's next settlement pays it.

    It pays `amount_fen`, or what the voucher costs. Repeating the same decision changes nothing.
    Raises DisputeNotFound, DisputeDecidedOtherwise, PaidOtherwise, and Unprocessable for an amount
    that does not fit.
    """
    dispute = _lock_dispute(session, dispute_id)
    amount = _amount_to_pay(session, dispute, decision, amount_fen)
    if amount and dispute.status is DisputeStatus.OPEN:
        _refuse_if_paid_otherwise(session, dispute)
    decided = update(Dispute).values(
        status=DisputeStatus(decision.value),
        amount_fen=amount,
        note=note,
        decided_at=app_now(),
        decided_by=by,
    )
    is_open = (Dispute.id == dispute_id, Dispute.status == DisputeStatus.OPEN)
    won = changed(session.execute(decided.where(*is_open)))
    dispute = get_dispute(session, dispute_id)
    if won:
        _publish_decided(session, [dispute])
    elif (dispute.status.value, dispute.amount_fen, dispute.note) != (decision.value, amount, note):
        raise DisputeDecidedOtherwise(
            f"Dispute {dispute_id} is {dispute.status}.", dispute_status=dispute.status
        )
    return dispute


def _lock_dispute(session: Session, dispute_id: UUID) -> Dispute:
    """Lock the venue of a dispute, so that two disputes about one sale are decided in turn."""
    venue_id = get_dispute(session, dispute_id).venue_id
    lock_venue(session, venue_id)
    return get_dispute(session, dispute_id)


def _amount_to_pay(
    session: Session, dispute: Dispute, decision: Decision, amount_fen: int | None
) -> int:
    """Return what the settlement will pay. Raises Unprocessable for an amount that does not fit."""
    if decision is Decision.REJECTED:
        return _nothing(amount_fen, "A rejected dispute pays nothing.")
    if dispute.reason_code in PAID_BEFORE:
        return _nothing(amount_fen, "This voucher is paid with its redemption: accept with 0 fen.")
    if amount_fen is None and dispute.voucher_id is not None and dispute.reason_code in NEVER_PAID:
        amount_fen = session.scalar(
            select(Voucher.cost_fen).where(Voucher.id == dispute.voucher_id)
        )
    if amount_fen is None:
        raise invalid(
            "/amount_fen",
            "The dispute does not tell its worth: name the amount in fen.",
        )
    return amount_fen


def _nothing(amount_fen: int | None, detail: str) -> int:
    if amount_fen:
        raise invalid("/amount_fen", detail)
    return 0


def _refuse_if_paid_otherwise(session: Session, dispute: Dispute) -> None:
    """Raise PaidOtherwise if the sale is booked, or another accepted dispute about it pays."""
    other = aliased(Dispute)
    accepted = exists().where(
        other.venue_id == Dispute.venue_id,
        other.id != Dispute.id,
        other.status == DisputeStatus.ACCEPTED,
        other.amount_fen > 0,
        or_(other.reference == Dispute.reference, other.voucher_id == Dispute.voucher_id),
    )
    paid = select(or_(accepted, _is_booked())).where(Dispute.id == dispute.id)
    if session.scalar(paid):
        raise PaidOtherwise(
            f"{dispute.reference} is booked, or another dispute about it was accepted."
            " Accept it with 0 fen."
        )


def _is_booked() -> ColumnElement[bool]:
    """Condition: a redemption of the dispute's reference or voucher stands."""
    return exists().where(
        Redemption.venue_id == Dispute.venue_id,
        Redemption.reversed_at.is_(None),
        or_(Redemption.reference == Dispute.reference, Redemption.voucher_id == Dispute.voucher_id),
    )


def to_pay() -> ColumnElement[bool]:
    """Condition: accepted, and no settlement has paid it.

    Where the redemption was booked after the decision, the redemption is paid and the dispute is
    not.
    """
    return and_(
        Dispute.status == DisputeStatus.ACCEPTED, Dispute.settlement_id.is_(None), ~_is_booked()
    )


def lapse(session: Session, limit: int = 500) -> int:
    """End disputes that nobody decided in time.

    Returns how many; a full batch means that there may be more.
    """
    due = (
        select(Dispute.id)
        .where(Dispute.status == DisputeStatus.OPEN, Dispute.due_at <= app_now())
        .order_by(Dispute.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    lapsed = session.scalars(
        update(Dispute)
        .where(Dispute.id.in_(due.scalar_subquery()), Dispute.status == DisputeStatus.OPEN)
        .values(status=DisputeStatus.LAPSED, decided_at=app_now(), decided_by="clock")
        .returning(Dispute)
        .execution_options(synchronize_session=False)
    ).all()
    _publish_decided(session, lapsed)
    return len(lapsed)


def _publish_decided(session: Session, disputes: Sequence[Dispute]) -> None:
    events = [
        DisputeDecided(
            dispute_id=dispute.id,
            venue_id=dispute.venue_id,
            decision=dispute.status.value,
            amount_fen=dispute.amount_fen,
        )
        for dispute in disputes
    ]
    publish(session, *events)


def undecided(venue_id: UUID, month: Month, report_id: UUID | None) -> Select[UUID]:
    """Select disputes that hold up a month.

    They are open and in time, and opened before the month's end or about a line of its report.
    """
    about_month: ColumnElement[bool] = Dispute.opened_at < month.until
    if report_id is not None:
        reported = select(VenueReportLine.reference).where(
            VenueReportLine.statement_id == report_id
        )
        about_month = or_(about_month, Dispute.reference.in_(reported))
    in_time = (Dispute.status == DisputeStatus.OPEN, Dispute.due_at > app_now())
    return (
        select(Dispute.id)
        .where(Dispute.venue_id == venue_id, *in_time, about_month)
        .order_by(Dispute.id)
    )


def pay_accepted(session: Session, venue_id: UUID, settlement_id: UUID) -> int:
    """Put accepted disputes that are not yet paid into a settlement; return their sum in fen."""
    paid = session.scalars(
        update(Dispute)
        .where(Dispute.venue_id == venue_id, to_pay())
        .values(settlement_id=settlement_id)
        .returning(Dispute.amount_fen)
        .execution_options(synchronize_session=False)
    )
    return sum(paid)


def free_paid(session: Session, settlement_id: UUID) -> None:
    """Leave the disputes that a settlement paid to the next settlement."""
    session.execute(
        update(Dispute).where(Dispute.settlement_id == settlement_id).values(settlement_id=None)
    )

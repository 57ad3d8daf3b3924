"""Cases that a person has to look at 争议: what a venue reported and we could not book, or lists and
we do not have.

One case per venue, reference and reason. It is decided once, within 14 days, or lapses.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from services.rewards.models import Dispute, DisputeStatus, Redemption, VenueStatementLine, Voucher
from services.rewards.settlement import reports
from services.rewards.settlement.months import Month
from shared.contracts.rewards import DisputeDecided, DisputeOpened
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.problems import Conflict, NotFound, Unprocessable, invalid
from shared.messaging.outbox import publish

MISSING_HERE = "missing_here"
NEVER_PAID = (MISSING_HERE, "expired", "voided")
"""What the venue gave away and would get nothing for: accepted, it is worth what the voucher costs.
"""
PAID_BEFORE = ("already_redeemed", "already_settled")
"""What is paid with the redemption it names: accepting it agrees with the venue and pays nothing
more.
"""
_DEADLINE = text("app_now() + interval '14 days'")


class DisputeNotFound(NotFound):
    """There is no such case."""


class DisputeDecidedOtherwise(Conflict):
    """This case was decided before, or nobody decided it in time."""


class PaidOtherwise(Conflict):
    """This sale is paid already, or will be with its redemption."""


class NotOnYourList(Unprocessable):
    """No such line is on the venue's newest list for this month."""


class NothingMissing(Conflict):
    """This redemption is in our books."""


class Decision(StrEnum):
    """What a person may decide."""

    ACCEPTED = DisputeStatus.ACCEPTED.value  #: the centre pays it
    REJECTED = DisputeStatus.REJECTED.value  #: the centre does not


def open_dispute(
    session: Session, venue_id: UUID, reference: str, reason_code: str, voucher_id: UUID | None
) -> None:
    """Put a case that could not be booked before a person. Once per venue, reference and reason.

    One that a list brought up and that lapsed is opened again, with a new deadline.
    """
    row = insert(Dispute).values(
        id=new_id(),
        venue_id=venue_id,
        reference=reference,
        reason_code=reason_code,
        voucher_id=voucher_id,
    )
    opened = session.scalar(
        row.on_conflict_do_update(
            index_elements=["venue_id", "reference", "reason_code"],
            set_={
                "status": DisputeStatus.OPEN.value,
                "due_at": _DEADLINE,
                "decided_at": None,
                "decided_by": None,
            },
            where=and_(Dispute.status == DisputeStatus.LAPSED, Dispute.reason_code == MISSING_HERE),
        ).returning(Dispute.id)
    )
    if opened is not None:
        publish(
            session, DisputeOpened(dispute_id=opened, venue_id=venue_id, reason_code=reason_code)
        )


def report_missing(session: Session, venue_id: UUID, month: Month, reference: str) -> Dispute:
    """Dispute a line of the venue's newest list that is not in our books. Repeating it gives the
    same case.

    Raises NotOnYourList, and NothingMissing where a redemption with this reference or of this
    voucher is booked.
    """
    newest = reports.newest(session, venue_id, month)
    line = (
        newest
        and session.scalars(
            select(VenueStatementLine)
            .where(
                VenueStatementLine.statement_id == newest.id,
                VenueStatementLine.reference == reference,
            )
            .order_by(VenueStatementLine.number)
            .limit(1)
        ).one_or_none()
    )
    if not line:
        raise NotOnYourList(f"The list for {month} has no line {reference}.")
    booked = Redemption.reference == reference
    if line.voucher_id is not None:
        standing = Redemption.reversed_at.is_(None)
        booked = and_(Redemption.voucher_id == line.voucher_id, or_(booked, standing))
    if (
        session.scalar(
            select(Redemption.id).where(Redemption.venue_id == venue_id, booked).limit(1)
        )
        is not None
    ):
        raise NothingMissing(f"{reference} is booked.")
    # A foreign voucher is an unknown one.
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


def get_dispute(session: Session, dispute_id: UUID, venue_id: UUID | None = None) -> Dispute:
    """One case; with `venue_id` only that venue's. Raises DisputeNotFound."""
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
    """End a case. Accepted, the next settlement of its venue pays `amount_fen`, or what the voucher
    costs.

    Repeating the same decision changes nothing. Raises DisputeNotFound, DisputeDecidedOtherwise,
    PaidOtherwise, and Unprocessable for an amount that does not fit.
    """
    dispute = get_dispute(session, dispute_id)
    reports.lock_venue(
        session, dispute.venue_id
    )  # two cases of one sale are decided one after another
    dispute = get_dispute(session, dispute_id)
    amount = _amount(session, dispute, decision, amount_fen)
    if amount and dispute.status is DisputeStatus.OPEN and _is_paid_otherwise(session, dispute):
        raise PaidOtherwise(
            f"{dispute.reference} is booked, or another case of it was accepted. Accept it with 0 fen."
        )
    ended = session.scalars(
        update(Dispute)
        .where(Dispute.id == dispute_id, Dispute.status == DisputeStatus.OPEN)
        .values(
            status=DisputeStatus(decision.value),
            amount_fen=amount,
            note=note,
            decided_at=app_now(),
            decided_by=by,
        )
        .returning(Dispute)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if ended is not None:
        _tell(session, [ended])
        return ended
    dispute = get_dispute(session, dispute_id)
    if (dispute.status.value, dispute.amount_fen, dispute.note) != (decision.value, amount, note):
        raise DisputeDecidedOtherwise(
            f"Dispute {dispute_id} is {dispute.status}.", dispute_status=dispute.status
        )
    return dispute


def _amount(session: Session, dispute: Dispute, decision: Decision, amount_fen: int | None) -> int:
    if decision is Decision.REJECTED:
        if amount_fen:
            raise invalid("/amount_fen", "A case that is rejected pays nothing.")
        return 0
    if dispute.reason_code in PAID_BEFORE:
        if amount_fen:
            raise invalid(
                "/amount_fen",
                "This voucher was paid for once, or will be with its redemption: 0 fen.",
            )
        return 0
    if amount_fen is None and dispute.voucher_id is not None and dispute.reason_code in NEVER_PAID:
        amount_fen = session.scalar(
            select(Voucher.cost_fen).where(Voucher.id == dispute.voucher_id)
        )
    if amount_fen is None:
        raise invalid(
            "/amount_fen",
            "What it is worth does not follow from the case: say what is paid for it, in fen.",
        )
    return amount_fen


def _is_paid_otherwise(session: Session, dispute: Dispute) -> bool:
    """Whether a redemption stands for the same sale or voucher, or another case of it was accepted
    and pays.
    """
    other = aliased(Dispute)
    accepted = exists().where(
        other.venue_id == Dispute.venue_id,
        other.id != Dispute.id,
        other.status == DisputeStatus.ACCEPTED,
        other.amount_fen > 0,
        or_(other.reference == Dispute.reference, other.voucher_id == Dispute.voucher_id),
    )
    return bool(session.scalar(select(or_(accepted, _is_booked())).where(Dispute.id == dispute.id)))


def _is_booked() -> ColumnElement[bool]:
    """A redemption stands for the sale or the voucher of a case."""
    return exists().where(
        Redemption.venue_id == Dispute.venue_id,
        Redemption.reversed_at.is_(None),
        or_(Redemption.reference == Dispute.reference, Redemption.voucher_id == Dispute.voucher_id),
    )


def to_pay() -> ColumnElement[bool]:
    """Accepted, and no settlement has paid it.

    Where the redemption came in after all, later than the decision, it is paid as such and the case
    is not.
    """
    return and_(
        Dispute.status == DisputeStatus.ACCEPTED, Dispute.settlement_id.is_(None), ~_is_booked()
    )


def lapse(session: Session, limit: int = 500) -> int:
    """End cases that nobody decided in time. Returns how many; a full batch means there may be
    more.
    """
    due = (
        select(Dispute.id)
        .where(Dispute.status == DisputeStatus.OPEN, Dispute.due_at <= app_now())
        .order_by(Dispute.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ended = session.scalars(
        update(Dispute)
        .where(Dispute.id.in_(due.scalar_subquery()), Dispute.status == DisputeStatus.OPEN)
        .values(status=DisputeStatus.LAPSED, decided_at=app_now(), decided_by="clock")
        .returning(Dispute)
        .execution_options(synchronize_session=False)
    ).all()
    _tell(session, ended)
    return len(ended)


def _tell(session: Session, ended: Sequence[Dispute]) -> None:
    publish(
        session,
        *(
            DisputeDecided(
                dispute_id=d.id,
                venue_id=d.venue_id,
                decision=d.status.value,
                amount_fen=d.amount_fen,
            )
            for d in ended
        ),
    )


def undecided(venue_id: UUID, month: Month, list_id: UUID | None) -> Select[UUID]:
    """Cases that hold up a month: open, in time, and of that month or before, or about a line of
    the list for it.
    """
    of_the_month: ColumnElement[bool] = Dispute.opened_at < month.until
    if list_id is not None:
        listed = select(VenueStatementLine.reference).where(
            VenueStatementLine.statement_id == list_id
        )
        of_the_month = or_(of_the_month, Dispute.reference.in_(listed))
    waiting = (Dispute.status == DisputeStatus.OPEN, Dispute.due_at > app_now())
    return (
        select(Dispute.id)
        .where(Dispute.venue_id == venue_id, *waiting, of_the_month)
        .order_by(Dispute.id)
    )


def pay_accepted(session: Session, venue_id: UUID, settlement_id: UUID) -> int:
    """Put accepted cases that no settlement has paid into this one; returns their sum in fen."""
    paid = session.scalars(
        update(Dispute)
        .where(Dispute.venue_id == venue_id, to_pay())
        .values(settlement_id=settlement_id)
        .returning(Dispute.amount_fen)
        .execution_options(synchronize_session=False)
    )
    return sum(paid)


def free_paid(session: Session, settlement_id: UUID) -> None:
    """What a settlement paid waits for the next one."""
    session.execute(
        update(Dispute).where(Dispute.settlement_id == settlement_id).values(settlement_id=None)
    )

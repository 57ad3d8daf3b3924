"""Hours that another service proposes.

A granted wish took time, but only its station knows from when to when.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from services.registration.policy import LONGEST
from services.registration.service_records import Submission, Work, record_hours
from shared.contracts.registration import Origin
from shared.contracts.wishes import ClaimerKind, WishConfirmed
from shared.core.logs import get_logger

log = get_logger(__name__)

BY_WISHES = Submission(
    client="wishes", recorded_by="wishes", origin=Origin.SYSTEM, times_known=False
)


def propose_hours(session: Session, events: list[WishConfirmed]) -> None:
    """Store the minutes that volunteers propose as pending records, once per wish.

    The record belongs to the wish's station, which gives the real times when it approves.
    """
    works = [_proposed_work(event) for event in events if _proposes_hours(event)]
    if not works:
        return
    outcomes = record_hours(session, works, BY_WISHES)
    for work, outcome in zip(works, outcomes, strict=True):
        if outcome.problem is not None:
            reason = outcome.problem.slug()
            log.warning("proposed hours not stored", wish_id=work.reference, reason=reason)


def _proposes_hours(event: WishConfirmed) -> bool:
    return event.proposed_minutes > 0 and event.claimer_kind is ClaimerKind.VOLUNTEER


def _proposed_work(event: WishConfirmed) -> Work:
    # Stand-in times that end with the confirmation: they block no other record.
    ended_at = event.envelope.time
    return Work(
        volunteer_id=event.claimer_id,
        organisation_id=event.station_id,
        started_at=ended_at - min(timedelta(minutes=event.proposed_minutes), LONGEST),
        ended_at=ended_at,
        category="wish",
        reference=str(event.wish_id),
    )

"""Hours that another service proposes: a granted wish took time, but only its station knows from
when to when.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from services.registration.policy import LONGEST
from services.registration.service_records import Work, record_hours
from shared.contracts.registration import Origin
from shared.contracts.wishes import ClaimerKind, WishConfirmed
from shared.core.logs import get_logger

log = get_logger(__name__)


def propose_hours(session: Session, events: list[WishConfirmed]) -> None:
    """Keep the proposed minutes of volunteers as pending records at the wish's station, once per
    wish.

    The times are stand-ins that end with the confirmation; they block nothing until the station
    gives the real ones.
    """
    works = [
        Work(
            event.claimer_id,
            event.station_id,
            event.envelope.time - min(timedelta(minutes=event.proposed_minutes), LONGEST),
            event.envelope.time,
            "wish",
            str(event.wish_id),
        )
        for event in events
        if event.proposed_minutes > 0 and event.claimer_kind is ClaimerKind.VOLUNTEER
    ]
    if not works:
        return
    outcomes = record_hours(
        session,
        works,
        client="wishes",
        recorded_by="wishes",
        origin=Origin.SYSTEM,
        times_known=False,
    )
    for work, outcome in zip(works, outcomes, strict=True):
        if outcome.problem is not None:
            log.warning(
                "proposed hours not kept", wish_id=work.reference, reason=outcome.problem.slug()
            )

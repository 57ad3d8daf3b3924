"""Alerts: sending them through the channels, and reading them.

Alerts of merged people are not moved: reading follows the merges.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, update
from sqlalchemy.orm import Session

from services.notify.audiences import AlertDraft
from services.notify.channels import CHANNELS
from services.notify.models import Alert, ErasedPerson, MergedPerson
from services.notify.outcomes import Accepted
from services.notify.preferences import muted_topics_of
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.core.problems import NotFound
from shared.db.statements import changed

log = get_logger(__name__)


class AlertNotFound(NotFound):
    """There is no such alert in your inbox."""


def send_alerts(session: Session, drafts: Sequence[AlertDraft]) -> None:
    """Send alerts through every channel, and log those that a channel did not accept."""
    for name, channel in CHANNELS.items():
        outcomes = channel.send(session, drafts)
        for draft, outcome in zip(drafts, outcomes, strict=True):
            if not isinstance(outcome, Accepted):
                log.warning(
                    "alert not accepted",
                    channel=name,
                    event_id=str(draft.event_id),
                    template=draft.template,
                    outcome=repr(outcome),
                )


def alerts_of(session: Session, person_id: UUID, *, unread: bool | None = None) -> Select[Any]:
    """Select a person's alerts, also those of their duplicates, without muted topics."""
    statement = select(Alert).where(_addressed_to(same_person(session, person_id)))
    muted = muted_topics_of(session, person_id)
    if muted:
        statement = statement.where(Alert.topic.not_in(muted))
    if unread is not None:
        # Written out, so that PostgreSQL can use the partial index of unread alerts.
        read_state = Alert.read_at.is_(None) if unread else Alert.read_at.is_not(None)
        statement = statement.where(read_state)
    return statement


def read_alert(session: Session, alert_id: UUID, inboxes: Iterable[UUID]) -> Alert:
    """Mark an alert of one of these inboxes as read. The first moment stays.

    Raises AlertNotFound.
    """
    everyone = [person for inbox in inboxes for person in same_person(session, inbox)]
    mine = (Alert.id == alert_id, _addressed_to(everyone))
    session.execute(
        update(Alert)
        .where(*mine)
        .values(read_at=func.coalesce(Alert.read_at, app_now()))
        .execution_options(synchronize_session=False)
    )
    alert = session.scalar(select(Alert).where(*mine))
    if alert is None:
        raise AlertNotFound(f"No alert {alert_id}.")
    return alert


def same_person(session: Session, person_id: UUID) -> Sequence[UUID]:
    """Return the person and everyone merged into them, over any number of steps."""
    merged = select(literal(person_id).label("id")).cte("merged", recursive=True)
    merged = merged.union(select(MergedPerson.person_id).where(MergedPerson.into_id == merged.c.id))
    return session.scalars(select(merged.c.id)).all()


def erase_late_alerts(session: Session) -> int:
    """Delete alerts that were written while their person was being erased. Returns how many."""
    return changed(
        session.execute(delete(Alert).where(Alert.person_id.in_(select(ErasedPerson.person_id))))
    )


def _addressed_to(people: Sequence[UUID]) -> ColumnElement[bool]:
    # Most people have no duplicates, and `=` lets PostgreSQL read the index in order of id.
    return Alert.person_id == people[0] if len(people) == 1 else Alert.person_id.in_(people)

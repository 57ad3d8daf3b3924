"""Alerts: sending them through the channels, and reading them.

Alerts of merged people are not moved: reading follows the merges.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session

from services.notify.audiences import AlertDraft
from services.notify.channels import CHANNELS
from services.notify.models import Alert, ErasedPerson
from services.notify.outcomes import Accepted
from services.notify.preferences import muted_topics_of, same_people
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.core.problems import NotFound
from shared.db.statements import among, changed

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
    statement = select(Alert).where(_addressed_to(same_people(session, [person_id])))
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
    everyone = same_people(session, inboxes)
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


def erase_late_alerts(session: Session) -> int:
    """Delete alerts that were written while their person was being erased. Returns how many."""
    return changed(
        session.execute(delete(Alert).where(Alert.person_id.in_(select(ErasedPerson.person_id))))
    )


def _addressed_to(people: Sequence[UUID]) -> ColumnElement[bool]:
    # Most people have no duplicates, and `=` lets PostgreSQL read the index in order of id.
    return Alert.person_id == people[0] if len(people) == 1 else among(Alert.person_id, people)

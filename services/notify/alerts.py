"""Alerts as their readers see them. Who merged into whom is followed at reading, so nothing has to
be moved in time.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, literal, select, update
from sqlalchemy.orm import Session

from services.notify.models import Alert, ErasedPerson, MergedPerson
from services.notify.preferences import muted_topics_of
from shared.core.clock import app_now
from shared.core.problems import NotFound
from shared.db.statements import changed


class AlertNotFound(NotFound):
    """There is no such alert in your inbox."""


def alerts_of(session: Session, person_id: UUID, *, unread: bool | None = None) -> Select[Any]:
    """A person's alerts, also those addressed to duplicates of them; muted topics are left out."""
    everyone = same_person(session, person_id)
    mine = Alert.person_id.in_(everyone) if len(everyone) > 1 else Alert.person_id == person_id
    statement = select(Alert).where(mine)
    muted = muted_topics_of(session, person_id)
    if muted:
        statement = statement.where(Alert.topic.not_in(muted))
    if unread is not None:
        statement = statement.where(
            Alert.read_at.is_(None) if unread else Alert.read_at.is_not(None)
        )
    return statement


def read_alert(session: Session, alert_id: UUID, inboxes: Iterable[UUID]) -> Alert:
    """Mark an alert of one of these inboxes as read. The first moment stays. Raises
    AlertNotFound.
    """
    everyone = [person for inbox in inboxes for person in same_person(session, inbox)]
    session.execute(
        update(Alert)
        .where(Alert.id == alert_id, Alert.person_id.in_(everyone))
        .values(read_at=func.coalesce(Alert.read_at, app_now()))
        .execution_options(synchronize_session=False)
    )
    alert = session.scalar(select(Alert).where(Alert.id == alert_id, Alert.person_id.in_(everyone)))
    if alert is None:
        raise AlertNotFound(f"No alert {alert_id}.")
    return alert


def same_person(session: Session, person_id: UUID) -> Sequence[UUID]:
    """The person and everyone merged into them, over any number of steps."""
    merged = select(literal(person_id).label("id")).cte("merged", recursive=True)
    merged = merged.union(select(MergedPerson.person_id).where(MergedPerson.into_id == merged.c.id))
    return session.scalars(select(merged.c.id)).all()


def forget_erased_people(session: Session) -> int:
    """Delete alerts that slipped in while their person was being erased. Returns how many."""
    return changed(
        session.execute(delete(Alert).where(Alert.person_id.in_(select(ErasedPerson.person_id))))
    )

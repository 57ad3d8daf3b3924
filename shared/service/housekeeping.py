"""How long the tables that every service has keep their rows: one hourly job, in batches.

Ids are UUIDv7, so the primary key finds old rows. Each batch is a transaction of its own, so that
a large backlog does not time out as a whole.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.auth.tokens import LONGEST_TOKEN
from shared.auth.withdrawn import DeniedPerson
from shared.core import clock
from shared.core.clock import app_now
from shared.core.ids import oldest_id_of
from shared.db.engine import transaction
from shared.db.statements import changed
from shared.http.idempotency import forget_old_keys
from shared.jobs.periodic import JobRun, periodic, work_off
from shared.messaging.inbox import InboxRow
from shared.messaging.outbox import OutboxRow
from shared.messaging.turns import forget_old_turns

FEED_KEPT = timedelta(days=30)
INBOX_KEPT = timedelta(days=45)
"""Longer than the feed: an inbox knows every event that a feed still shows."""
BATCH = 5_000


def declare(service: str) -> Callable[[], None]:
    """Give a service its hourly `service.forget_old_rows` job."""

    @periodic(f"{service}.forget_old_rows", every_seconds=3600)
    def forget() -> None:
        with transaction() as session:
            forget_small_tables(session)
        work_off(forget_published, BATCH)
        work_off(forget_received, BATCH)

    return forget  # type: ignore[no-any-return]


def forget_small_tables(session: Session) -> None:
    """Delete old idempotency keys, runs of jobs, turns of loops, and denials of old tokens."""
    forget_old_keys(session)
    forget_old_turns(session)
    session.execute(delete(JobRun).where(JobRun.started_at < app_now() - INBOX_KEPT))
    too_old = DeniedPerson.valid_from < app_now() - LONGEST_TOKEN
    session.execute(delete(DeniedPerson).where(too_old))


def forget_published(session: Session, limit: int) -> int:
    """Delete up to `limit` published events older than 30 days; returns how many."""
    old = OutboxRow.id < oldest_id_of(clock.now() - FEED_KEPT)
    batch = (
        select(OutboxRow.id)
        .where(old, OutboxRow.published_at.is_not(None))
        .order_by(OutboxRow.id)
        .limit(limit)
    )
    return changed(session.execute(delete(OutboxRow).where(OutboxRow.id.in_(batch))))


def forget_received(session: Session, limit: int) -> int:
    """Delete up to `limit` inbox rows of events older than 45 days; returns how many."""
    old = InboxRow.event_id < oldest_id_of(clock.now() - INBOX_KEPT)
    batch = select(InboxRow.event_id).where(old).order_by(InboxRow.event_id).limit(limit)
    return changed(session.execute(delete(InboxRow).where(InboxRow.event_id.in_(batch))))

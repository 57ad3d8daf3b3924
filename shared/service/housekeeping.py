"""Retention of the plumbing's tables, the same in every service: one periodic job each, in batches.

Ids are UUIDv7, so the primary key finds what is old; each batch is a transaction of its own, so
that a large backlog is worked off instead of timing out as a whole.
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
from shared.jobs.periodic import JobRun, periodic
from shared.messaging.inbox import InboxRow
from shared.messaging.outbox import OutboxRow

FEED_KEPT = timedelta(days=30)
INBOX_KEPT = timedelta(days=45)
"""Longer than the feed, so that no fact still in a feed is ever forgotten by an inbox."""
BATCH = 5_000


def declare(service: str) -> Callable[[], None]:
    """Give a service its hourly `service.forget_old_rows` job."""

    @periodic(f"{service}.forget_old_rows", every_seconds=3600)
    def forget() -> None:
        with transaction() as session:
            forget_old_keys(session)
            session.execute(delete(JobRun).where(JobRun.started_at < app_now() - INBOX_KEPT))
            session.execute(
                delete(DeniedPerson).where(DeniedPerson.valid_from < app_now() - LONGEST_TOKEN)
            )
        for forget_some in (forget_published, forget_heard):
            while forget_once(forget_some) == BATCH:
                pass

    return forget  # type: ignore[no-any-return]


def forget_once(forget_some: Callable[[Session], int]) -> int:
    with transaction() as session:
        return forget_some(session)


def forget_published(session: Session) -> int:
    """Delete up to a batch of facts that were published and are older than 30 days; returns how
    many.
    """
    old = OutboxRow.id < oldest_id_of(clock.now() - FEED_KEPT)
    batch = (
        select(OutboxRow.id)
        .where(old, OutboxRow.published_at.is_not(None))
        .order_by(OutboxRow.id)
        .limit(BATCH)
    )
    return changed(session.execute(delete(OutboxRow).where(OutboxRow.id.in_(batch))))


def forget_heard(session: Session) -> int:
    """Delete up to a batch of inbox rows of facts that are older than 45 days; returns how many."""
    old = InboxRow.event_id < oldest_id_of(clock.now() - INBOX_KEPT)
    batch = select(InboxRow.event_id).where(old).order_by(InboxRow.event_id).limit(BATCH)
    return changed(session.execute(delete(InboxRow).where(InboxRow.event_id.in_(batch))))

"""Retention of the plumbing's tables, the same in every service: one periodic job each, in batches."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from shared.clock import app_now
from shared.db import transaction
from shared.idempotency import forget_old_keys
from shared.inbox import InboxRow
from shared.outbox import OutboxRow
from shared.worker import JobRun, periodic

FEED_KEPT = timedelta(days=30)
INBOX_KEPT = timedelta(days=45)
"""Longer than the feed, so that no fact still in a feed is ever forgotten by an inbox."""


def declare(service: str) -> Callable[[], None]:
    """Give a service its hourly `service.forget_old_rows` job."""

    @periodic(f"{service}.forget_old_rows", every_seconds=3600)
    def forget() -> None:
        with transaction() as session:
            forget_old_rows(session)

    return forget  # type: ignore[no-any-return]


def forget_old_rows(session: Session) -> None:
    """Published facts after 30 days, inbox rows after 45, answers to repeated requests after 24 hours."""
    forget_old_keys(session)
    session.execute(
        delete(OutboxRow).where(OutboxRow.published_at.is_not(None), OutboxRow.created_at < app_now() - FEED_KEPT)
    )
    session.execute(delete(InboxRow).where(InboxRow.received_at < app_now() - INBOX_KEPT))
    session.execute(delete(JobRun).where(JobRun.started_at < app_now() - INBOX_KEPT))

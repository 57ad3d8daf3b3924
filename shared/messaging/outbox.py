"""The outbox: an event is a row in the transaction of the change that it reports.

A relay hands the rows to the broker later. No request waits for a broker.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Identity, Index, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.contracts.base import Event
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.logs import current_traceparent
from shared.db.types import Plumbing, Xid8
from shared.messaging.epoch import CURRENT_EPOCH


class OutboxRow(Plumbing):
    """An event of this service. Kept 30 days after it was published, for the feed."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The event id, everywhere."""
    sequence: Mapped[int] = mapped_column(Identity(always=True))
    """Taken while the aggregate's row is locked, so it grows per aggregate. Has gaps."""
    txid: Mapped[str] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))
    """The order of the feed. It shows only rows below the oldest running transaction, so that it
    skips no late commit."""
    type: Mapped[str]
    version: Mapped[int]
    subject: Mapped[str]
    data: Mapped[str]
    """The event's fields as JSON text: written once, never queried into."""
    traceparent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    published_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_outbox_unpublished", "sequence", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_feed", "txid", "id"),
    )


def publish(session: Session, *events: Event) -> list[UUID]:
    """Publish events in the caller's transaction, in one statement. Returns their ids.

    Call it after the statement that changed the aggregate, so that its row lock orders the
    `sequence`.
    """
    if not events:
        return []
    traceparent = current_traceparent()
    ids = [new_id() for _ in events]
    rows = [
        {
            "id": event_id,
            "type": event.type,
            "version": event.version,
            "subject": event.subject,
            "data": event.model_dump_json(),
            "traceparent": traceparent,
        }
        for event_id, event in zip(ids, events, strict=True)
    ]
    session.execute(insert(OutboxRow), rows)
    return ids


ENVELOPE_COLUMNS = (
    OutboxRow.id,
    OutboxRow.sequence,
    OutboxRow.type,
    OutboxRow.version,
    OutboxRow.subject,
    OutboxRow.data,
    OutboxRow.traceparent,
    OutboxRow.created_at,
    CURRENT_EPOCH.label("epoch"),
)


class EnvelopeRow(Protocol):
    """A row of `ENVELOPE_COLUMNS`: what the message of an event is built from."""

    id: UUID
    sequence: int
    type: str
    version: int
    subject: str
    data: str
    traceparent: str | None
    created_at: datetime
    epoch: UUID | None

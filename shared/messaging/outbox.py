"""The publishing side: a fact is a row in the same transaction as the change it tells of; a relay
hands it on.

Nothing here talks to a broker while a request waits.
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


class OutboxRow(Plumbing):
    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The event id, everywhere."""
    sequence: Mapped[int] = mapped_column(Identity(always=True))
    """Taken while the aggregate's row is locked, so it grows per aggregate. Has gaps."""
    txid: Mapped[str] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))
    """The feed's order: shown only below the oldest running transaction, so a late commit is never
    skipped.
    """
    type: Mapped[str]
    version: Mapped[int]
    subject: Mapped[str]
    data: Mapped[str]
    """The fact as JSON text: written once, never queried into."""
    traceparent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=app_now())
    published_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_outbox_unpublished", "sequence", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_feed", "txid", "id"),
    )


def publish(session: Session, *events: Event) -> list[UUID]:
    """Announce facts in the caller's transaction, in one statement. Returns their event ids.

    Call it after the statement that changed the aggregate, so that its row lock orders the
    `sequence`.
    """
    if not events:
        return []
    traceparent = current_traceparent()
    rows = [
        {
            "id": new_id(),
            "type": event.type,
            "version": event.version,
            "subject": event.subject,
            "data": event.model_dump_json(),
            "traceparent": traceparent,
        }
        for event in events
    ]
    session.execute(insert(OutboxRow), rows)
    return [row["id"] for row in rows]  # type: ignore[misc]


ENVELOPE_COLUMNS = (
    OutboxRow.id,
    OutboxRow.sequence,
    OutboxRow.type,
    OutboxRow.version,
    OutboxRow.subject,
    OutboxRow.data,
    OutboxRow.traceparent,
    OutboxRow.created_at,
)


class EnvelopeRow(Protocol):
    id: UUID
    sequence: int
    type: str
    version: int
    subject: str
    data: str
    traceparent: str | None
    created_at: datetime

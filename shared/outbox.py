"""The publishing side: a fact is a row in the same transaction as the change it tells of; a relay hands it on.

Nothing here talks to a broker while a request waits. Any number of relays may run: `SKIP LOCKED` shares the rows.
"""

from collections.abc import Sequence
from datetime import datetime
from json import dumps
from typing import Protocol
from uuid import UUID

from sqlalchemy import Identity, Index, insert, text, update
from sqlalchemy import select as sql_select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.clock import app_now
from shared.contracts import Fact, catalogue
from shared.db import Database, Plumbing, Xid8
from shared.ids import new_id
from shared.logs import current_traceparent, get_logger
from shared.metrics import PUBLISHED

log = get_logger(__name__)


class OutboxRow(Plumbing):
    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The event id, everywhere."""
    sequence: Mapped[int] = mapped_column(Identity(always=True))
    """Taken while the aggregate's row is locked, so it grows per aggregate. Has gaps."""
    txid: Mapped[str] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))
    """The feed's order: shown only below the oldest running transaction, so a late commit is never skipped."""
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


def publish(session: Session, *facts: Fact) -> list[UUID]:
    """Announce facts in the caller's transaction, in one statement. Returns their event ids.

    Call it after the statement that changed the aggregate, so that its row lock orders the `sequence`.
    """
    if not facts:
        return []
    traceparent = current_traceparent()
    rows = [
        {
            "id": new_id(),
            "type": fact.type,
            "version": fact.version,
            "subject": fact.subject,
            "data": fact.model_dump_json(),
            "traceparent": traceparent,
        }
        for fact in facts
    ]
    session.execute(insert(OutboxRow), rows)
    return [row["id"] for row in rows]  # type: ignore[misc]


ENVELOPE_COLUMNS = (
    OutboxRow.id, OutboxRow.sequence, OutboxRow.type, OutboxRow.version, OutboxRow.subject, OutboxRow.data,
    OutboxRow.traceparent, OutboxRow.created_at,
)  # fmt: skip


class EnvelopeRow(Protocol):
    id: UUID
    sequence: int
    type: str
    version: int
    subject: str
    data: str
    traceparent: str | None
    created_at: datetime


def cloud_event(source: str, row: EnvelopeRow) -> bytes:
    """The row as a structured CloudEvents 1.0 JSON message; `data` is put in as it was stored."""
    attributes = {
        "specversion": "1.0",
        "id": str(row.id),
        "source": f"/{source}",
        "type": row.type,
        "subject": row.subject,
        "time": row.created_at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"/events/{source}/{row.type}/v{row.version}",
        "sequence": str(row.sequence),
    }
    if row.traceparent:
        attributes["traceparent"] = row.traceparent
    return (dumps(attributes, ensure_ascii=False)[:-1] + ', "data": ' + row.data + "}").encode()


class Publisher(Protocol):
    """Hands a batch to the broker; returns the ids that no queue took. Raises when in doubt about any of them."""

    def publish(self, batch: Sequence["Message"]) -> set[UUID]: ...


class Message:
    """One message for the broker. `mandatory`: somebody hears this type, so no queue taking it is a fault."""

    __slots__ = ("body", "id", "mandatory", "routing_key")

    def __init__(self, id_: UUID, routing_key: str, body: bytes, mandatory: bool) -> None:
        self.id, self.routing_key, self.body, self.mandatory = id_, routing_key, body, mandatory


def relay_batch(database: Database, publisher: Publisher, limit: int) -> int:
    """Publish up to `limit` waiting rows and mark those a queue took. Returns how many were taken.

    The rows stay locked meanwhile, so a second relay passes over them. A crash before the commit publishes them again:
    listeners know an event id once.
    """
    with database.transaction() as session:
        rows = session.execute(
            sql_select(*ENVELOPE_COLUMNS)
            .where(OutboxRow.published_at.is_(None))
            .order_by(OutboxRow.sequence)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        if not rows:
            return 0
        refused = publisher.publish([_message(database.service, row) for row in rows])
        taken = [row.id for row in rows if row.id not in refused]
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == text("ANY(:taken)"))
            .values(published_at=app_now())
            .execution_options(synchronize_session=False),
            {"taken": taken},
        )
    PUBLISHED.labels(database.service, "taken").inc(len(taken))
    if refused:
        PUBLISHED.labels(database.service, "unroutable").inc(len(refused))
        log.warning("facts that no queue took", service=database.service, count=len(refused))
    return len(taken)


def _message(source: str, row: EnvelopeRow) -> Message:
    contract = catalogue().get((row.type, row.version))
    heard = contract is not None and bool(contract.heard_by)
    return Message(row.id, f"{source}.{row.type}", cloud_event(source, row), mandatory=heard)

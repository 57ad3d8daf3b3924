"""The relay: publishes outbox rows. Any number may run: `SKIP LOCKED` shares the rows."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from kombu import Connection
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.contracts.base import catalogue
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.core.metrics import PUBLISHED
from shared.db.contention import is_passing, took_too_long
from shared.db.engine import Database
from shared.db.statements import among
from shared.messaging.broker.connection import keep_connected, reader_of
from shared.messaging.broker.publisher import Blocked, Message, Publisher, publisher_over
from shared.messaging.broker.topology import declare_topology, on_amqp
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import ENVELOPE_COLUMNS, EnvelopeRow, OutboxRow
from shared.messaging.turns import Loop, LoopKind, Trouble, unwatched

log = get_logger(__name__)

DECLARE_EVERY_SECONDS = 30
RELAY_BATCH = 500
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.2  #: seconds between two looks at an idle outbox
AWAY_PAUSE = 1.0


def relay_batch(database: Database, publisher: Publisher, limit: int) -> int:
    """Publish up to `limit` waiting rows and mark those a queue took. Returns how many were taken.

    The rows stay locked meanwhile, so a second relay passes over them. After a crash before the
    commit they are published again; an inbox takes in each event id once.
    """
    with database.transaction() as session:
        rows = _waiting(session, limit)
        if not rows:
            return 0
        refused = publisher.publish([_message(database.service, row) for row in rows])
        taken = [row.id for row in rows if row.id not in refused]
        _mark_published(session, taken)
    PUBLISHED.labels(database.service, "taken").inc(len(taken))
    if refused:
        PUBLISHED.labels(database.service, "unroutable").inc(len(refused))
        log.warning("no queue took events", service=database.service, count=len(refused))
    return len(taken)


def _waiting(session: Session, limit: int) -> Sequence[EnvelopeRow]:
    waiting = (
        select(*ENVELOPE_COLUMNS)
        .where(OutboxRow.published_at.is_(None))
        .order_by(OutboxRow.sequence)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.execute(waiting).all()


def _mark_published(session: Session, ids: Iterable[UUID]) -> None:
    published = (
        update(OutboxRow)
        .where(among(OutboxRow.id, ids))
        .values(published_at=app_now())
        .execution_options(synchronize_session=False)
    )
    session.execute(published)


def _message(source: str, row: EnvelopeRow) -> Message:
    contract = catalogue().get((row.type, row.version))
    handled = contract is not None and bool(contract.handled_by)
    body = Envelope.of(source, row).to_bytes()
    return Message(row.id, f"{source}.{row.type}", body, mandatory=handled)


def relay(database: Database, url: str, stop: threading.Event, loop: Loop | None = None) -> None:
    """Publish outbox rows until `stop` is set.

    Rows that wait are published at once. An idle outbox is looked at every 200 ms, a missing
    database or a broker that takes nothing once a second.
    """

    watched = loop or unwatched(LoopKind.RELAY)

    def work(connection: Connection) -> None:
        _relay_over(connection, database, stop, watched)

    keep_connected(f"relay.{database.service}", stop, url, work, watched)


def _relay_over(
    connection: Connection, database: Database, stop: threading.Event, loop: Loop
) -> None:
    publisher = publisher_over(connection)
    declared, pause = time.monotonic(), SHORTEST_PAUSE
    while not stop.is_set():
        taken = _relay_batch_if_possible(database, publisher)
        loop.turn(Trouble.DATABASE_AWAY if taken is None else None)
        pause = _next_pause(pause, taken)
        if taken is None or taken < RELAY_BATCH:
            stop.wait(pause)
            _keep_alive(connection)
        # While the broker takes nothing, it would not answer to this either.
        if time.monotonic() - declared > DECLARE_EVERY_SECONDS and not publisher.blocked:
            declare_topology(connection)  # repairs deleted queues and bindings
            declared = time.monotonic()


def _relay_batch_if_possible(database: Database, publisher: Publisher) -> int | None:
    """Relay a batch; None if the broker takes nothing, or the database is away or busy."""
    if publisher.blocked:
        return None
    try:
        return relay_batch(database, publisher, RELAY_BATCH)
    except Blocked:  # the publisher logged it
        return None
    except Exception as error:
        if not (is_passing(error) or took_too_long(error)):
            raise
        log.warning("database away or busy, outbox waits", service=database.service)
        return None


def _next_pause(pause: float, taken: int | None) -> float:
    if taken is None:
        return AWAY_PAUSE
    return SHORTEST_PAUSE if taken else min(pause * 1.5, LONGEST_PAUSE)


def _keep_alive(connection: Connection) -> None:
    """Send our heartbeat, read the broker's, and notice a closed socket."""
    if not on_amqp(connection):
        return
    connection.heartbeat_check()
    with suppress(TimeoutError):
        reader_of(connection)(0.001)

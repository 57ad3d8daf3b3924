"""The relay: hands outbox rows to the broker. Any number may run: `SKIP LOCKED` shares the rows."""

import threading
import time
from contextlib import suppress

from kombu import Connection
from sqlalchemy import select as sql_select
from sqlalchemy import text, update

from shared.contracts.base import catalogue
from shared.core.clock import app_now
from shared.core.logs import get_logger
from shared.core.metrics import PUBLISHED
from shared.db.contention import is_database_away
from shared.db.engine import Database
from shared.messaging.broker.connection import keep_connected
from shared.messaging.broker.publisher import ConfirmedPublisher, Message, PlainPublisher, Publisher
from shared.messaging.broker.topology import declare_topology, on_amqp
from shared.messaging.envelope import cloud_event
from shared.messaging.outbox import ENVELOPE_COLUMNS, EnvelopeRow, OutboxRow

log = get_logger(__name__)


def relay_batch(database: Database, publisher: Publisher, limit: int) -> int:
    """Publish up to `limit` waiting rows and mark those a queue took. Returns how many were taken.

    The rows stay locked meanwhile, so a second relay passes over them. A crash before the commit
    publishes them again: listeners know an event id once.
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
    heard = contract is not None and bool(contract.handled_by)
    return Message(row.id, f"{source}.{row.type}", cloud_event(source, row), mandatory=heard)


DECLARE_EVERY_SECONDS = 30
RELAY_BATCH = 500


def relay(database: Database, url: str, stop: threading.Event) -> None:
    """Hand outbox rows to the broker until told to stop: at once while there are any, every 200 ms
    when idle.

    While the database is away it is asked once a second.
    """

    def work(connection: Connection) -> None:
        publisher = (
            ConfirmedPublisher(connection) if on_amqp(connection) else PlainPublisher(connection)
        )
        declared, pause = time.monotonic(), 0.05
        while not stop.is_set():
            try:
                taken = relay_batch(database, publisher, RELAY_BATCH)
                pause = 0.05 if taken else min(pause * 1.5, 0.2)
            except Exception as error:
                if not is_database_away(error):
                    raise
                log.warning("database away, outbox waits", service=database.service)
                taken, pause = 0, 1.0
            if taken < RELAY_BATCH:
                stop.wait(pause)
                _keep_alive(connection)
            if (
                time.monotonic() - declared > DECLARE_EVERY_SECONDS
            ):  # mends deleted queues and bindings
                declare_topology(connection)
                declared = time.monotonic()

    keep_connected(f"relay.{database.service}", stop, url, work)


def _keep_alive(connection: Connection) -> None:
    """Send our heartbeat, read the broker's, and notice a closed socket."""
    if not on_amqp(connection):
        return
    connection.heartbeat_check()
    with suppress(TimeoutError):
        connection.drain_events(timeout=0.001)

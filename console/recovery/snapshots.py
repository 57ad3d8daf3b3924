"""Read all schemas as they were at one moment, under the application roles.

In one database that is one exported snapshot: an effect and the event that caused it were committed
one after the other, so whoever sees the effect sees the event.

Services may have databases of their own, and no snapshot spans two of them. Then a SHARE lock on
every inbox holds back all effects of events while the snapshots are taken: an effect inserts its
inbox row in the same transaction. A lock on `attempts` does the same for events that failed or were
given up, whose rows are trusted after a restore. So no consumer's snapshot holds the effect of an
event that its publisher's snapshot lacks. What a publisher has more, catch-up brings after the
restore. A feed cursor moves only after the inbox took the events before it, so it is held back in
the same way.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
import psycopg
from psycopg import sql

from shared.core.settings import Settings

Connection = psycopg.Connection[tuple[object, ...]]

LOCK_TRIES = 12
PLAIN_VALUES = (
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL bytea_output = 'hex'",
)
PATIENCE = (
    "SET LOCAL statement_timeout = 0",  # a big table takes its time
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


@contextmanager
def snapshots(settings: Settings, services: tuple[str, ...]) -> Iterator[dict[str, Connection]]:
    """A connection for each service, all of them looking at the same moment.

    Raises ClickException if the inboxes cannot be locked within about a minute.
    """
    with ExitStack() as stack:
        connections = {
            service: stack.enter_context(_connect(settings, service)) for service in services
        }
        databases = {service: _identity(one) for service, one in connections.items()}
        if len(set(databases.values())) == 1:
            _take_snapshots(connections, databases)
        else:
            with ExitStack() as locks:
                _hold_back_effects(locks, settings, services)
                _take_snapshots(connections, databases)
        yield connections


def _connect(settings: Settings, service: str) -> Connection:
    return psycopg.connect(
        settings.database_url_of(service),
        autocommit=True,
        connect_timeout=5,
        client_encoding="utf8",
        prepare_threshold=None,  # works behind a pooler
    )


def _identity(connection: Connection) -> object:
    """Equal for two connections to the same database."""
    found = connection.execute(
        "SELECT concat(system_identifier, '/', current_database()) FROM pg_control_system()"
    ).fetchone()
    assert found is not None
    return found[0]


def _take_snapshots(connections: dict[str, Connection], databases: dict[str, object]) -> None:
    exported: dict[object, str] = {}
    for service, connection in connections.items():
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        database = databases[service]
        if database in exported:
            snapshot = sql.Literal(exported[database])
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        else:
            found = connection.execute("SELECT pg_export_snapshot()").fetchone()
            assert found is not None
            exported[database] = str(found[0])
        for setting in (*PLAIN_VALUES, *PATIENCE):
            connection.execute(setting)


def _hold_back_effects(locks: ExitStack, settings: Settings, services: tuple[str, ...]) -> None:
    """Lock every inbox, and attempts, until `locks` is closed; they wait 5 s, and try again."""
    holders = {service: locks.enter_context(_connect(settings, service)) for service in services}
    for attempt in range(1, LOCK_TRIES + 1):
        try:
            for service, holder in holders.items():
                holder.execute("BEGIN")
                holder.execute("SET LOCAL lock_timeout = '5s'")
                for table in ("inbox", "attempts"):  # as the inbox itself locks them
                    lock = sql.SQL("LOCK TABLE {} IN SHARE MODE")
                    holder.execute(lock.format(sql.Identifier(service, table)))
            return
        except psycopg.errors.LockNotAvailable:
            for holder in holders.values():
                holder.rollback()
            if attempt == LOCK_TRIES:
                raise click.ClickException(
                    "The inboxes are busy: no moment was found at which to read all databases."
                    " Try again when there is less load."
                ) from None
            time.sleep(0.5)

"""Restore a backup, or finish a restore that was made by other means.

Both begin a new epoch in all schemas. What can be checked is checked before anything changes. With
one database for all services everything is one transaction. With several there is no epoch in any
of them meanwhile: then `/readyz` is down and no event of the broker is taken in, and a restore that
was interrupted can be repeated.
"""

import gzip
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click
from psycopg import sql
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from console.recovery.backup import Report, data_key_fingerprint
from console.recovery.manifest import (
    BLOCK,
    Manifest,
    SchemaBackup,
    TableBackup,
    check_files,
    read_manifest,
    table_file,
)
from console.services import definition_of
from shared import SERVICES
from shared.core.settings import Settings
from shared.db.contention import first_line
from shared.service.migrate import (
    PLUMBING,
    is_known,
    make_schema,
    owner_engine,
    owner_url,
)

SESSIONS_END_SECONDS = 3
LOCK_SECONDS = 5
"""Who waits for an ACCESS EXCLUSIVE lock makes all others wait who come later."""


@dataclass(frozen=True, slots=True)
class OwnedDatabase:
    """A database, the services that keep their schemas in it, and the owner's connections."""

    services: tuple[str, ...]
    roles: tuple[str, ...]  #: of the services
    engine: Engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the owner, which waits for no lock longer than `LOCK_SECONDS`."""
        with self.engine.begin() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            yield connection


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose files were checked, and the services to take from it."""

    folder: Path
    manifest: Manifest
    services: tuple[str, ...]

    def schema_of(self, service: str) -> SchemaBackup | None:
        """What to load into a service's schema; None: leave it as it is."""
        if service not in self.services:
            return None
        return next(one for one in self.manifest.schemas if one.service == service)


def check_backup(
    folder: Path, settings: Settings, services: tuple[str, ...], other_key: bool
) -> Backup:
    """Read a backup and check all that can be checked. Changes nothing; raises ClickException."""
    manifest = read_manifest(folder)
    for schema in manifest.schemas:
        _check_revisions(schema)
    if manifest.data_key != data_key_fingerprint(settings) and not other_key:
        raise click.ClickException(
            "The backup was made with another data key: what is encrypted in it (contacts, voucher"
            " codes) could not be read here. Give this installation the key of the backup"
            " (WISHTREE_DATA_KEY; with --data it is the file secrets/data-key). Only if that key is"
            " lost: --other-key; then contacts and voucher codes are lost for good."
        )
    check_files(folder, manifest)
    return Backup(folder, manifest, services)


def _check_revisions(schema: SchemaBackup) -> None:
    migrations = definition_of(schema.service).migrations
    if not (is_known(PLUMBING, schema.plumbing_revision) and is_known(migrations, schema.revision)):
        raise click.ClickException(
            f"The backup was made by a newer version: revision {schema.revision}"
            f" ({schema.plumbing_revision}) of {schema.service} is not known here."
            " Restore it with that version."
        )


@contextmanager
def owned_databases(settings: Settings) -> Iterator[list[OwnedDatabase]]:
    """The databases of all services, as their owner. Services of one URL share one."""
    groups: dict[str, list[str]] = {}
    for service in SERVICES:
        url = owner_url(settings, service)
        groups.setdefault(url.render_as_string(hide_password=False), []).append(service)
    found = [
        OwnedDatabase(
            tuple(services),
            tuple(
                str(make_url(settings.database_url_of(service)).username) for service in services
            ),
            owner_engine(settings, services[0]),
        )
        for services in groups.values()
    ]
    try:
        yield found
    finally:
        for database in found:
            database.engine.dispose()


def refuse_if_in_use(databases: Iterable[OwnedDatabase]) -> None:
    """Raise ClickException while a process of ours is connected."""
    deadline = time.monotonic() + SESSIONS_END_SECONDS
    while connected := [one for database in databases for one in _sessions(database)]:
        if time.monotonic() > deadline:  # sessions of a process that has just ended are gone by now
            raise click.ClickException(
                f"Still connected: {', '.join(connected)}. Stop every api, bus, worker and beat"
                " first, or go on with --force."
            )
        time.sleep(0.2)


def _sessions(database: OwnedDatabase) -> list[str]:
    with database.transaction() as connection:
        rows = connection.execute(_SESSIONS, {"roles": list(database.roles)}).all()
    return [f"{row.usename} ({row.sessions})" for row in rows]


_SESSIONS = text(
    "SELECT usename, count(*) AS sessions FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = ANY(:roles) GROUP BY usename ORDER BY 1"
)


def rows_in(databases: Iterable[OwnedDatabase], services: Sequence[str]) -> bool:
    """Tell whether any table of these services has a row."""
    for database in databases:
        with database.transaction() as connection:
            for service in set(services) & set(database.services):
                tables = connection.execute(_TABLES, {"schema": service}).scalars().all()
                for table in tables:
                    if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):  # noqa: S608 - quoted by PostgreSQL
                        return True
    return False


_TABLES = text(
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = :schema"
    " AND tablename NOT LIKE 'alembic%' AND tablename <> 'installation_epoch' ORDER BY 1"
)


def begin_new_epoch(
    databases: list[OwnedDatabase], settings: Settings, backup: Backup | None, report: Report
) -> UUID:
    """Load the backup, if there is one, and give all schemas one new epoch.

    Also brings the tables up to date, and makes rows of another cluster visible to the feeds.
    Returns the epoch. Raises ClickException.
    """
    epoch = uuid4()
    try:
        if len(databases) == 1:
            _load(databases[0], settings, backup, epoch, report)
            return epoch
        for database in databases:
            _forget_epoch(database)
        for database in databases:
            _load(database, settings, backup, None, report)
        for database in databases:
            _write_epoch(database, epoch)
    except OperationalError as error:
        raise click.ClickException(
            f"The database refused: {first_line(error)}. What was begun is undone, or"
            " can be repeated."
        ) from error
    return epoch


def _load(
    database: OwnedDatabase,
    settings: Settings,
    backup: Backup | None,
    epoch: UUID | None,
    report: Report,
) -> None:
    with database.transaction() as connection:
        for service in database.services:
            schema = backup.schema_of(service) if backup else None
            if backup and schema:
                load_schema(connection, settings, backup.folder, schema, report)
            make_schema(connection, definition_of(service), settings, "head", "head")
            _set_epoch(connection, service, epoch)


def load_schema(
    connection: Connection, settings: Settings, folder: Path, schema: SchemaBackup, report: Report
) -> None:
    """Replace a schema by the one of the backup, in the caller's transaction."""
    service = schema.service
    connection.execute(text(f'DROP SCHEMA IF EXISTS "{service}" CASCADE'))
    definition = definition_of(service)
    make_schema(connection, definition, settings, schema.plumbing_revision, schema.revision)
    with _without_foreign_keys(connection, service):
        _empty(connection, service)
        for table in schema.tables:
            _load_table(connection, service, table, table_file(folder, service, table.name))
    for sequence, last in schema.sequences.items():
        if last is not None:
            name = f'"{service}"."{sequence}"'
            connection.execute(text("SELECT setval(:name, :last)"), {"name": name, "last": last})
    report(f"{service}: {sum(table.rows for table in schema.tables):,} rows restored")


@contextmanager
def _without_foreign_keys(connection: Connection, service: str) -> Iterator[None]:
    """Drop the foreign keys and make them again afterwards: tables may refer in circles.

    Each is checked as a whole when it is made. Triggers rest meanwhile: they have fired before.
    """
    keys = connection.execute(_FOREIGN_KEYS, {"schema": service}).all()
    for key in keys:
        connection.execute(text(f"ALTER TABLE {key.table} DROP CONSTRAINT {key.name}"))
    tables = connection.execute(_TABLES, {"schema": service}).scalars().all()
    for table in tables:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    yield
    for table in tables:
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    for key in keys:
        connection.execute(
            text(f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name} {key.definition}")
        )


_FOREIGN_KEYS = text(
    'SELECT conrelid::regclass::text AS "table", quote_ident(conname) AS name,'
    " pg_get_constraintdef(oid) AS definition FROM pg_constraint"
    " WHERE contype = 'f' AND connamespace = to_regnamespace(:schema) ORDER BY 1, 2".replace(
        "::", r"\:\:"
    )
)


def _empty(connection: Connection, service: str) -> None:
    """Remove the rows that migrations wrote: the backup has them, as they were then."""
    tables = connection.execute(_TABLES, {"schema": service}).scalars().all()
    connection.execute(text(f"TRUNCATE {', '.join(tables)}"))


def _load_table(connection: Connection, service: str, table: TableBackup, file: Path) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(service, table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, gzip.open(file, "rb") as unpacked:
        with cursor.copy(query) as copy:
            while block := unpacked.read(BLOCK):
                copy.write(block)
        if cursor.rowcount != table.rows:
            raise click.ClickException(
                f"{service}.{table.name}: {cursor.rowcount} rows instead of {table.rows}."
                " Nothing was changed in this database."
            )
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(service, table.name)))


def _forget_epoch(database: OwnedDatabase) -> None:
    with database.transaction() as connection:
        for service in database.services:
            table = f"{service}.installation_epoch"
            if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}):
                _set_epoch(connection, service, None)


def _write_epoch(database: OwnedDatabase, epoch: UUID) -> None:
    with database.transaction() as connection:
        for service in database.services:
            _set_epoch(connection, service, epoch)


def _set_epoch(connection: Connection, service: str, epoch: UUID | None) -> None:
    """Write the epoch of a schema; None: the restore is not finished."""
    table = f'"{service}".installation_epoch'
    # Waits for every transaction that has read the epoch: it ends in the epoch that it knows.
    connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    if epoch is not None:
        insert = text(f"INSERT INTO {table} (epoch) VALUES (:epoch)")  # noqa: S608 - our own names
        connection.execute(insert, {"epoch": epoch})


def epochs_of(databases: Iterable[OwnedDatabase]) -> set[UUID | None]:
    """The epochs of all schemas: exactly one, unless something went wrong."""
    found: set[UUID | None] = set()
    for database in databases:
        with database.transaction() as connection:
            for service in database.services:
                query = text(f'SELECT epoch FROM "{service}".installation_epoch')  # noqa: S608 - our own names
                found.add(connection.scalar(query))
    return found

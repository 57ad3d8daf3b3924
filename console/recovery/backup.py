"""Write a backup: every table of every service by COPY, at one moment, streamed to the disk."""

import gzip
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BufferedWriter, RawIOBase
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID

import click
from psycopg import sql

from console.product import product_version
from console.recovery.manifest import (
    BLOCK,
    MANIFEST,
    Manifest,
    SchemaBackup,
    TableBackup,
    table_file,
)
from console.recovery.snapshots import Connection, snapshots
from shared import SERVICES
from shared.core.crypto import vault
from shared.core.settings import Settings

NOT_COPIED = ("installation_epoch", "loop_turns")
"""A restore begins an epoch of its own, and the processes of before are gone."""

Report = Callable[[str], None]


def back_up(target: Path, settings: Settings, report: Report) -> Manifest:
    """Write a backup of all services to the new folder `target`.

    It is made under another name and renamed when everything is on the disk. Services may run
    meanwhile. Raises ClickException.
    """
    key = data_key_fingerprint(settings)
    with _new_folder(target) as folder, snapshots(settings, SERVICES) as connections:
        made_at = datetime.now(UTC)  # what is written meanwhile is in no table that follows
        epoch, server = _installation(next(iter(connections.values())), SERVICES[0])
        schemas = [
            _back_up_schema(connection, service, folder, report)
            for service, connection in connections.items()
        ]
        manifest = Manifest(
            made_at=made_at,
            product_version=product_version(),
            postgres_version=server,
            epoch=epoch,
            data_key=key,
            schemas=schemas,
        )
        with private_file(folder / MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=2).encode())
    return manifest


def data_key_fingerprint(settings: Settings) -> str:
    """Tells two data keys apart, and tells nothing about a key."""
    return vault(settings, "console.backup").fingerprint("data key").hex()


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Make `target` appear whole or not at all, readable for us alone. Raises ClickException."""
    unfinished = target.with_name(target.name + ".partial")
    if target.exists():
        raise click.ClickException(f"{target} exists: name a folder that does not.")
    try:
        unfinished.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise click.ClickException(
            f"{unfinished} exists: a backup runs there, or was killed; then remove the folder."
        ) from None
    except OSError as error:
        raise click.ClickException(f"{unfinished} cannot be made ({error.strerror}).") from None
    try:
        yield unfinished
        for folder in (*unfinished.iterdir(), unfinished):
            if folder.is_dir():
                _to_disk(folder)
        unfinished.rename(target)
        _to_disk(target.absolute().parent)
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise click.ClickException(f"The backup failed: {error.strerror}.") from error
        raise


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that only we may read; it is on the disk when this ends."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _to_disk(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _installation(connection: Connection, service: str) -> tuple[UUID, str]:
    """The epoch, and the version of PostgreSQL. Raises ClickException after half a restore."""
    table = sql.Identifier(service, "installation_epoch")
    query = sql.SQL("SELECT epoch, current_setting('server_version') FROM {}").format(table)
    found = connection.execute(query).fetchone()
    if found is None:
        raise click.ClickException(
            "A restore was not finished here: repeat it, then this installation can be backed up."
        )
    return cast(UUID, found[0]), str(found[1])


def _back_up_schema(
    connection: Connection, service: str, folder: Path, report: Report
) -> SchemaBackup:
    (folder / service).mkdir(mode=0o700)
    tables = [
        _back_up_table(connection, service, table, columns, folder)
        for table, columns in _tables(connection, service)
    ]
    schema = SchemaBackup(
        service=service,
        plumbing_revision=_revision(connection, service, "alembic_plumbing"),
        revision=_revision(connection, service, f"alembic_{service}"),
        tables=tables,
        sequences=_sequences(connection, service),
    )
    report(f"{service}: {len(tables)} tables, {sum(table.rows for table in tables):,} rows")
    return schema


def _tables(connection: Connection, service: str) -> list[tuple[str, list[str]]]:
    """Each table of a schema and its columns, but for Alembic's own. Raises ClickException."""
    found = cast(
        list[tuple[str, list[str], bool]], connection.execute(_TABLES, [service]).fetchall()
    )
    unreadable = [name for name, _, readable in found if not readable]
    if unreadable:
        raise click.ClickException(
            f"The role of {service} may not read {', '.join(unreadable)}: run `wishtree migrate`."
        )
    return [
        (name, columns)
        for name, columns, _ in found
        if name not in NOT_COPIED and not name.startswith("alembic_")
    ]


_TABLES = """
SELECT c.relname,
  array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
  has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r'
GROUP BY c.oid, c.relname ORDER BY c.relname
"""


def _revision(connection: Connection, service: str, version_table: str) -> str:
    table = sql.Identifier(service, version_table)
    found = connection.execute(sql.SQL("SELECT version_num FROM {}").format(table)).fetchone()
    assert found is not None
    return str(found[0])


def _sequences(connection: Connection, service: str) -> dict[str, int | None]:
    """The last value of each sequence. They grow on, so they are at or behind the snapshot."""
    found = cast(
        list[tuple[str, int | None, bool]], connection.execute(_SEQUENCES, [service]).fetchall()
    )
    unreadable = [name for name, _, readable in found if not readable]
    if unreadable:
        raise click.ClickException(
            f"The role of {service} may not read {', '.join(unreadable)}: run `wishtree migrate`."
        )
    return {name: value for name, value, _ in found}


_SEQUENCES = """
SELECT sequencename, last_value,
  has_sequence_privilege(format('%%I.%%I', schemaname, sequencename), 'SELECT')
FROM pg_sequences WHERE schemaname = %s ORDER BY sequencename
"""


class _Hashing(RawIOBase):
    """Passes bytes on to a file and hashes them on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha256 = file, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self.sha256.update(block)
        return self.file.write(block)


def _back_up_table(
    connection: Connection, service: str, table: str, columns: list[str], folder: Path
) -> TableBackup:
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(
        sql.Identifier(service, table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with private_file(table_file(folder, service, table)) as file, connection.cursor() as cursor:
        hashing = _Hashing(file)
        packed = gzip.GzipFile("", "wb", 1, cast(IO[bytes], hashing), mtime=0)
        # PostgreSQL sends a row at a time; packing each alone would be slow.
        buffer = BufferedWriter(cast(RawIOBase, packed), BLOCK)
        with packed, buffer, cursor.copy(query) as copy:
            for row in copy:
                buffer.write(row)
        return TableBackup(
            name=table, columns=columns, rows=cursor.rowcount, sha256=hashing.sha256.hexdigest()
        )

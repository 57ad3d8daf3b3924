"""Upgrade a database from before the plumbing had a history of its own (commit 1a35a9f).

Nothing is lost, and the old code still works. `before_plumbing_history/dump.sql` is
`pg_dump --inserts` of an installation that played the story. `statements.json` holds what the code
of that commit sent to the plumbing's tables, statement by statement, with its parameters.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg
import pytest

from console.services import definition_of
from devkit.testkit import PrivatePostgres, environment
from shared import SERVICES
from shared.core.ids import new_id
from shared.core.settings import Settings
from shared.service.migrate import migrate

BEFORE = Path(__file__).parent / "before_plumbing_history"
STATEMENTS: list[dict[str, Any]] = json.loads((BEFORE / "statements.json").read_text())
MOVED_BY_A_RESTORE = ("txid", "last_txid")


@dataclass(frozen=True, slots=True)
class OldDatabase:
    """The dump, restored under this test's roles."""

    env: dict[str, str]

    @property
    def owner_url(self) -> str:
        return self.env["WISHTREE_OWNER_DATABASE_URL"]

    def connect_as(self, service: str) -> psycopg.Connection[Any]:
        url = self.env[f"WISHTREE_{service.upper()}_DATABASE_URL"]
        return psycopg.connect(url, options=f"-csearch_path={service},public")

    def fingerprints(self) -> dict[str, tuple[int, str]]:
        """Rows and a hash of what they hold, for each table but Alembic's own."""
        with psycopg.connect(self.owner_url) as connection:
            tables = connection.execute(
                "SELECT schemaname || '.' || quote_ident(tablename) FROM pg_tables"
                " WHERE schemaname = ANY(%s) AND tablename NOT LIKE 'alembic%%'",
                [list(SERVICES)],
            ).fetchall()
            return {table: self._fingerprint(connection, table) for (table,) in tables}

    def _fingerprint(self, connection: psycopg.Connection[Any], table: str) -> tuple[int, str]:
        without = " - ".join(f"'{column}'" for column in MOVED_BY_A_RESTORE)
        row = f"jsonb_strip_nulls(to_jsonb(t) - {without})::text"  # a new column may be null
        found: Any = connection.execute(
            f"SELECT count(*), md5(coalesce(string_agg({row}, '' ORDER BY {row}), ''))"
            f" FROM {table} t"
        ).fetchone()
        return found

    def migrate(self) -> None:
        with patch.dict(os.environ, self.env):
            for service in SERVICES:
                migrate(definition_of(service), Settings.read())


@pytest.fixture
def old(postgres: PrivatePostgres) -> Iterator[OldDatabase]:
    owner_url, name = postgres.create_database()
    dump = (BEFORE / "dump.sql").read_text().replace("wishtree_owner", f"{name}_owner")
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for service in SERVICES:
            connection.execute(f"CREATE ROLE {name}_{service} LOGIN PASSWORD 'app'")
            dump = dump.replace(f"{service}_app", f"{name}_{service}")
        connection.execute(dump)
    yield OldDatabase(environment(owner_url, name))
    postgres.drop_database(name)


@pytest.mark.check("L6")
def test_upgrading_keeps_every_row(old: OldDatabase) -> None:
    before = old.fingerprints()
    assert sum(rows for rows, _ in before.values()) > 200

    old.migrate()

    after = old.fingerprints()
    assert {table: after[table] for table in before} == before
    with psycopg.connect(old.owner_url) as connection:
        for service in SERVICES:
            query = f"SELECT version_num FROM {service}.alembic_plumbing"
            assert connection.execute(query).fetchall() == [("plumbing_0005",)]


@pytest.mark.check("L6")
def test_the_code_of_before_goes_on_while_and_after_the_tables_are_upgraded(
    old: OldDatabase,
) -> None:
    run_statements(old)  # the recording itself is sound

    with old.connect_as("registration") as connection:
        publish = next(
            one for one in STATEMENTS if one["statement"].startswith("INSERT INTO outbox")
        )
        connection.execute(publish["statement"], fresh(publish["parameters"], {}))
        with ThreadPoolExecutor(1) as pool:
            upgrade = pool.submit(old.migrate)
            wait([upgrade], timeout=1)  # it may wait for this transaction, as for any short one
            connection.commit()
            upgrade.result(timeout=30)

    run_statements(old)


def run_statements(old: OldDatabase) -> None:
    """Run what the old code sent, each service under its own role, with new ids."""
    ids: dict[str, UUID] = {}
    for service in SERVICES:
        with old.connect_as(service) as connection:
            for one in STATEMENTS:
                if one["service"] == service:
                    connection.execute(one["statement"], fresh(one["parameters"], ids))


def fresh(parameters: dict[str, Any], ids: dict[str, UUID]) -> dict[str, Any]:
    return {name: decoded(value, ids) for name, value in parameters.items()}


def decoded(value: Any, ids: dict[str, UUID]) -> Any:
    """A recorded parameter. The same id stays the same within a run, and is new in each."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "uuid":
            return ids.setdefault(content, new_id())
        case "bytes":
            return os.urandom(len(content) // 2)
        case "time":
            return datetime.fromisoformat(content)
        case "seconds":
            return timedelta(seconds=content)
        case _:
            return [decoded(one, ids) for one in content]

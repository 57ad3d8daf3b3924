"""`wishtree backup` and `wishtree restore`: everything comes back, in one database or in four."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import make_url

from console.main import main
from devkit.testkit import PrivatePostgres, environment
from shared import SERVICES
from shared.messaging.epoch import FIRST_EPOCH

TABLES = (
    "SELECT schemaname || '.' || quote_ident(tablename) FROM pg_tables"
    " WHERE schemaname = ANY(%s) AND tablename <> 'installation_epoch'"
)
HASH = (
    "SELECT count(*), md5(coalesce(string_agg(row, '' ORDER BY row), ''))"
    " FROM (SELECT to_jsonb(t)::text AS row FROM {table} t) AS rows"
)


@dataclass(frozen=True, slots=True)
class Databases:
    """An installation without processes: its environment, and the names of its databases."""

    env: dict[str, str]

    def owner_url(self, service: str) -> str:
        application = make_url(self.env[f"WISHTREE_{service.upper()}_DATABASE_URL"])
        owner = make_url(self.env["WISHTREE_OWNER_DATABASE_URL"])
        return owner.set(database=application.database).render_as_string(hide_password=False)

    def query(self, service: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_url(service), autocommit=True) as connection:
            connection.execute(f"SET search_path TO {service}, public")
            cursor = connection.execute(statement, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def content(self) -> dict[str, tuple[int, str]]:
        """Rows and a hash of what they hold, for each table."""
        found = {}
        for service in SERVICES:
            for (table,) in self.query(service, TABLES, [service]):
                ((rows, hashed),) = self.query(service, HASH.format(table=table))
                found[table] = (rows, hashed)
        return found

    def sequences(self) -> list[tuple[Any, ...]]:
        query = "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname=%s"
        return [row for service in SERVICES for row in self.query(service, query, service)]

    def epochs(self) -> list[UUID | None]:
        found = [
            self.query(service, "SELECT epoch FROM installation_epoch") for service in SERVICES
        ]
        return [rows[0][0] if rows else None for rows in found]

    def run(self, *arguments: str, exit_code: int = 0) -> Result:
        """Run a command in this process."""
        result = CliRunner().invoke(main, arguments, env=self.env)
        gc.collect()  # a command leaves its pool to the end of its process
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return result


@pytest.fixture(scope="module")
def one(postgres: PrivatePostgres) -> Iterator[Databases]:
    """All four services in one database, with the demo district."""
    owner_url, name = postgres.create_database()
    yield filled(Databases(environment(owner_url, name)))
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def four(postgres: PrivatePostgres) -> Iterator[Databases]:
    """Each service in a database of its own, with the demo district."""
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name)
    for service in SERVICES:
        postgres._execute(f"CREATE DATABASE {name}_{service} OWNER {name}_owner")
        variable = f"WISHTREE_{service.upper()}_DATABASE_URL"
        url = make_url(env[variable]).set(database=f"{name}_{service}")
        env[variable] = url.render_as_string(hide_password=False)
    yield filled(Databases(env))
    for service in SERVICES:
        postgres._execute(f"DROP DATABASE {name}_{service} WITH (FORCE)")
    postgres.drop_database(name)


def filled(databases: Databases) -> Databases:
    databases.run("migrate")
    databases.run("seed")
    return databases


@pytest.mark.long(reason="makes and fills whole installations")
@pytest.mark.parametrize("where", ["one", "four"])
def test_a_restore_brings_everything_back_and_begins_a_new_epoch(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    databases: Databases = request.getfixturevalue(where)
    before, sequences = databases.content(), databases.sequences()
    assert sum(rows for rows, _ in before.values()) > 100
    databases.run("backup", str(tmp_path / "backup"))
    for service in SERVICES:
        databases.query(service, "DELETE FROM outbox")
        databases.query(service, "INSERT INTO inbox (event_id) VALUES (gen_random_uuid())")
    assert databases.content() != before

    databases.run("restore", str(tmp_path / "backup"), "--yes")

    assert databases.content() == before
    assert databases.sequences() == sequences
    (epoch,) = set(databases.epochs())
    assert epoch not in (None, FIRST_EPOCH)

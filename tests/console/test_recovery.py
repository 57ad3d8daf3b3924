"""`wishtree backup` and `wishtree restore`: everything comes back, in one database or in four."""

import gc
import json
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import make_url

from console.main import main
from console.recovery import backup as backing_up
from console.recovery import restore as restoring
from console.recovery.manifest import read_manifest
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
            with psycopg.connect(self.owner_url(service)) as connection:
                for (table,) in connection.execute(TABLES, [[service]]).fetchall():
                    query: Any = HASH.format(table=table)
                    rows, hashed = connection.execute(query).fetchall()[0]
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
    # Without a database: then the owner logs in to the one of each service.
    anywhere = make_url(owner_url)._replace(database=None)
    env["WISHTREE_OWNER_DATABASE_URL"] = anywhere.render_as_string(hide_password=False)
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
@pytest.mark.parametrize("where", ["one", pytest.param("four", marks=pytest.mark.faults)])
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


@pytest.fixture(scope="module")
def made(one: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backups") / "backup"
    one.run("backup", str(folder))
    return folder


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    """A backup that the test may spoil."""
    shutil.copytree(made, tmp_path / "backup")
    return tmp_path / "backup"


def test_a_backup_is_for_its_owner_alone(one: Databases, backup: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [backup, *backup.rglob("*")]}
    assert modes == {0o700, 0o600}
    assert not backup.with_name("backup.partial").exists()
    manifest = (backup / "manifest.json").read_text()
    assert one.env["WISHTREE_DATA_KEY"] not in manifest
    assert "loop_turns" not in manifest and "installation_epoch" not in manifest


def test_a_backup_is_of_the_moment_at_which_its_snapshot_was_taken(
    one: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an operator would think that what was written while it was copied is in it."""
    copied_from: list[datetime] = []
    copy = backing_up._back_up_schema

    def note(*arguments: Any) -> Any:
        copied_from.append(datetime.now(UTC))
        return copy(*arguments)

    monkeypatch.setattr(backing_up, "_back_up_schema", note)
    one.run("backup", str(tmp_path / "backup"))
    assert read_manifest(tmp_path / "backup").made_at <= copied_from[0]


def test_a_backup_replaces_no_folder(one: Databases, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    refused = one.run("backup", str(tmp_path / "there"), exit_code=1)
    assert "exists" in refused.output
    assert list((tmp_path / "there").iterdir()) == []


def test_a_backup_that_fails_leaves_nothing(
    one: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("console.recovery.backup._sequences", fail)
    refused = one.run("backup", str(tmp_path / "full"), exit_code=1)
    assert "No space left on device" in refused.output
    assert list(tmp_path.iterdir()) == []


def spoil_file(folder: Path) -> None:
    file = folder / "rewards" / "outbox.copy.gz"
    file.write_bytes(file.read_bytes()[:-1])


def spoil_manifest(folder: Path, **changes: object) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def leave_out_a_service(folder: Path) -> None:
    schemas = json.loads((folder / "manifest.json").read_text())["schemas"]
    spoil_manifest(folder, schemas=schemas[:-1])


def name_another_service(folder: Path) -> None:
    schemas = json.loads((folder / "manifest.json").read_text())["schemas"]
    schemas[0]["service"] = "foreign"
    spoil_manifest(folder, schemas=schemas)


def make_newer(folder: Path) -> None:
    schemas = json.loads((folder / "manifest.json").read_text())["schemas"]
    schemas[2]["revision"] = "rewards_9999"
    spoil_manifest(folder, schemas=schemas)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_file, "rewards/outbox.copy.gz"),
        (lambda folder: (folder / "wishes" / "inbox.copy.gz").unlink(), "wishes/inbox.copy.gz"),
        (lambda folder: (folder / "manifest.json").unlink(), "is no backup"),
        (lambda folder: spoil_manifest(folder, format=2), "This version cannot read"),
        (leave_out_a_service, "is expected once"),
        (name_another_service, "is expected once"),
        (make_newer, "made by a newer version"),
        (lambda folder: spoil_manifest(folder, data_key="00"), "another data key"),
    ],
    ids=[
        "damaged",
        "incomplete",
        "no manifest",
        "newer format",
        "a service missing",
        "a service unknown",
        "newer revision",
        "other key",
    ],
)
def test_a_backup_that_does_not_fit_is_refused_before_anything_changes(
    one: Databases, backup: Path, spoil: Any, words: str
) -> None:
    spoil(backup)
    before, epochs = one.content(), one.epochs()
    refused = one.run("restore", str(backup), "--yes", exit_code=1)
    assert words in refused.output
    assert (one.content(), one.epochs()) == (before, epochs)


def test_a_restore_is_refused_while_a_service_is_connected(one: Databases, backup: Path) -> None:
    epochs = one.epochs()
    with psycopg.connect(one.env["WISHTREE_REWARDS_DATABASE_URL"]):
        refused = one.run("restore", str(backup), "--yes", exit_code=1)
    assert "Still connected" in refused.output and "_rewards (1)" in refused.output
    assert one.epochs() == epochs


def test_a_restore_over_data_has_to_be_meant(one: Databases, backup: Path) -> None:
    refused = one.run("restore", str(backup), exit_code=1)
    assert "--yes" in refused.output


@pytest.mark.long(reason="migrates another installation, and restores twice")
def test_an_empty_installation_is_restored_without_asking_and_its_roles_can_work(
    one: Databases, backup: Path, postgres: PrivatePostgres
) -> None:
    owner_url, name = postgres.create_database()
    key = {"WISHTREE_DATA_KEY": one.env["WISHTREE_DATA_KEY"]}
    other = Databases(environment(owner_url, name) | key)
    try:
        other.run("restore", str(backup))  # not even migrated
        assert other.content() == one.content()
        with psycopg.connect(
            other.env["WISHTREE_REWARDS_DATABASE_URL"], autocommit=True
        ) as connection:
            connection.execute("INSERT INTO rewards.inbox (event_id) VALUES (gen_random_uuid())")
            for append_only in (
                "UPDATE rewards.transfers SET kind = ''",
                "DELETE FROM rewards.seals",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(append_only)
    finally:
        gc.collect()
        postgres.drop_database(name)


@pytest.mark.faults
@pytest.mark.long(reason="restores four databases twice")
def test_an_interrupted_restore_shows_and_is_repeated(
    four: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = four.content()
    four.run("backup", str(tmp_path / "backup"))
    load = restoring._load

    def interrupted(database: restoring.OwnedDatabase, *rest: Any) -> None:
        if "rewards" in database.services:
            raise KeyboardInterrupt
        load(database, *rest)

    monkeypatch.setattr(restoring, "_load", interrupted)
    four.run("restore", str(tmp_path / "backup"), "--yes", exit_code=1)
    assert four.epochs() == [None] * 4  # so every service is down, and says why
    refused = four.run("backup", str(tmp_path / "half"), exit_code=1)
    assert "not finished" in refused.output

    monkeypatch.undo()
    four.run("restore", str(tmp_path / "backup"), "--yes")
    assert four.content() == before
    assert len(set(four.epochs())) == 1 and None not in four.epochs()


@pytest.mark.faults
@pytest.mark.long(reason="restores one database, and begins an epoch in four")
def test_one_service_is_restored_alone_and_all_get_the_new_epoch(
    four: Databases, tmp_path: Path
) -> None:
    before, (epoch,) = four.content(), set(four.epochs())
    four.run("backup", str(tmp_path / "backup"))
    for service in ("wishes", "rewards"):
        four.query(service, "INSERT INTO inbox (event_id) VALUES (gen_random_uuid())")
    changed = four.content()

    four.run("restore", str(tmp_path / "backup"), "--yes", "--only", "rewards")

    after = four.content()
    assert after["rewards.inbox"] == before["rewards.inbox"]
    assert after["wishes.inbox"] == changed["wishes.inbox"]
    (new,) = set(four.epochs())
    assert new not in (epoch, None)


@pytest.mark.faults
@pytest.mark.long(reason="waits for a transaction, and reads four databases")
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("inbox", "(event_id) VALUES (gen_random_uuid())"),
        ("attempts", "VALUES (gen_random_uuid(), '{}', 2, NULL, now() + interval '1 h')"),
    ],
    ids=["an effect", "an attempt"],
)
def test_a_backup_of_several_databases_waits_for_effects_in_progress(
    four: Databases, tmp_path: Path, table: str, columns: str
) -> None:
    """Else one snapshot could hold the effect of an event that another does not have."""
    url = four.env["WISHTREE_REWARDS_DATABASE_URL"]
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url) as connection:
        connection.execute(f"INSERT INTO rewards.{table} {columns}")  # type: ignore[arg-type]
        running = pool.submit(four.run, "backup", str(tmp_path / "backup"))
        wait([running], timeout=2)
        assert not running.done()
        connection.commit()
        running.result(timeout=60)
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    (copied,) = (
        one
        for schema in manifest["schemas"]
        if schema["service"] == "rewards"
        for one in schema["tables"]
        if one["name"] == table
    )
    assert copied["rows"] == four.content()[f"rewards.{table}"][0]


@pytest.mark.faults
@pytest.mark.long(reason="needs four databases")
def test_a_new_epoch_does_not_wait_for_ever_for_a_transaction_that_was_forgotten(
    four: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every transaction that comes later waits behind it."""
    monkeypatch.setattr(restoring, "LOCK_SECONDS", 1)
    with psycopg.connect(four.env["WISHTREE_REWARDS_DATABASE_URL"]) as forgotten:
        forgotten.execute("SELECT epoch FROM rewards.installation_epoch")
        refused = four.run("new-epoch", "--force", "--keep-broker", exit_code=1)
    assert "lock timeout" in refused.output
    four.run("new-epoch", "--keep-broker")
    assert len(set(four.epochs())) == 1 and None not in four.epochs()


def test_a_new_epoch_alone_changes_no_data(one: Databases) -> None:
    before, epochs = one.content(), one.epochs()
    one.run("new-epoch", "--keep-broker")
    assert one.content() == before
    (epoch,) = set(one.epochs())
    assert epoch not in (epochs[0], None)


def test_a_broker_that_is_away_does_not_stop_a_restore(one: Databases) -> None:
    away = {"WISHTREE_BROKER_URL": "amqp://127.0.0.1:1//"}
    result = Databases(one.env | away).run("new-epoch")
    assert "The broker was not emptied" in result.output and "A new epoch" in result.output

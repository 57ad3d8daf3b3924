"""Private PostgreSQL, RabbitMQ and Valkey: on loopback and free ports, everything they write in one
folder.

All three have the same spine. A port is chosen once and remembered in the folder, so that URLs
survive a restart.
"""

# ruff: noqa: S603 - starting programs is what this file is for

import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import ClassVar
from urllib.parse import quote

import psycopg
from psycopg import sql

from devkit.local.accounts import Account, account_for
from devkit.local.binaries import find_epmd, find_postgres, find_rabbitmq, find_valkey
from devkit.local.processes import STOP_SECONDS, Child, private_folder, write_private

LOOPBACK = "127.0.0.1"
LONGEST_SOCKET_PATH = 100
"""What unix(7) allows is 107 bytes on Linux and 103 on macOS; a server may append a few while it
binds.
"""


class ServerFailed(Exception):
    """A private server did not start. The text says why, as far as its log knows."""


class Server:
    """A private server with all its files in one folder.

    `start` returns when it answers; `stop` is clean; `kill` is SIGKILL for exactly what was
    started. Each may be repeated. Data survives all of them.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[Signals] = Signals.SIGTERM
    ready_seconds: ClassVar[float] = 30
    tries: ClassVar[int] = 1

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder.absolute())
        self.log = self.folder / "server.log"
        self._child = Child(self.folder / f"{self.name.lower()}.process", self.stop_signal)

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, the same at each start unless something else has taken it
        meanwhile.
        """
        return remembered_port(self.folder / "port", keep=self.running)

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerFailed, MissingBinary, InUse."""
        if self.running:
            return
        self._prepare()
        deadline = time.monotonic() + self.ready_seconds
        for _ in range(self.tries):
            self._launch()
            if self._came_up(deadline):
                return
            self.kill()
        raise ServerFailed(f"{self.name} did not start: {last_words(self.log)} (log: {self.log})")

    def _came_up(self, deadline: float) -> bool:
        """True as soon as it answers; false when it has ended or the time is over."""
        while time.monotonic() < deadline and self.running:
            if self._answers():
                return True
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """Stop it cleanly, within a bounded time."""
        self._child.stop(STOP_SECONDS)

    def kill(self) -> None:
        """Crash it: SIGKILL for it and all its processes."""
        self._child.kill()

    def hurry(self) -> None:
        """SIGKILL without waiting, while someone else waits for the clean stop."""
        self._child.hurry()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _prepare(self) -> None:
        """What must be in the folder before the first start."""

    def _command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = Account()) -> None:
        with self.log.open("ab") as output:
            self._child.start(
                [*account.prefix, *self._command()],
                output,
                env,
                user=account.uid,
                group=account.gid,
            )

    def _secret(self, name: str) -> str:
        """A random password, made once and kept in a file that only we may read."""
        file = self.folder / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text()


class PostgresServer(Server):
    """A private PostgreSQL, reached with a password only.

    `settings` are `postgres -c` settings. `fsync=False` is for tests: a killed server loses nothing
    by it, a machine that loses power may.
    """

    name = "PostgreSQL"
    stop_signal = Signals.SIGINT  # fast shutdown: clients are disconnected, not waited for
    tries = 5  # after a crash, its last processes may still hold the shared memory for a moment

    def __init__(
        self,
        folder: Path,
        binaries: Path | None = None,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        self.data = self.folder / "data"
        self._binaries = binaries
        self._fsync = fsync
        self._settings = settings or {}
        self._account = Account()

    def url(
        self, user: str = "postgres", password: str | None = None, database: str = "postgres"
    ) -> str:
        """A TCP URL; without arguments the superuser's."""
        word = self._secret("superuser-password") if password is None else password
        user, word, database = (quote(part, safe="") for part in (user, word, database))
        return f"postgresql://{user}:{word}@{LOOPBACK}:{self.port}/{database}"

    def create_role(self, name: str, password: str, createrole: bool = False) -> None:
        """Make a role that may log in, or give an existing one this password."""
        options = sql.SQL("LOGIN {} PASSWORD {}").format(
            sql.SQL("CREATEROLE" if createrole else "NOCREATEROLE"), sql.Literal(password)
        )
        with psycopg.connect(self.url(), autocommit=True) as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", [name]
            ).fetchone()
            verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
            connection.execute(sql.SQL("{} {} {}").format(verb, sql.Identifier(name), options))

    def create_database(self, name: str, owner: str) -> None:
        """Make a database; one that exists is left as it is."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if (
                connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [name]
                ).fetchone()
                is None
            ):
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))

    def drop_database(self, name: str) -> None:
        """Drop a database even if someone is connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def stop(self) -> None:
        super().stop()
        forget_socket_folder(self.folder)

    def _prepare(self) -> None:
        self._binaries = self._binaries or find_postgres("installed")
        self._account, self._binaries = account_for(self.folder, self._binaries, "postgres")
        if not self.data.exists():
            self._initialise(self._binaries)
        self._account.give(self.folder)

    def _initialise(self, binaries: Path) -> None:
        """Make the data folder, under another name until it is whole."""
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._secret("superuser-password")
        self._account.give(self.folder)
        command: list[str | Path] = [
            *self._account.prefix,
            binaries / "initdb",
            "--pgdata",
            unfinished,
        ]
        command += ["--username=postgres", f"--pwfile={self.folder / 'superuser-password'}"]
        command += [
            "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]
        if not self._fsync:
            command.append("--no-sync")
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, **self._account.as_popen()
        )
        if done.returncode != 0:
            self.log.write_text(done.stdout + done.stderr)
            raise ServerFailed(
                f"PostgreSQL could not make its data folder: {last_words(self.log)} (log: {self.log})"
            )
        unfinished.rename(self.data)

    def _command(self) -> Sequence[str | Path]:
        assert self._binaries is not None
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self._account.give(socket_folder(self.folder))),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._binaries / "postgres", "-D", self.data, *options]

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = Account()) -> None:
        self._drop_stale_lock()
        super()._launch(env, self._account)

    def _drop_stale_lock(self) -> None:
        """Remove the lock file of a crashed server whose number another program has now.

        PostgreSQL would take that program for itself and refuse to start; in a container, where
        numbers are few, that is the usual case. A lock file of a dead number is left to PostgreSQL,
        which also looks at the shared memory.
        """
        lock = self.data / "postmaster.pid"
        if lock.exists():
            other = Path("/proc") / lock.read_text().split("\n", 1)[0] / "comm"
            if other.exists() and not other.read_text().startswith("postgres"):
                lock.unlink()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class RabbitServer(Server):
    """A private RabbitMQ node with its own port mapper, cookie and plugins file; `guest` does not
    exist.

    Starting takes 4-20 s, so tests share one and take a virtual host each.
    """

    name = "RabbitMQ"
    ready_seconds = 90
    user: ClassVar[str] = "wishtree"

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are lines of rabbitmq.conf."""
        super().__init__(folder)
        self.data = self.folder / "data"
        self._settings = settings or {}
        self._mapper = Child(self.folder / "epmd.process")

    def url(self, vhost: str = "/") -> str:
        return f"amqp://{self.user}:{self._secret('password')}@{LOOPBACK}:{self.port}/{quote(vhost, safe='')}"

    def vhost(self, *names: str) -> str:
        """Make virtual hosts, all in one call since a call may take seconds; returns the URL of the
        first.
        """
        made = ", ".join(
            f'rabbit_vhost:add(<<"{_plain(name)}">>, <<"{self.user}">>)' for name in names
        )
        granted = ", ".join(
            f'rabbit_auth_backend_internal:set_permissions(<<"{self.user}">>, <<"{name}">>, '
            f'<<".*">>, <<".*">>, <<".*">>, <<"{self.user}">>)'
            for name in names
        )
        self.ctl("eval", f"{made}, {granted}.")
        return self.url(names[0])

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl against this node and return what it says; 0.5-4 s a call. Raises
        ServerFailed.
        """
        command = [str(find_rabbitmq() / "rabbitmqctl"), "--quiet", *arguments]
        done = subprocess.run(
            command, env=self._env(), capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            raise ServerFailed(
                f"rabbitmqctl {arguments[0]}: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout

    def wipe(self) -> None:
        """Lose every queue and message, as a broker whose disk died. Only while it is stopped."""
        if self.running:
            raise RuntimeError("stop the broker before wiping it")
        shutil.rmtree(self.data, ignore_errors=True)

    def stop(self) -> None:
        super().stop()
        self._mapper.stop()

    def kill(self) -> None:
        super().kill()
        self._mapper.kill()

    def hurry(self) -> None:
        super().hurry()
        self._mapper.hurry()

    def _prepare(self) -> None:
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            write_private(cookie, secrets.token_hex(16))
            cookie.chmod(0o400)
        write_private(self.folder / "plugins", "[].")
        settings = {
            "default_user": self.user,
            "default_pass": self._secret("password"),
            "default_user_tags.administrator": "true",
            "disk_free_limit.absolute": "200MB",
            **self._settings,
        }
        write_private(
            self.folder / "rabbitmq.conf",
            "".join(f"{key} = {value}\n" for key, value in settings.items()),
        )

    def _command(self) -> Sequence[str | Path]:
        return [find_rabbitmq() / "rabbitmq-server"]

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = Account()) -> None:
        """Start the port mapper, then the node: Erlang would start one by itself that stays
        behind.
        """
        port = str(remembered_port(self.folder / "epmd-port"))
        with self.log.open("ab") as output:
            self._mapper.start([find_epmd(), "-port", port, "-address", LOOPBACK], output)
        wait_for_port(int(port))
        super()._launch(self._env())

    def _env(self) -> dict[str, str]:
        """The node's and rabbitmqctl's environment. Nothing of ours: a RABBITMQ_ variable might
        name another node.
        """
        home, kernel = str(self.folder), "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": f"{find_epmd().parent}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "HOME": home,
            "RABBITMQ_NODENAME": "wishtree@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(
                remembered_port(self.folder / "dist-port", keep=self.running)
            ),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(remembered_port(self.folder / "epmd-port", keep=True)),
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{home}/no-such-file",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 2:2 {kernel}",
            "RABBITMQ_CTL_ERL_ARGS": f"+S 2:2 {kernel}",
            # The start script then becomes the node instead of waiting for it: the process we
            # started is the node.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _answers(self) -> bool:
        """True when the first frame of an AMQP handshake comes back; the port is open a little
        earlier.
        """
        return answer_of((LOOPBACK, self.port), b"AMQP\0\0\x09\x01").startswith(b"\x01")


class ValkeyServer(Server):
    """A private Valkey on a unix socket that only we may reach, with a password.

    `tcp=True` opens a loopback port too.
    """

    name = "Valkey"

    def __init__(self, folder: Path, tcp: bool = False) -> None:
        super().__init__(folder)
        self._tcp = tcp

    def url(self, tcp: bool = False) -> str:
        """The form that kombu and Celery take."""
        password = self._secret("password")
        if tcp:
            return f"redis://:{password}@{LOOPBACK}:{self.port}/0"
        return f"redis+socket://:{password}@{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        return socket_folder(self.folder) / "valkey.sock"

    def stop(self) -> None:
        super().stop()
        forget_socket_folder(self.folder)

    def _prepare(self) -> None:
        private_folder(self.folder / "data")
        settings = {
            "port": str(self.port) if self._tcp else "0",
            "bind": LOOPBACK,
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "requirepass": self._secret("password"),
            "dir": f'"{self.folder / "data"}"',
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",  # a full broker must refuse, not forget
            "daemonize": "no",
        }
        write_private(
            self.folder / "valkey.conf",
            "".join(f"{key} {value}\n" for key, value in settings.items()),
        )

    def _command(self) -> Sequence[str | Path]:
        return [find_valkey(), self.folder / "valkey.conf"]

    def _answers(self) -> bool:
        """True when PING is answered: while it loads its data it says so instead."""
        words = f"AUTH {self._secret('password')}\r\nPING\r\n".encode()
        return answer_of(str(self.socket), words, until=b"PONG").endswith(b"+PONG\r\n")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on.

    Below the range that the kernel gives to outgoing connections (from 32768): a client that keeps
    trying to reach a server which is down could else be given the server's own port, and either
    block it or talk to itself.
    """
    for _ in range(1000):
        port = random.randint(20000, 32000)  # noqa: S311 - not a secret
        if port_is_free(port):
            return port
    raise OSError("no free port between 20000 and 32000")


def port_is_free(port: int) -> bool:
    """Whether we could listen on it now, a port of a just-ended server included."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def remembered_port(file: Path, keep: bool = True) -> int:
    """The port written in the file, or a free one that is written there now. `keep=False`: unless
    it is taken.
    """
    if file.exists():
        port = int(file.read_text())
        if keep or port_is_free(port):
            return port
    port = free_port()
    write_private(file, str(port))
    return port


def socket_folder(folder: Path) -> Path:
    """A 0700 folder for a unix socket: in `folder`, or a short temporary one if that path is too
    long for a socket.
    """
    inside = folder / "socket"
    if len(bytes(inside)) + len("/.s.PGSQL.65535.lock") <= LONGEST_SOCKET_PATH:
        return private_folder(inside)
    note = folder / "socket-folder"
    if not note.exists() or not Path(note.read_text()).is_dir():
        write_private(note, tempfile.mkdtemp(prefix="wishtree-"))
    return Path(note.read_text())


def forget_socket_folder(folder: Path) -> None:
    """Remove the temporary socket folder, if there is one."""
    note = folder / "socket-folder"
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()


def answer_of(address: tuple[str, int] | str, question: bytes, until: bytes = b"") -> bytes:
    """What a server says to a few bytes; nothing if it is not there or does not answer within a
    second.
    """
    heard = b""
    with socket.socket(
        socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    ) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)
            connection.sendall(question)
            while (more := connection.recv(4096)) and until not in (heard := heard + more):
                pass
        except OSError:
            pass
    return heard


def wait_for_port(port: int, seconds: float = 5) -> None:
    """Return when something listens there, or when the time is over."""
    deadline = time.monotonic() + seconds
    while port_is_free(port) and time.monotonic() < deadline:
        time.sleep(0.02)


def last_words(log: Path) -> str:
    """The last line of a log that says something, preferring errors."""
    lines = [
        line.strip() for line in log.read_text(errors="replace").splitlines()[-30:] if line.strip()
    ]
    errors = [line for line in lines if re.search(r"fatal|error|panic", line, re.IGNORECASE)]
    return (errors or lines or ["it said nothing"])[-1]


def _plain(name: str) -> str:
    """A virtual host's name goes into Erlang code: letters, digits, dot, dash and underscore
    only.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"not a name for a virtual host: {name!r}")
    return name

"""A private PostgreSQL."""

# ruff: noqa: S603 - starting programs is what this file is for

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from devkit.local.accounts import Account, account_for
from devkit.local.binaries import find_postgres
from devkit.local.ports import LOOPBACK
from devkit.local.process_tree import kill_tree, working_in
from devkit.local.servers.base import (
    NO_ACCOUNT,
    Server,
    ServerFailed,
    forget_socket_folder,
    reason_in,
    socket_folder,
)

MAX_CONNECTIONS = 300


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
        self._account = NO_ACCOUNT

    def url(
        self, user: str = "postgres", password: str | None = None, database: str = "postgres"
    ) -> str:
        """A TCP URL; without arguments the superuser's."""
        if password is None:
            password = self._secret("superuser-password")
        user, password, database = (quote(part, safe="") for part in (user, password, database))
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def create_role(self, name: str, password: str, createrole: bool = False) -> None:
        """Make a role that may log in, or give an existing one this password."""
        right = sql.SQL("CREATEROLE" if createrole else "NOCREATEROLE")
        options = sql.SQL("LOGIN {} PASSWORD {}").format(right, sql.Literal(password))
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            verb = sql.SQL("ALTER ROLE" if found.fetchone() else "CREATE ROLE")
            connection.execute(sql.SQL("{} {} {}").format(verb, sql.Identifier(name), options))

    def create_database(self, name: str, owner: str) -> None:
        """Make a database; one that exists is left as it is."""
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))

    def drop_database(self, name: str) -> None:
        """Drop a database even if someone is connected to it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._connect() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url(), autocommit=True)

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
        done = subprocess.run(
            [*self._account.prefix, binaries / "initdb", *self._initdb_options(unfinished)],
            capture_output=True,
            text=True,
            check=False,
            **self._account.popen_options(),
        )
        if done.returncode != 0:
            self.log.write_text(done.stdout + done.stderr)
            raise ServerFailed(
                f"PostgreSQL could not make its data folder: {reason_in(self.log)}"
                f" (log: {self.log})"
            )
        unfinished.rename(self.data)

    def _initdb_options(self, data: Path) -> list[str]:
        options = [
            f"--pgdata={data}",
            "--username=postgres",
            f"--pwfile={self.folder / 'superuser-password'}",
            "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]
        return options if self._fsync else [*options, "--no-sync"]

    def _command(self) -> Sequence[str | Path]:
        assert self._binaries is not None
        durable = "on" if self._fsync else "off"
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self._account.give(socket_folder(self.folder))),
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": durable,
            "full_page_writes": durable,
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._binaries / "postgres", "-D", self.data, *options]

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = NO_ACCOUNT) -> None:
        self._end_orphans()
        self._drop_stale_lock()
        super()._launch(env, self._account)

    def mend(self) -> str | None:
        """Finish a shutdown that waits for its clients.

        A SIGTERM that did not come from us means just that, and refuses everybody meanwhile.
        """
        if self._child.is_stopping or self._pid_file_line(-1) != "stopping":
            return None
        self._child.request_stop()
        return "somebody told it to stop once all clients have left; it stops now"

    def _end_orphans(self) -> None:
        """Kill the processes of a postmaster that was killed alone.

        They end by themselves, except one that is frozen or busy; the next postmaster refuses to
        start until then.
        """
        if not _is_postgres(self._pid_file_line(0)):
            for pid in working_in(self.data):
                if _is_postgres(str(pid)):
                    kill_tree(pid)

    def _pid_file_line(self, number: int) -> str:
        """A line of postmaster.pid: the first is its number, the last its state; or nothing."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[number].strip()
        except (OSError, IndexError):
            return ""

    def _drop_stale_lock(self) -> None:
        """Remove the lock file of a crashed server whose number another program has now.

        PostgreSQL would take that program for itself and refuse to start; in a container, where
        numbers are few, that is the usual case. A lock file of a dead number is left to PostgreSQL,
        which also looks at the shared memory.
        """
        pid = self._pid_file_line(0)
        if pid.isdigit() and psutil.pid_exists(int(pid)) and not _is_postgres(pid):
            (self.data / "postmaster.pid").unlink()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _is_postgres(pid: str) -> bool:
    """Whether a process of PostgreSQL has this number now."""
    try:
        process = psutil.Process(int(pid))
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
    except (psutil.NoSuchProcess, ValueError):
        return False

"""What all private servers have in common.

A port is chosen once and remembered in the folder, so that URLs survive a restart.
"""

import contextlib
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import IO, ClassVar

from devkit.local.accounts import Account
from devkit.local.files import private_folder, write_private
from devkit.local.ports import remembered_port
from devkit.local.processes import STOP_SECONDS, Child

LONGEST_SOCKET_PATH = 100
"""What unix(7) allows is 107 bytes on Linux and 103 on macOS; a server may append a few while it
binds.
"""
LONGEST_SOCKET_NAME = "/.s.PGSQL.65535.lock"
NO_ACCOUNT = Account()
FULL_BYTES = 1_000_000
"""With less than this no server starts."""


class ServerFailed(Exception):
    """A private server did not start. The text says why, as far as its log knows."""


class Server(ABC):
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
        self._port_is_given_out = False

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._child.exit_code

    @property
    def port(self) -> int:
        """The port on 127.0.0.1: the same at each start, unless another program has taken it.

        Once this object has started it, its URL is in use and the port stays.
        """
        keep = self.running or self._port_is_given_out
        return remembered_port(self.folder / "port", keep=keep)

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerFailed, MissingBinary, InUse."""
        if self.running:
            return
        deadline = time.monotonic() + self.ready_seconds
        for _ in range(self.tries):
            self.launch()
            if self._is_up_by(deadline):
                return
            self.kill()
        raise self.failure()

    def launch(self) -> None:
        """Start it without waiting for it. What its last run left behind is ended first."""
        self._prepare()
        self._launch()
        self._port_is_given_out = True

    def answers(self) -> bool:
        """Whether it takes connections by now; known within 2 s."""
        return self.running and self._answers()

    def mend(self) -> str | None:
        """Bring back a helper that died alone while the server runs.

        Returns what was done, None if nothing was.
        """
        return None

    def failure(self) -> ServerFailed:
        """What went wrong, as far as the log knows."""
        full = shutil.disk_usage(self.folder).free < FULL_BYTES  # then the log is not complete
        reason = f"the disk of {self.folder} is full" if full else reason_in(self.log)
        return ServerFailed(f"{self.name} did not start: {reason} (log: {self.log})")

    def _is_up_by(self, deadline: float) -> bool:
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

    def kill_now(self) -> None:
        """SIGKILL without waiting, while another caller waits for the clean stop."""
        self._child.kill_now()

    def restart(self) -> None:
        self.stop()
        self.start()

    @abstractmethod
    def _prepare(self) -> None:
        """Write what must be in the folder before the start."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes connections by now."""

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = NO_ACCOUNT) -> None:
        command = [*account.prefix, *self._command()]
        with self._output() as output:
            self._child.start(command, output, env, user=account.user)

    @contextlib.contextmanager
    def _output(self) -> Iterator[IO[bytes] | int]:
        """The log, or nowhere if it cannot be written: a server does not need it."""
        try:
            log = self.log.open("ab")
        except OSError:
            yield subprocess.DEVNULL
            return
        with log:
            yield log

    def _secret(self, name: str) -> str:
        """A random password, made once and kept in a file that only we may read."""
        file = self.folder / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text()


def socket_folder(folder: Path) -> Path:
    """Make a 0700 folder for a unix socket.

    It is in `folder`, or a short temporary one where that path is too long for a socket.
    """
    inside = folder / "socket"
    if len(bytes(inside)) + len(LONGEST_SOCKET_NAME) <= LONGEST_SOCKET_PATH:
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


def reason_in(log: Path) -> str:
    """The last line of a log that is not empty, an error if there is one."""
    try:
        text = log.read_text(errors="replace")
    except OSError as error:
        return f"its log cannot be read ({error.strerror})"
    lines = [line.strip() for line in text.splitlines()[-30:]]
    filled = [line for line in lines if line]
    errors = [line for line in filled if re.search(r"fatal|error|panic", line, re.IGNORECASE)]
    return (errors or filled or ["its log is empty"])[-1]

"""Processes that we start, each in a session of its own, and a file beside them that names them.

Ctrl-C in a terminal reaches only us, who then stop the others in order. If we crash, the next start
reads the files and stops what is left.
"""

# ruff: noqa: S603 - starting programs is what this file is for

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from devkit.local.accounts import User
from devkit.local.files import write_private
from devkit.local.process_tree import (
    kill_all,
    kill_tree,
    marked,
    start_times,
    started_at,
    wait_for_end,
)

STOP_SECONDS = 20
MARK = "WISHTREE_STARTED_AS"
"""In the environment of each child: its record. A helper that outlived it is known by this."""


class InUse(Exception):
    """Another living process runs this. The text names it."""


class Record(BaseModel):
    """What a `.process` file holds: the process, and who started it."""

    pid: int
    started: str
    stop_signal: int
    owner: int
    owner_started: str | None

    @classmethod
    def read(cls, file: Path) -> "Record | None":
        """None if it was never written, or cut off by a crash of the machine."""
        try:
            return cls.model_validate_json(file.read_text())
        except (FileNotFoundError, ValidationError):
            return None

    @property
    def lives(self) -> bool:
        return started_at(self.pid) == self.started

    @property
    def is_owned(self) -> bool:
        """Whether the process that started it still lives."""
        return started_at(self.owner) == self.owner_started


class Child:
    """A process in its own session. At most one at a time; it can be started again at its end."""

    def __init__(self, pid_file: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self._pid_file = pid_file
        self._stop_signal = stop_signal
        self._popen: subprocess.Popen[bytes] | None = None
        self._started = ""
        self._stopping: dict[int, str] = {}  # it and its descendants, once a stop was requested

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before the first start; negative: the signal that ended it."""
        return self._popen.poll() if self._popen else None

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was requested and it has not been started again since."""
        return bool(self._stopping)

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._popen.stdout if self._popen else None

    def start(
        self,
        argv: Sequence[str | Path],
        output: IO[bytes] | int,
        env: Mapping[str, str] | None = None,
        *,
        user: User | None = None,
        errors: IO[bytes] | int = subprocess.STDOUT,
    ) -> None:
        """Start it. What a crashed run, or its own crash, left behind is stopped first.

        Raises InUse if another living process runs the same.
        """
        self._kill_leftovers()
        stop_recorded(self._pid_file, refuse_if_owned=True)
        self._kill_marked()
        with signals_delayed():
            self._popen = subprocess.Popen(
                [str(part) for part in argv],
                env={**(os.environ if env is None else env), MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                **(user.popen_options() if user else {}),
            )
            self._write_record(self._popen.pid)

    def request_stop(self) -> None:
        """Send the signal that means a clean stop, once, and do not wait."""
        if self._popen is not None and self.running and not self._stopping:
            self._stopping = start_times(self._popen.pid)
            os.kill(self._popen.pid, self._stop_signal)
            os.kill(self._popen.pid, signal.SIGCONT)  # a frozen one could not hear it

    def finish(self, timeout: float) -> None:
        """Wait until it has stopped; kill it after `timeout` seconds, and its descendants."""
        if self._popen is not None:
            wait_for_end(self._popen.pid, self._started, timeout)
            self.kill()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Request it and wait. Repeating it is harmless."""
        self.request_stop()
        self.finish(timeout)

    def kill(self) -> None:
        """SIGKILL for it and all its descendants, and for nothing else."""
        if self._popen is None:
            return
        self.kill_now()
        self._popen.wait()
        self._kill_leftovers()
        self._kill_marked()
        self._pid_file.unlink(missing_ok=True)

    def kill_now(self) -> None:
        """SIGKILL without waiting: safe in a signal handler, even while something waits for it."""
        if self._popen is not None and started_at(self._popen.pid) == self._started:
            kill_tree(self._popen.pid)

    def _kill_leftovers(self) -> None:
        """Kill its process group, and the descendants that it had when its stop was requested."""
        if self._popen is not None and started_at(self._popen.pid) is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            kill_all(self._stopping)

    @property
    def _mark(self) -> str:
        return str(self._pid_file.absolute())

    def _kill_marked(self) -> None:
        """Kill every helper that has outlived it, in whatever session, whoever adopted it."""
        for pid in marked(MARK, self._mark):
            kill_tree(pid)

    def _write_record(self, pid: int) -> None:
        self._started, self._stopping = started_at(pid) or "", {}
        record = Record(
            pid=pid,
            started=self._started,
            stop_signal=self._stop_signal,
            owner=os.getpid(),
            owner_started=started_at(os.getpid()),
        )
        write_private(self._pid_file, record.model_dump_json())


@contextlib.contextmanager
def signals_delayed() -> Iterator[None]:
    """Let signals wait, so that none falls between the start of a child and the note about it.

    They are caught rather than blocked, because a child would inherit the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {
        number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in came:
            signal.raise_signal(late)


def stop_orphans(folder: Path) -> list[str]:
    """Stop what a crashed run left running in `folder`, and return the names of what was found.

    Looks at the pid files in `folder` and its direct sub-folders, the last started first. What a
    living process still owns is left alone.
    """
    pid_files = [*folder.glob("*.process"), *folder.glob("*/*.process")]
    pid_files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.stem for file in pid_files if stop_recorded(file)]


def stop_recorded(pid_file: Path, refuse_if_owned: bool = False) -> bool:
    """Stop the process that the file names if its starter is gone; true if there was one to stop.

    Raises InUse if its starter still lives and `refuse_if_owned`.
    """
    record = Record.read(pid_file)
    if record is None:
        return False
    if not record.lives:
        pid_file.unlink(missing_ok=True)
        return False
    if record.is_owned:
        if refuse_if_owned:
            raise InUse(
                f"{pid_file.stem} of {pid_file.parent} is already running"
                f" (started by process {record.owner})."
            )
        return False
    descendants = start_times(record.pid)
    os.kill(record.pid, record.stop_signal)
    wait_for_end(record.pid, record.started, STOP_SECONDS)
    kill_all(descendants)
    pid_file.unlink(missing_ok=True)
    return True

"""Processes that we start, each in a session of its own, and a file beside them that names them.

Ctrl-C in a terminal reaches only us, who then stop the others in order. If we crash, the next start
reads the files and stops what is left. A file holds pid and start time, so that a process which
merely got the same number is never hit.
"""

# ruff: noqa: S603, S607 - starting programs is what this file is for

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

STOP_SECONDS = 20


class InUse(Exception):
    """Another living process runs this. The text names it."""


class Child:
    """A process in its own session. At most one at a time; it can be started again after its
    end.
    """

    def __init__(self, pid_file: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self._pid_file = pid_file
        self._stop_signal = stop_signal
        self._popen: subprocess.Popen[bytes] | None = None
        self._started = ""
        self._family: dict[int, str] = {}

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
    def stdout(self) -> IO[bytes] | None:
        return self._popen.stdout if self._popen else None

    def start(
        self,
        argv: Sequence[str | Path],
        output: IO[bytes] | int,
        env: Mapping[str, str] | None = None,
        *,
        user: int | None = None,
        group: int | None = None,
        errors: IO[bytes] | int = subprocess.STDOUT,
    ) -> None:
        """Start it. What a crashed run, or its own crash, left behind is stopped first.

        Raises InUse if another living process runs the same.
        """
        self._sweep()
        stop_recorded(self._pid_file, refuse_if_owned=True)
        with signals_held():
            self._popen = subprocess.Popen(
                [str(part) for part in argv],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
            self._started = started_at(self._popen.pid) or ""
            self._family = {}
            write_private(self._pid_file, json.dumps(self._record(self._popen.pid)))

    def ask_to_stop(self) -> None:
        """Send the signal that means a clean stop, once, and do not wait."""
        if self._popen is not None and self.running and not self._family:
            self._family = family(self._popen.pid)
            os.kill(self._popen.pid, self._stop_signal)

    def finish(self, timeout: float) -> None:
        """Wait until it has stopped; by force after `timeout` seconds. Its descendants go with
        it.
        """
        if self._popen is None:
            return
        await_end(self._popen.pid, self._started, timeout)
        self.kill()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Ask and wait. Repeating it is harmless."""
        self.ask_to_stop()
        self.finish(timeout)

    def kill(self) -> None:
        """SIGKILL for it and all its descendants, and for nothing else."""
        if self._popen is None:
            return
        self.hurry()
        self._popen.wait()
        self._sweep()
        self._pid_file.unlink(missing_ok=True)

    def hurry(self) -> None:
        """SIGKILL without waiting: safe in a signal handler, whoever waits for it meanwhile."""
        if self._popen is not None and started_at(self._popen.pid) == self._started:
            kill_tree(self._popen.pid)

    def _sweep(self) -> None:
        """Kill what it left behind when it ended: its process group, and who was its descendant
        when it was asked.
        """
        if self._popen is not None and started_at(self._popen.pid) is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            kill_family(self._family)

    def _record(self, pid: int) -> dict[str, object]:
        owner = os.getpid()
        return {
            "pid": pid,
            "started": self._started,
            "stop_signal": int(self._stop_signal),
            "owner": owner,
            "owner_started": started_at(owner),
        }


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait, so that no handler raises between the start of a child and the note that it
    exists.

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
    try:
        record = json.loads(pid_file.read_text())
    except (FileNotFoundError, ValueError):  # never written, or cut off by a crash of the machine
        return False
    pid, started, owner = int(record["pid"]), str(record["started"]), int(record["owner"])
    if started_at(pid) != started:
        pid_file.unlink(missing_ok=True)
        return False
    if started_at(owner) == record["owner_started"]:
        if refuse_if_owned:
            raise InUse(
                f"{pid_file.stem} of {pid_file.parent} is already running (started by process {owner})."
            )
        return False
    relatives = family(pid)
    os.kill(pid, record["stop_signal"])
    await_end(pid, started, STOP_SECONDS)
    kill_family(relatives)
    pid_file.unlink(missing_ok=True)
    return True


def await_end(pid: int, started: str, timeout: float) -> None:
    """Return when that very process has ended, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while started_at(pid) == started and time.monotonic() < deadline:
        time.sleep(0.02)


def family(pid: int) -> dict[int, str]:
    """A process and its descendants, with the start time by which each can be told from a later
    namesake.
    """
    return {member: started for member in tree(pid) if (started := started_at(member)) is not None}


def kill_family(members: Mapping[int, str]) -> None:
    """SIGKILL for those who still live, and for what they have started since."""
    for member, started in members.items():
        if started_at(member) == started:
            kill_tree(member)


def kill_tree(pid: int) -> None:
    """SIGKILL a process and its descendants.

    PostgreSQL gives each backend a session of its own, so a process group is not enough. All are
    frozen first: none can fork while we look.
    """
    frozen: set[int] = set()
    while found := tree(pid) - frozen:
        for member in found:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(member, signal.SIGSTOP)
        frozen |= found
    for member in frozen:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def tree(pid: int) -> set[int]:
    """A process and all its descendants, as far as they exist."""
    parents = _parents()
    found = {pid} & parents.keys()
    while children := {child for child, parent in parents.items() if parent in found} - found:
        found |= children
    return found


def started_at(pid: int) -> str | None:
    """When a process started, as a text to compare; None if it does not exist or has ended (a
    zombie).
    """
    if not sys.platform.startswith("linux"):
        said = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        state, _, started = said.stdout.strip().partition(" ")
        return None if not state or state.startswith("Z") else started.strip()
    fields = _proc_stat(pid)
    if not fields or fields[0] == "Z":
        return None
    # Ticks since boot (field 22 of proc(5)); another boot counts anew.
    return f"{fields[19]}@{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"


def _parents() -> dict[int, int]:
    """The parent of every process. From /proc where there is one: slim images have no `ps`."""
    if not sys.platform.startswith("linux"):
        said = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        )
        return {
            int(pid): int(parent)
            for pid, parent in (line.split() for line in said.stdout.splitlines())
        }
    pids = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    return {pid: int(fields[1]) for pid in pids if (fields := _proc_stat(pid))}


def _proc_stat(pid: int) -> list[str]:
    """The fields after the name, which may itself hold spaces and brackets; empty if there is no
    such process.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def write_private(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)


def private_folder(path: Path) -> Path:
    """Make a folder that only we may enter. The permissions of its parents stay as they are."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path

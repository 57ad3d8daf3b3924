"""Keep our processes running on one machine, and end them all together.

For `wishtree up` and tests. In production the platform does this (docker-compose.yml).
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from devkit.local.files import private_folder
from devkit.local.processes import STOP_SECONDS, Child

LONGEST_PAUSE_SECONDS = 10
STEADY_SECONDS = 30
"""A process that has run for this long was healthy: its next end counts as the first."""
LOG_BYTES = 20_000_000
ALARMING = re.compile(
    r'"level": ?"(warning|error|critical)"|\b(WARNING|ERROR|CRITICAL)\b'
    r"|\[(warning|error|critical) *\]|^Traceback \(most|^[\w.]+(Error|Exception): "
)


@dataclass(frozen=True, slots=True)
class Process:
    """One of our processes: a short name, its command, and its environment (ours, if None)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None

    def with_env(self, env: Mapping[str, str]) -> "Process":
        return replace(self, env=env)


class Supervisor:
    """Starts processes, starts again those that end, stops all of them.

    Output goes to `folder/log/NAME.log`; warnings and errors (everything, if `verbose`) also to
    `show`, one line a call. There is no thread that watches: the owner calls `check` a few times a
    second.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        folder: Path,
        show: Callable[[str], None],
        verbose: bool = False,
    ) -> None:
        logs, pids = private_folder(folder / "log"), private_folder(folder / "run")
        self._children = [_KeptProcess(process, pids, logs, show, verbose) for process in processes]

    def start(self) -> None:
        """Start all, in the given order."""
        for child in self._children:
            child.start()

    def check(self) -> None:
        """Start again what has ended and has paused long enough."""
        for child in self._children:
            child.check()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """SIGTERM to all, the last started first; SIGKILL to those that run after `timeout` s."""
        deadline = time.monotonic() + timeout
        for child in reversed(self._children):
            child.process.request_stop()
        for child in reversed(self._children):
            child.process.finish(max(0, deadline - time.monotonic()))
            child.close()

    def kill_now(self) -> None:
        """SIGKILL to all without waiting; safe in a signal handler while `stop` waits."""
        for child in self._children:
            child.process.kill_now()

    def pid(self, name: str) -> int | None:
        """The number of the process that has this name now."""
        return next(child.process.pid for child in self._children if child.name == name)


class _KeptProcess:
    """A process that is kept running."""

    def __init__(
        self, spec: Process, pids: Path, logs: Path, show: Callable[[str], None], verbose: bool
    ) -> None:
        self.name = spec.name
        self.process = Child(pids / f"{spec.name}.process")
        self._spec = spec
        self._log = logs / f"{spec.name}.log"
        self._show = show
        self._verbose = verbose
        self._copier: threading.Thread | None = None
        self._started_at = 0.0
        self._ends = 0
        self._start_at: float | None = None

    def start(self) -> None:
        self.process.start(self._spec.argv, subprocess.PIPE, self._spec.env)
        self._started_at, self._start_at = time.monotonic(), None
        assert self.process.stdout is not None
        self._copier = threading.Thread(target=self._copy, args=[self.process.stdout], daemon=True)
        self._copier.start()

    def check(self) -> None:
        """Start it again once its pause is over: 1 s after its first end, 2 s, 4 s ... 10 s."""
        if self.process.running:
            return
        if self._start_at is None:
            self._schedule_start()
        elif time.monotonic() >= self._start_at:
            self.start()

    def _schedule_start(self) -> None:
        now = time.monotonic()
        was_steady = now - self._started_at > STEADY_SECONDS
        self._ends = 1 if was_steady else self._ends + 1
        pause = min(2 ** (self._ends - 1), LONGEST_PAUSE_SECONDS)
        self._start_at = now + pause
        how = _describe(self.process.exit_code)
        self._show(f"{self.name} ended ({how}); again in {pause} s (log: {self._log})")

    def close(self) -> None:
        """Wait until the last output is in the log."""
        if self._copier is not None:
            self._copier.join(timeout=2)

    def _copy(self, output: IO[bytes]) -> None:
        """Copy output to the log file, and warnings to the terminal too.

        It ends when the process and its children have ended.
        """
        with output:
            for line in output:
                self._write(line)
                text = line.decode(errors="replace").rstrip()
                if self._verbose or ALARMING.search(text):
                    self._show(f"{self.name}: {text}")

    def _write(self, line: bytes) -> None:
        """Append to the log; a log that has grown too long becomes the previous log."""
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            log.write(line)


def _describe(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"

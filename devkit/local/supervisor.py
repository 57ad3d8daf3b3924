"""Keeps our processes running on one machine, and ends them all together.

For `wishtree up` and tests. In production the platform does this (docs on Compose and Kubernetes).
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from devkit.local.processes import STOP_SECONDS, Child, private_folder

LONGEST_PAUSE_SECONDS = 10
STEADY_SECONDS = 30
"""Who has run for this long was healthy: its next end counts as the first."""
LOG_BYTES = 20_000_000
ALARMING = re.compile(
    r'"level": ?"(warning|error|critical)"|\b(WARNING|ERROR|CRITICAL)\b|\[(warning|error|critical) *\]'
    r"|^Traceback \(most|^[\w.]+(Error|Exception): "
)


@dataclass(frozen=True)
class Process:
    """One of our processes: a short name, its command, and its environment (ours, if None)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None


class Supervisor:
    """Starts processes, starts again those that end, stops all of them.

    Output goes to `folder/log/NAME.log`; warnings and errors (everything, if `verbose`) also to
    `say`, one line a call. Nothing happens by itself: the owner calls `check` a few times a second.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        folder: Path,
        say: Callable[[str], None],
        verbose: bool = False,
    ) -> None:
        logs, pids = private_folder(folder / "log"), private_folder(folder / "run")
        self._children = [_Kept(process, pids, logs, say, verbose) for process in processes]

    def start(self) -> None:
        """Start all, in the given order."""
        for child in self._children:
            child.start()

    def check(self) -> None:
        """Start again what has ended and has paused long enough."""
        for child in self._children:
            child.check()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """SIGTERM to all, the last started first; whatever still runs after `timeout` seconds is
        killed.
        """
        deadline = time.monotonic() + timeout
        for child in reversed(self._children):
            child.process.ask_to_stop()
        for child in reversed(self._children):
            child.process.finish(max(0, deadline - time.monotonic()))
            child.close()

    def hurry(self) -> None:
        """SIGKILL to all, at once and without waiting; may be called in a signal handler while
        `stop` waits.
        """
        for child in self._children:
            child.process.hurry()

    def pid(self, name: str) -> int | None:
        """Who currently is the process of this name."""
        return next(child.process.pid for child in self._children if child.name == name)


class _Kept:
    """A process that is kept running."""

    def __init__(
        self, spec: Process, pids: Path, logs: Path, say: Callable[[str], None], verbose: bool
    ) -> None:
        self.name = spec.name
        self.process = Child(pids / f"{spec.name}.process")
        self._spec = spec
        self._log = logs / f"{spec.name}.log"
        self._say = say
        self._verbose = verbose
        self._pump: threading.Thread | None = None
        self._started_at = 0.0
        self._ends = 0
        self._due: float | None = None

    def start(self) -> None:
        self.process.start(self._spec.argv, subprocess.PIPE, self._spec.env)
        self._started_at, self._due = time.monotonic(), None
        assert self.process.stdout is not None
        self._pump = threading.Thread(target=self._carry, args=[self.process.stdout], daemon=True)
        self._pump.start()

    def check(self) -> None:
        """Start it again once its pause is over: 1 s after its first end, 2 s, 4 s ... up to 10
        s.
        """
        if self.process.running:
            return
        if self._due is None:
            steady = time.monotonic() - self._started_at > STEADY_SECONDS
            self._ends = 1 if steady else self._ends + 1
            pause = min(2 ** (self._ends - 1), LONGEST_PAUSE_SECONDS)
            self._due = time.monotonic() + pause
            self._say(
                f"{self.name} ended ({_how(self.process.exit_code)}); again in {pause} s (log: {self._log})"
            )
        elif time.monotonic() >= self._due:
            self.start()

    def close(self) -> None:
        """Let the last output reach the log."""
        if self._pump is not None:
            self._pump.join(timeout=2)

    def _carry(self, output: IO[bytes]) -> None:
        """Carry output to the log file, and what alarms to the terminal, until the process and its
        children end.
        """
        with output:
            for line in output:
                self._write(line)
                text = line.decode(errors="replace").rstrip()
                if self._verbose or ALARMING.search(text):
                    self._say(f"{self.name}: {text}")

    def _write(self, line: bytes) -> None:
        """Append to the log; a log that has grown too long becomes the previous log."""
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            log.write(line)


def _how(exit_code: int | None) -> str:
    return (
        f"signal {-exit_code}"
        if exit_code is not None and exit_code < 0
        else f"exit code {exit_code}"
    )

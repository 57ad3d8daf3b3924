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

from devkit.local.back_off import BackOff, cause_of, how_it_ended
from devkit.local.files import private_folder
from devkit.local.processes import STOP_SECONDS, Child

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

    def replace(self, process: Process) -> None:
        """Use another command or environment from the next start of this name on."""
        next(child for child in self._children if child.name == process.name).spec = process

    def pids(self) -> dict[str, int | None]:
        """The number that each process has now, by name."""
        return {child.name: child.process.pid for child in self._children}


class _KeptProcess:
    """A process that is kept running."""

    def __init__(
        self, spec: Process, pids: Path, logs: Path, show: Callable[[str], None], verbose: bool
    ) -> None:
        self.name = spec.name
        self.process = Child(pids / f"{spec.name}.process")
        self.spec = spec
        self._log = logs / f"{spec.name}.log"
        self._show = show
        self._verbose = verbose
        self._copier: threading.Thread | None = None
        self._back_off = BackOff()
        self._ended_at = 0.0
        self._log_is_full = False

    def start(self) -> None:
        self.process.start(self.spec.argv, subprocess.PIPE, self.spec.env)
        self._back_off.runs()
        assert self.process.stdout is not None
        self._copier = threading.Thread(target=self._copy, args=[self.process.stdout], daemon=True)
        self._copier.start()

    def check(self) -> None:
        """Start it again once its pause is over."""
        if self._back_off.is_over:
            self._start_again()
        elif not self._back_off.waits and not self.process.running:
            self._ended_at = time.monotonic()
            self._wait(how_it_ended(self.process.exit_code))

    def _start_again(self) -> None:
        """Start it; if that fails, for whatever reason, say why and pause again."""
        try:
            self.start()
        except Exception as error:
            self.process.kill()  # it may run without its record or without a reader of its output
            self._wait(f"could not be started ({cause_of(error)})")
        else:
            away = time.monotonic() - self._ended_at
            self._show(f"{self.name} runs again after {away:.1f} s")

    def _wait(self, what_happened: str) -> None:
        pause = self._back_off.ended()
        self._show(f"{self.name} {what_happened}; again in {pause} s (log: {self._log})")

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
        """Append to the log; a log that has grown too long becomes the previous log.

        A line that cannot be written is dropped, which is said once: a process must not wait for
        its log.
        """
        try:
            if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
                self._log.replace(self._log.with_suffix(".log.1"))
            with self._log.open("ab") as log:
                log.write(line)
        except OSError as error:
            if not self._log_is_full:
                self._show(f"{self.name}: its log cannot be written ({cause_of(error)})")
            self._log_is_full = True
        else:
            self._log_is_full = False

"""`wishtree up` as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from devkit.local.ports import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def processes_naming(folder: Path) -> dict[int, str]:
    """Every living process with this folder in its command line or environment."""
    found = {}
    for process in psutil.process_iter():
        try:
            command, environment = process.cmdline(), process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        where = [*command, *environment.values()]
        if command and process.pid != os.getpid() and any(str(folder) in text for text in where):
            found[process.pid] = " ".join(command)
    return found


class RunningUp:
    """`up` with stand-ins in a process of its own."""

    def __init__(
        self,
        data: Path,
        *options: str,
        mode: str = "embedded",
        port: int | None = None,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.output = data.parent / "output"
        self._file = self.output.open("wb")
        argv = [*python, str(HERE / "stand_in.py"), mode, str(data), str(self.port), *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            argv, stdout=self._file, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )

    def printed(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.printed():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.05)

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def crash(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        code = self.process.wait(timeout=60)
        self._file.close()
        return code

"""`wishtree up` as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from devkit.local.servers import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def processes_naming(folder: Path) -> dict[int, str]:
    """Every living process with this folder in its command line or environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                where = words + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in where and words:
                found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace")
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

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def crash(self) -> None:
        self.process.kill()
        self.ended()

    def ended(self) -> int:
        code = self.process.wait(timeout=60)
        self._file.close()
        return code

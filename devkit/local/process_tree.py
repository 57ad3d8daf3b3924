"""Which processes exist, who started whom, and how to kill one with all its descendants.

A process is known by its number and its start time, so that a later process with the same number
is never hit.
"""

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def started_at(pid: int) -> str | None:
    """When a process started, as a text to compare; None if it has ended (a zombie has)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{_seconds_since_boot(process):.2f}@{_this_boot()}"
    except psutil.NoSuchProcess:
        return None


def _seconds_since_boot(process: psutil.Process) -> float:
    """The start time, counted from the boot.

    psutil adds the boot's wall-clock time, which moves when the clock is set: subtract it again.
    """
    while True:
        booted = psutil.boot_time()
        since = process.create_time() - booted
        if psutil.boot_time() == booted:  # else the clock was set between the two readings
            return since


def _this_boot() -> str:
    """Linux counts the start times of each boot from zero, so the boot belongs to them."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def tree(pid: int) -> set[int]:
    """A process and all its descendants, as far as they exist."""
    parents = _parents()
    found = {pid} & parents.keys()
    while children := {child for child, parent in parents.items() if parent in found} - found:
        found |= children
    return found


def _parents() -> dict[int, int]:
    """The parent of every process.

    psutil's own `children()` compares wall-clock times and can miss a child when the clock is set.
    """
    found = {}
    for pid in psutil.pids():
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
            found[pid] = psutil.Process(pid).ppid()
    return found


def start_times(pid: int) -> dict[int, str]:
    """A process and its descendants with their start times."""
    times = {member: started_at(member) for member in tree(pid)}
    return {member: started for member, started in times.items() if started is not None}


def marked(name: str, value: str) -> set[int]:
    """Every process with this variable in the environment that it was started with."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it ended, or is not ours to look at
            if process.environ().get(name) == value:
                found.add(process.pid)
    return found


def working_in(folder: Path) -> set[int]:
    """Every process whose current folder is this one."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(folder):
                found.add(process.pid)
    return found


def is_frozen(pid: int) -> bool:
    """Whether SIGSTOP holds it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def kill_all(processes: Mapping[int, str]) -> None:
    """SIGKILL for those of `start_times` that still live, and for what they have started since."""
    for pid, started in processes.items():
        if started_at(pid) == started:
            kill_tree(pid)


def kill_tree(pid: int) -> None:
    """SIGKILL a process and its descendants.

    PostgreSQL gives each backend a session of its own, so a process group is not enough. All are
    frozen first: none can fork while we look.
    """
    frozen: set[int] = set()
    while found := tree(pid) - frozen:
        _signal(found, signal.SIGSTOP)
        frozen |= found
    _signal(frozen, signal.SIGKILL)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.kill(pid, number)


def wait_for_end(pid: int, started: str, timeout: float) -> None:
    """Return when that very process has ended, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while started_at(pid) == started and time.monotonic() < deadline:
        time.sleep(0.02)

"""A process is known by its start time, and killed with all its descendants."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devkit.installation import wait_until
from devkit.local.process_tree import kill_tree, started_at, tree
from devkit.local.processes import Child, stop_orphans

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
GRANDCHILD_IN_ITS_OWN_SESSION = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""


def start(code: str = "import time; time.sleep(600)") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def test_the_whole_tree_is_killed_with_children_in_sessions_of_their_own() -> None:
    parent = start(GRANDCHILD_IN_ITS_OWN_SESSION)
    wait_until(lambda: len(tree(parent.pid)) == 2, 10, "the child did not start")
    members = tree(parent.pid)

    kill_tree(parent.pid)
    parent.wait()

    wait_until(lambda: not any(map(started_at, members)), 5, "somebody still lives")


def test_a_zombie_counts_as_ended() -> None:
    process = start("pass")
    wait_until(lambda: started_at(process.pid) is None, 10, "the zombie counts as running")
    assert psutil.pid_exists(process.pid)
    process.wait()


def test_a_start_time_stays_the_same_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    process = start()
    before = started_at(process.pid)
    an_hour_later = _later(psutil.boot_time)
    monkeypatch.setattr(psutil, "boot_time", an_hour_later)
    monkeypatch.setattr(psutil._psplatform, "boot_time", an_hour_later)

    after = started_at(process.pid)

    process.kill()
    process.wait()
    assert before == after is not None


def _later(boot_time: Callable[[], float]) -> Callable[[], float]:
    moved = boot_time() + 3600
    return lambda: moved


def test_a_later_process_with_the_same_number_is_not_stopped(tmp_path: Path) -> None:
    orphan = start()
    record = tmp_path / "worker.process"
    about_another = {"pid": orphan.pid, "started": "1.00@an earlier boot", "stop_signal": 15}
    record.write_text(json.dumps(about_another | {"owner": 1, "owner_started": "gone"}))

    assert stop_orphans(tmp_path) == []

    assert not record.exists()
    assert orphan.poll() is None
    orphan.kill()
    orphan.wait()


def test_an_orphan_is_stopped_and_named(tmp_path: Path) -> None:
    starter = (
        "import os, pathlib, subprocess, sys\n"
        "from devkit.local.processes import Child\n"
        "child = Child(pathlib.Path(sys.argv[1]))\n"
        "child.start(sys.argv[2:], subprocess.DEVNULL)\n"
        "os._exit(1)  # as by a crash\n"
    )
    record = tmp_path / "worker.process"
    subprocess.run([sys.executable, "-c", starter, record, *SLEEP], check=False)
    orphan = json.loads(record.read_text())["pid"]
    assert started_at(orphan) is not None

    assert stop_orphans(tmp_path) == ["worker"]

    assert started_at(orphan) is None


def test_what_a_living_process_owns_is_left_alone(tmp_path: Path) -> None:
    child = Child(tmp_path / "worker.process")
    child.start(SLEEP, subprocess.DEVNULL)

    assert stop_orphans(tmp_path) == []

    assert child.running
    begun = time.monotonic()
    child.stop()
    assert not child.running and time.monotonic() - begun < 10

"""`wishtree up` brings back every child, by whatever signal it dies, alone or with its helpers."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.installation import wait_until
from devkit.local.process_tree import kill_tree, started_at, tree
from tests.faults.stage import seconds
from tests.faults.test_faults import needs_rabbitmq
from tests.support.running_up import RunningUp

ALONE = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT)


@pytest.fixture(params=["embedded", "real"])
def running(request: pytest.FixtureRequest, folder: Path) -> Iterator[RunningUp]:
    if request.param == "real":
        needs_rabbitmq()
    run = RunningUp(folder / "data", mode=request.param)
    run.wait_for("沈芳 logs in", seconds=seconds(120))
    yield run
    assert run.interrupt() == 0


def children(run: RunningUp) -> list[str]:
    """Names of the records of all children."""
    return sorted(file.stem for file in run.data.rglob("*.process"))


def pid_of(run: RunningUp, name: str) -> int:
    (file,) = run.data.rglob(f"{name}.process")
    return int(json.loads(file.read_text())["pid"])


def is_back(run: RunningUp, name: str, before: int) -> bool:
    try:
        now = pid_of(run, name)
    except (ValueError, FileNotFoundError):  # the record is being written
        return False
    return now != before and started_at(now) is not None


def everything_answers(run: RunningUp) -> bool:
    """Whether each server that ended has been said to be back."""
    lines = run.printed().splitlines()
    for server in ("PostgreSQL", "Valkey", "RabbitMQ"):
        states = [line for line in lines if line.startswith(f"{server} ")]
        if states and "is back" not in states[-1]:
            return False
    return True


@pytest.mark.check("R2")
@pytest.mark.timeout(1200)
@pytest.mark.long(reason="every child dies in five ways")
def test_every_child_comes_back_from_every_death(running: RunningUp) -> None:
    for how in (*ALONE, "tree"):
        for name in children(running):
            before = pid_of(running, name)
            if isinstance(how, signal.Signals):
                os.kill(before, how)
            else:
                kill_tree(before)
            wait_until(
                lambda name=name, before=before: is_back(running, name, before),
                seconds(60),
                lambda name=name, how=how: f"{name} after {how}: {running.printed()[-1500:]}",
            )
            wait_until(
                lambda: everything_answers(running), seconds(90), lambda: running.printed()[-1500:]
            )
            assert running.process.poll() is None, running.printed()[-1500:]


@pytest.mark.check("R2")
@pytest.mark.timeout(600)
@pytest.mark.long(reason="everything dies at once, three times")
def test_all_children_come_back_when_they_die_at_once(running: RunningUp) -> None:
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
        before = {name: pid_of(running, name) for name in children(running)}
        for pid in before.values():
            os.kill(pid, number)
        for name, pid in before.items():
            wait_until(
                lambda name=name, pid=pid: is_back(running, name, pid),
                seconds(90),
                lambda name=name: f"{name}: {running.printed()[-1500:]}",
            )
        wait_until(
            lambda: everything_answers(running), seconds(90), lambda: running.printed()[-1500:]
        )


@pytest.mark.check("R2")
@pytest.mark.timeout(600)
@pytest.mark.long(reason="every helper dies")
def test_the_death_of_a_helper_ends_nothing_for_good(running: RunningUp) -> None:
    """The checkpointer, erl_child_setup, inet_gethost, backends: whatever a child has started."""
    for name in children(running):
        for helper in sorted(tree(pid_of(running, name)) - {pid_of(running, name)}):
            try:
                os.kill(helper, signal.SIGKILL)
            except ProcessLookupError:  # its neighbours took it with them
                continue
        wait_until(
            lambda: everything_answers(running), seconds(90), lambda: running.printed()[-1500:]
        )
        assert started_at(pid_of(running, name)) is not None
    assert running.process.poll() is None

"""A loop that no longer turns is seen from outside: real processes are frozen, and named."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from kombu import Connection

from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import District
from shared import SERVICES
from shared.messaging.broker.connection import connect
from shared.messaging.broker.queue_watch import QueueWatch
from shared.messaging.broker.relay import relay
from shared.messaging.broker.topology import declare_topology
from shared.messaging.turns import Loop, LoopKind, Trouble

BUS_LOOPS = ("relay", "consume", "attempts", "catch_up")
ALL_LOOPS = {*BUS_LOOPS, "worker", "beat"}


def start(installation: Installation, *services: str) -> None:
    for service in services:
        installation.start("bus", service)
        installation.start("worker", service)
    installation.start("beat")
    for service in services:
        installation.api(service)


def readiness(installation: Installation, service: str) -> Any:
    url = f"http://127.0.0.1:{installation.ports[service]}/{service}/readyz"
    return requests.get(url, timeout=5).json()


def turning(installation: Installation, service: str) -> set[str]:
    found = readiness(installation, service)["loops"]
    return {one["loop"] for one in found if one["status"] == "turning"}


def named_in(reasons: list[Any]) -> set[tuple[str, str, str, int]]:
    """Code, service, loop and the number of the process."""
    return {
        (one["code"], one["service"], one["loop"], int(str(one["process"]).rpartition(":")[2]))
        for one in reasons
        if one["process"]
    }


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.long(reason="starts four processes, and freezes three of them for seconds")
def test_a_frozen_process_is_named_until_it_goes_on(installation: Installation) -> None:
    installation.env["WISHTREE_LOOP_SILENT_SECONDS"] = "2"
    start(installation, "rewards")

    def state() -> str:
        return str(readiness(installation, "rewards"))

    def reasons() -> set[tuple[str, str, str, int]]:
        return named_in(readiness(installation, "rewards")["reasons"])

    wait_until(lambda: turning(installation, "rewards") == ALL_LOOPS, 40, state)
    parts = {"bus-rewards": BUS_LOOPS, "worker-rewards": ("worker",), "beat": ("beat",)}
    for name, loops in parts.items():
        pid = installation.processes[name].pid
        expected = {("loop_silent", "rewards", loop, pid) for loop in loops}
        with frozen(pid):
            wait_until(lambda e=expected: reasons() == e, 10, state)
        wait_until(lambda: not readiness(installation, "rewards")["reasons"], 15, state)
    assert_only_the_dead_are_missed(installation)


def assert_only_the_dead_are_missed(installation: Installation) -> None:
    """A clean stop takes the rows back; after a kill they stay."""
    rows = "SELECT count(*) FROM rewards.loop_turns WHERE loop = %s"
    installation.terminate("beat")
    assert installation.one(rows, "beat") == 0
    installation.terminate("worker-rewards")
    assert installation.one(rows, "worker") == 0
    installation.kill("bus-rewards")
    assert installation.one(rows, "relay") == 1


@pytest.mark.faults
@pytest.mark.check("L2")
@pytest.mark.parametrize(
    ("name", "service", "loops"),
    [
        ("bus-wishes", "wishes", BUS_LOOPS),
        ("worker-notify", "notify", ("worker",)),
        ("beat", None, ("beat",)),
    ],
)
@pytest.mark.long(reason="waits for 30 s of silence")
@pytest.mark.timeout(400)
def test_the_whole_and_the_command_name_exactly_what_is_frozen(
    installation: Installation,
    name: str,
    service: str | None,
    loops: tuple[str, ...],
) -> None:
    start(installation, *SERVICES)
    port = free_port()
    installation.start("gateway", "--port", str(port))

    def whole() -> Any:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).json()

    def is_well() -> bool:
        turn = all(turning(installation, one) == ALL_LOOPS for one in SERVICES)
        return turn and whole()["status"] == "ready"

    def said() -> set[tuple[str, str, str]]:
        return {(one["code"], one["service"], one["loop"]) for one in whole()["reasons"]}

    def named() -> set[tuple[str, str, str, int]]:
        """Processes are named inside the installation only."""
        found = [readiness(installation, one)["reasons"] for one in SERVICES]
        return named_in([reason for reasons in found for reason in reasons])

    wait_until(is_well, 90, lambda: str(whole()["reasons"]))
    pid = installation.processes[name].pid
    of = [service] if service else SERVICES
    expected = {("loop_silent", one, loop, pid) for one in of for loop in loops}
    with frozen(pid):
        wait_until(lambda: named() == expected, 45, lambda: str(whole()["reasons"]))
        wait_until(lambda: said() == {one[:3] for one in expected}, 5, lambda: str(said()))
        found = status(installation)
        assert found["exit_code"] == 1
        assert named_in([r for one in found["services"] for r in one["reasons"]]) == expected
    wait_until(lambda: whole()["status"] == "ready", 15, lambda: str(whole()["reasons"]))


def status(installation: Installation) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "console.main", "status", "--json"],
        env={**os.environ, **installation.env},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) | {"exit_code": done.returncode}


@pytest.fixture
def queue(broker_url: str) -> Iterator[Connection]:
    with connect(broker_url) as connection:
        declare_topology(connection)
        yield connection


def test_a_consumer_that_takes_nothing_notices_that_messages_wait(
    queue: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.broker.queue_watch.LOOK_EVERY_SECONDS", 0)
    watch = QueueWatch(queue, "rewards.events")

    def work() -> tuple[int | None, bool]:
        found = watch.look()
        assert found is not None
        return found.waiting, (found.oldest_seconds or 0) > 0

    assert work() == (0, False)
    queue.Producer(queue.channel()).publish(b"{}", exchange="", routing_key="rewards.events")
    wait_until(lambda: watch._ready() == 1, 5, "the message is not ready")
    work()
    time.sleep(0.05)
    assert work() == (1, True)
    watch.took()
    assert work() == (1, False)  # others may be ready; it does take


def test_a_relay_without_broker_turns_and_says_so(quiet_district: District) -> None:
    loop, stop = Loop(LoopKind.RELAY), threading.Event()
    database = quiet_district.registration.database
    args = (database, "amqp://127.0.0.1:1//", stop, loop)
    thread = threading.Thread(target=relay, args=args, daemon=True)
    thread.start()
    wait_until(lambda: loop.trouble is Trouble.BROKER_AWAY, 5, "the relay says nothing")
    stop.set()
    thread.join(6)

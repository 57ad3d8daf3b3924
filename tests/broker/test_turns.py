"""A loop that no longer turns is seen from outside: real processes are frozen, and named."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from devkit.installation import Installation, wait_until

SILENT_SECONDS = 2
ALL_LOOPS = {"relay", "consume", "attempts", "catch_up", "worker", "beat"}


@pytest.fixture
def running(installation: Installation) -> Iterator[Installation]:
    """Rewards with all its roles, which calls a loop silent after two seconds."""
    installation.env["WISHTREE_LOOP_SILENT_SECONDS"] = str(SILENT_SECONDS)
    for role in (("bus", "rewards"), ("worker", "rewards"), ("beat",)):
        installation.start(*role)
    installation.api("rewards")
    wait_until(lambda: loops(installation) == ALL_LOOPS, 30, lambda: str(readiness(installation)))
    return installation


def readiness(installation: Installation) -> Any:
    url = f"http://127.0.0.1:{installation.ports['rewards']}"
    return requests.get(
        f"{url}/rewards/readyz", headers={"Accept-Language": "en"}, timeout=5
    ).json()


def loops(installation: Installation) -> set[str]:
    return {one["loop"] for one in readiness(installation)["loops"] if one["status"] == "turning"}


def reasons(installation: Installation) -> list[tuple[str, str, str]]:
    """Code, loop and number of the process; only of loops."""
    found = readiness(installation)["reasons"]
    return [(one["code"], one["loop"], str(one["process"]).split(":")[-1]) for one in found]


def test_a_frozen_process_is_named_until_it_goes_on(running: Installation) -> None:
    parts = {
        "bus-rewards": ("relay", "consume", "attempts", "catch_up"),
        "worker-rewards": ("worker",),
        "beat": ("beat",),
    }
    for name, its_loops in parts.items():
        pid = running.processes[name].pid
        expected = {("loop_silent", loop, str(pid)) for loop in its_loops}
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(
                lambda e=expected: set(reasons(running)) == e, 8, lambda: str(readiness(running))
            )
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: reasons(running) == [], 15, lambda: str(readiness(running)))

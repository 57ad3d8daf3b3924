"""A process dies at each seam of the way from a request to a redeemed voucher, again and again:
nothing is lost and nothing counts twice.

Catch-up is kept out of it: it would repair meanwhile what a death lost.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from devkit.installation import Installation, wait_until
from devkit.testkit import District
from tests.broker.test_faults import PEOPLE, Crowd, expected, not_quiet, start_everything, state

pytestmark = [
    pytest.mark.faults,
    pytest.mark.check("R4"),
    pytest.mark.timeout(600),
    pytest.mark.long(reason="a process dies and starts again at each seam, three times"),
]
DEATHS = 3  #: fewer than the attempts that an event has
BATCH = 2 * PEOPLE  #: records; everybody has as many, and a voucher for two
SEAMS = {
    "commit, publish": "bus registration",
    "publish, confirm": "bus registration",
    "confirm, mark": "bus registration",
    "deliver, handle": "bus rewards",
    "handle, commit": "bus rewards",
    "commit, acknowledge": "bus rewards",
}


@pytest.fixture
def crowd(installation: Installation, quiet_district: District) -> Crowd:
    return Crowd(installation, quiet_district)


@contextmanager
def dying(installation: Installation, seam: str, command: str, file: Path) -> Iterator[None]:
    """Run a command that dies at the seam, and start it again each time."""
    words = command.split()
    name, over = "-".join(words[:2]), threading.Event()

    def start() -> None:
        arguments = (seam, str(DEATHS), str(file), *words)
        installation.start(*arguments, name=name, module="tests.support.dies_at")

    def keep() -> None:
        while not over.wait(0.1):
            if installation.processes[name].poll() is not None:
                start()

    start()
    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        installation.kill(name)


def deaths(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def test_nothing_is_lost_or_doubled_at_the_seams_of_an_event(
    crowd: Crowd, installation: Installation, tmp_path: Path
) -> None:
    installation.env["WISHTREE_CATCH_UP_AGE_SECONDS"] = "86400"
    start_everything(installation)
    sent = 0
    for seam, command in SEAMS.items():
        file = tmp_path / seam
        installation.kill(command.replace(" ", "-"))
        with dying(installation, seam, command, file):
            sent = load_until_dead(crowd, sent, file)
            wait_until(
                lambda n=sent: state(installation) == expected(n),
                60,
                lambda seam=seam: f"{seam}: {not_quiet(installation)}",
            )
        print(f"{seam}: {sent} records so far")  # noqa: T201
        installation.start(*command.split())
    wait_until(lambda: installation.unpublished() == 0, 20, "the outboxes are not empty")
    time.sleep(2)
    assert state(installation) == expected(sent), "something came after the end"


def load_until_dead(crowd: Crowd, sent: int, file: Path) -> int:
    """Send records, a few at a time, until the process died often enough; then fill up the batch.

    Returns how many were sent in all.
    """
    started = time.monotonic()
    while deaths(file) < DEATHS:
        assert time.monotonic() - started < 60, f"void: it does not die at the seam: {file.name}"
        crowd.load(range(sent, sent + 4), threads=4)
        sent += 4
        time.sleep(0.3)
    full = -(-sent // BATCH) * BATCH
    crowd.load(range(sent, full))
    return full


@pytest.mark.parametrize("seam", ["request, commit", "commit, answer"])
def test_a_request_that_is_sent_again_after_a_death_has_one_effect(
    crowd: Crowd, installation: Installation, tmp_path: Path, seam: str
) -> None:
    file, url = tmp_path / seam, installation.env["WISHTREE_REGISTRATION_URL"]
    command = f"api registration --port {installation.ports['registration']}"
    with dying(installation, seam, command, file):
        wait_until(lambda: requests.get(f"{url}/healthz", timeout=2).ok, 20, "no API")
        crowd.load(range(60), threads=4)
    assert deaths(file) == DEATHS, "void: it did not die at the seam"
    assert installation.one("SELECT count(*) FROM registration.service_records") == 60
    events = "SELECT count(*), count(DISTINCT subject) FROM registration.outbox WHERE type = %s"
    assert installation.query(events, "hours.recorded") == [(60, 60)]

"""Replicas stop one after the other under load: nobody notices, and nothing is lost.

The clients do what a proxy does: they go to the other replica when one does not answer. That is
safe, since a record carries its reference.
"""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import District
from tests.flows.test_hours_to_alert import Centre
from tests.flows.test_races import installation

__all__ = ["installation"]

RATE, SECONDS, STOPS, GRACE_SECONDS = 50, 20, 4, 25


@dataclass
class Clients:
    """Sends so many records a second, each to the next replica, or to the other."""

    urls: list[str]
    headers: dict[str, str]
    acknowledged: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    turned_away: int = 0  #: requests that went to the other replica
    cut: int = 0  #: of these, the ones that a replica had taken and did not answer

    def send(self, number: int, body: dict[str, object]) -> None:
        url, other = self.urls[number % 2], self.urls[1 - number % 2]
        for address in (url, other, url, other):
            try:
                response = requests.post(
                    f"{address}/v1/service-records", json=body, headers=self.headers, timeout=10
                )
            except requests.ConnectionError as error:
                self.turned_away += 1
                self.cut += not is_refused(error)
                continue
            if response.status_code in (200, 201):
                self.acknowledged[str(body["reference"])] = response.json()["id"]
            else:
                self.failed.append(f"{response.status_code} {response.text}")
            return
        self.failed.append("no replica answered")


def is_refused(error: requests.ConnectionError) -> bool:
    """Tell whether the connection was never made."""
    retries = error.args[0] if error.args else None
    return isinstance(retries, MaxRetryError) and isinstance(retries.reason, NewConnectionError)


@pytest.mark.faults
@pytest.mark.check("L1")
@pytest.mark.long(reason="fifty requests a second for twenty seconds")
@pytest.mark.timeout(300)
def test_replicas_stop_in_turn_and_no_request_fails(installation: Installation) -> None:
    district = District(installation.env)
    centre = Centre(district)
    people = [centre.volunteer(f"志愿者{n}") for n in range(20)]
    ports = {f"replica-{n}": free_port() for n in (1, 2)}
    urls = [installation.api("registration", name, port) for name, port in ports.items()]
    clients = Clients(urls, {"Authorization": f"Bearer {centre.system}"})
    enough = threading.Event()
    load = threading.Thread(
        target=at_rate, args=(lambda n: clients.send(n, record(centre, people, n)), enough)
    )
    load.start()
    slowest = 0.0
    for name in itertools.islice(itertools.cycle(ports), STOPS):
        sent = len(clients.acknowledged)
        wait_until(lambda n=sent: len(clients.acknowledged) > n + RATE, 60, "no load")
        slowest = max(slowest, installation.terminate(name))
        assert load.is_alive(), "void: the replica was stopped after the load"
        installation.api("registration", name, ports[name])
    enough.set()
    load.join()
    print(f"slowest stop {slowest:.1f} s, {clients.turned_away} turned away, {clients.cut} cut")  # noqa: T201
    assert clients.turned_away, "void: no request came to a replica that was away"
    assert not clients.failed
    assert slowest < GRACE_SECONDS
    stored = installation.query("SELECT id::text FROM registration.service_records")
    assert len(stored) >= RATE * SECONDS
    assert sorted(row[0] for row in stored) == sorted(clients.acknowledged.values())


def record(centre: Centre, people: list[str], number: int) -> dict[str, object]:
    """Five minutes of one of them, after their last ones."""
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=10 * (number // len(people)))
    return {
        "volunteer_id": people[number % len(people)],
        "organisation_id": centre.station,
        "category": "community",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=5)).isoformat(),
        "reference": f"rolling-{number}",
    }


def at_rate(send: Callable[[int], None], enough: threading.Event) -> None:
    """Send so many a second, for so long at least and until it is enough."""
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        for number in itertools.count():
            if number > RATE * SECONDS and enough.is_set():
                return
            time.sleep(max(0.0, started + number / RATE - time.monotonic()))
            pool.submit(send, number)

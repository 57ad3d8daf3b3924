"""How long from the HTTP response to the commit of the credit, at a steady rate."""

import time
from dataclasses import dataclass
from statistics import median, quantiles

import click
import requests

from devkit.bench.bank import make_venue_and_rules
from devkit.installation import Installation, wait_until
from devkit.testkit import District

SCOPES = "records:write records:verified"


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends service records of twenty people over HTTP."""

    url: str
    organisation_id: str
    people: list[str]
    system: str

    @classmethod
    def create(cls, district: District, url: str) -> "_Sender":
        staff, system = district.token("staff"), district.token("system", "bench", scopes=SCOPES)
        organisation = requests.post(
            f"{url}/v1/organisations",
            json={"name": "台", "kind": "company"},
            headers=_bearer(staff),
            timeout=5,
        ).json()
        people = [_volunteer(url, staff, number) for number in range(20)]
        return cls(url, organisation["id"], people, system)

    def send(self, numbers: range, rate: int) -> dict[str, float]:
        """Send records at a steady rate; returns when each was answered."""
        answered: dict[str, float] = {}
        for number in numbers:
            due = time.monotonic() + 1 / rate
            response = requests.post(
                f"{self.url}/v1/service-records",
                json=record(self.people[number % 20], self.organisation_id, number),
                headers=_bearer(self.system),
                timeout=5,
            )
            assert response.status_code == 201, response.text
            answered[response.json()["id"]] = time.time()
            time.sleep(max(0.0, due - time.monotonic()))
        return answered


def latency(
    installation: Installation, district: District, rate: int = 20, seconds: int = 20
) -> list[float]:
    """Milliseconds from the HTTP response to the commit of the credit.

    The commit times are the database's own.
    """
    make_venue_and_rules(district)
    installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "180"
    url = installation.api("registration")
    installation.start("bus", "registration")
    installation.start("bus", "rewards")
    sender = _Sender.create(district, url)
    _send_and_wait(installation, sender, range(-20, 0), rate)  # warm up
    answered = _send_and_wait(installation, sender, range(rate * seconds), rate)
    committed = commits(installation, answered)
    return [1000 * max(0.0, at - answered[record_id]) for record_id, at in committed.items()]


def _send_and_wait(
    installation: Installation, sender: _Sender, numbers: range, rate: int
) -> dict[str, float]:
    """Send, and wait until all are credited; returns when each was answered."""
    answered = sender.send(numbers, rate)
    wait_until(
        lambda: len(commits(installation, answered)) == len(answered),
        60,
        "not every record was credited",
    )
    return answered


def commits(installation: Installation, records: dict[str, float]) -> dict[str, float]:
    """When the credit of each record was committed, by the database's commit timestamps."""
    rows = installation.query(
        "SELECT record_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))"
        " FROM rewards.credited_records"
    )
    return {str(record_id): float(at) for record_id, at in rows if str(record_id) in records}


def record(volunteer_id: str, organisation_id: str, number: int) -> dict[str, str]:
    """A service record that overlaps no other of the same person."""
    hour, day = (number + 20) // 20 % 12, 1 + (number + 20) // 240
    return {
        "volunteer_id": volunteer_id,
        "organisation_id": organisation_id,
        "category": "community",
        "started_at": f"2026-10-{day:02}T{hour:02}:00:00Z",
        "ended_at": f"2026-10-{day:02}T{hour:02}:30:00Z",
        "reference": f"bench-{number}",
    }


def _volunteer(url: str, staff: str, number: int) -> str:
    body = {"name": "测试", "phone": f"139{number:08}", "birth_date": "1990-01-01"}
    created = requests.post(f"{url}/v1/volunteers", json=body, timeout=5).json()
    requests.put(
        f"{url}/v1/volunteers/{created['id']}/activation", headers=_bearer(staff), timeout=5
    ).raise_for_status()
    return str(created["id"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def print_latency(waits: list[float]) -> None:
    p50, p95 = median(waits), quantiles(waits, n=20)[-1]
    click.echo(
        f"\nFrom HTTP response to committed credit at 20 records/s, {len(waits)} records:"
        f" p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    )

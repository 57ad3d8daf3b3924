"""How long from committed outbox rows to the last credit and voucher.

Compared with the same SQL without a broker, and with plain Celery.
"""

import random
import time
from dataclasses import dataclass
from datetime import date
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import click
import requests
from sqlalchemy import text

from devkit.bench import plain_celery
from devkit.bench.plain_celery import Configuration
from devkit.bench.stage import servers, stage, table
from devkit.installation import Installation, wait_until
from devkit.local.servers import RabbitServer
from devkit.testkit import District, PrivatePostgres, take_outbox
from shared.contracts.registration import Bucket, HoursRecorded, Origin
from shared.core.ids import new_id
from shared.db.engine import using
from shared.messaging.envelope import read_event
from shared.messaging.outbox import publish

PEOPLE = 1_000
PRICE = 120
MINUTES = 60  #: two events buy one voucher
WARM_UP = 400
CELERY_ROWS = 2_000
WITHOUT_BROKER = "(a) same SQL, same batches, one connection, no broker"
PLAIN_CELERY = "(b) plain Celery, one task per event, at its best"
SCOPES = "records:write records:verified"


def run(rows: int, runs: int) -> None:
    """Print medians of `runs` runs, everything in each run side by side."""
    with servers() as (postgres, rabbit):
        measurement = _Measurement(postgres, rabbit, rows)
        for number in range(1, runs + 1):
            click.echo(f"run {number} of {runs}", err=True)
            measurement.run_once()
        with stage(postgres, rabbit) as (installation, district):
            waits = latency(installation, district)
    title = f"{rows:,} events, {runs} runs, events per second"
    table(title, measurement.rates, "events/s", WITHOUT_BROKER)
    click.echo(f"\nplain Celery was best with {measurement.best_celery}")
    _print_latency(waits)


def _print_latency(waits: list[float]) -> None:
    p50, p95 = median(waits), quantiles(waits, n=20)[-1]
    click.echo(
        f"\nFrom HTTP response to committed credit at 20 records/s, {len(waits)} records:"
        f" p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    )


class _Measurement:
    """The rates of all runs. Each measurement has a fresh database and virtual host."""

    def __init__(self, postgres: PrivatePostgres, rabbit: RabbitServer | None, rows: int) -> None:
        self._postgres, self._rabbit, self._rows = postgres, rabbit, rows
        self.rates: dict[str, list[float]] = {}
        self.best_celery: Configuration | None = None  #: known after the first run

    def run_once(self) -> None:
        with stage(self._postgres, self._rabbit) as (_, district):
            self._note(WITHOUT_BROKER, without_broker(district, self._rows))
        for buses in (1, 2):
            with stage(self._postgres, self._rabbit) as (installation, district):
                rate = pipeline(installation, district, self._rows, buses)
                self._note(f"pipeline, {buses} rewards bus{'es' if buses > 1 else ''}", rate)
        self._note(PLAIN_CELERY, self._plain_celery())

    def _note(self, name: str, rate: float) -> None:
        click.echo(f"  {name}: {rate:,.0f}/s", err=True)
        self.rates.setdefault(name, []).append(rate)

    def _plain_celery(self) -> float:
        """The rate of the best configuration, which the first run looks for."""
        best = 0.0
        known = [self.best_celery] if self.best_celery else plain_celery.CONFIGURATIONS
        for configuration in known:
            with stage(self._postgres, self._rabbit) as (installation, district):
                rows = min(self._rows, CELERY_ROWS)
                rate = plain_celery_rate(installation, district, rows, configuration)
            click.echo(f"  celery {configuration}: {rate:.0f}/s", err=True)
            if rate > best:
                best, self.best_celery = rate, configuration
        return best


def make_venue_and_rules(district: District) -> list[UUID]:
    """Make a venue, a product with plenty of stock and the rules; returns ids for people."""
    venue = _post(district, "/v1/venues", {"name": "星光影城", "kind": "cinema"})
    product = {"venue_id": venue, "title": "电影票", "points": PRICE, "stock": 1_000_000}
    product_id = _post(district, "/v1/products", product | {"valid_days": 90})
    _post(district, "/v1/rules", {"kind": "earn", "minutes": 1, "points": 1})
    _post(district, "/v1/rules", {"kind": "issue", "product_id": product_id})
    return [new_id() for _ in range(PEOPLE)]


def _post(district: District, path: str, body: dict[str, Any]) -> str:
    """Create something in rewards as staff; returns its id."""
    response = district.rewards.call("POST", path, body, as_=district.token("staff"))
    assert response.status_code == 201, response.get_json()
    return str(response.get_json()["id"])


def publish_hours(district: District, people: list[UUID], rows: int) -> float:
    """Commit `rows` outbox rows in registration; returns when."""
    dice = random.Random(7)
    organisation = new_id()
    events = [
        HoursRecorded(
            record_id=new_id(),
            volunteer_id=dice.choice(people),
            organisation_id=organisation,
            minutes=MINUTES,
            category="community",
            bucket=Bucket.VERIFIED,
            origin=Origin.SYSTEM,
            worked_on=date(2026, 11, 1),
        )
        for _ in range(rows)
    ]
    with district.registration.session() as session:
        publish(session, *events)
    return time.monotonic()


def is_finished(district: District, rows: int) -> bool:
    """Whether every event is credited, and every voucher issued that the points can buy."""
    sums = text(
        "SELECT coalesce(sum(minutes_credited), 0), coalesce(max(points_available), 0)"
        " FROM accounts"
    )
    with district.rewards.session() as session:
        minutes, largest_rest = session.execute(sums).one()
        return bool(minutes == rows * MINUTES and largest_rest < PRICE)


def without_broker(district: District, rows: int) -> float:
    """The physical limit: inbox, handler and outbox in the same batches, by one connection."""
    people = make_venue_and_rules(district)
    publish_hours(district, people, rows)
    events = [read_event(message.body) for message in take_outbox(district.registration)]
    inbox, size = district.rewards.inbox, district.settings.batch_size
    started = time.monotonic()
    with using(district.rewards.database):
        for first in range(0, rows, size):
            inbox._handle(events[first : first + size])
    assert is_finished(district, rows)
    return rows / (time.monotonic() - started)


def pipeline(installation: Installation, district: District, rows: int, buses: int) -> float:
    """Relay, broker and `buses` consumers as processes of their own.

    The buses are idle when the rows commit.
    """
    people = make_venue_and_rules(district)
    installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "3600"
    installation.env["WISHTREE_LOG_LEVEL"] = "WARNING"
    installation.start("bus", "registration")
    for number in range(buses):
        installation.start("bus", "rewards", name=f"bus-rewards-{number}")
    warm_up(district, people, buses)
    started = publish_hours(district, people, rows)
    wait_until(lambda: is_finished(district, rows + WARM_UP), 300, "the pipeline did not finish")
    return rows / (time.monotonic() - started)


def warm_up(district: District, people: list[UUID], buses: int) -> None:
    """Let every process handle something, then wait until all are idle."""
    publish_hours(district, people, WARM_UP)
    wait_until(lambda: is_finished(district, WARM_UP), 60, "the pipeline did not start")
    time.sleep(1)


def plain_celery_rate(
    installation: Installation, district: District, rows: int, configuration: Configuration
) -> float:
    """One task per event with the same effect.

    Messages are queued beforehand, only consuming is timed.
    """
    people = make_venue_and_rules(district)
    publish_hours(district, people, rows)
    bodies = [message.body for message in take_outbox(district.registration)]
    plain_celery.enqueue(installation.env["WISHTREE_BROKER_URL"], bodies)
    with plain_celery.worker(configuration):
        wait_until(lambda: credited(district) > 0, 60, "the Celery worker did not start")
        already, started = credited(district), time.monotonic()
        wait_until(lambda: is_finished(district, rows), 120, "plain Celery did not finish")
        return (rows - already) / (time.monotonic() - started)


def credited(district: District) -> int:
    """How many events are credited."""
    minutes = text("SELECT coalesce(sum(minutes_credited), 0) FROM accounts")
    with district.rewards.session() as session:
        return int(session.scalars(minutes).one()) // MINUTES


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


def record(volunteer_id: str, organisation_id: str, number: int) -> dict[str, Any]:
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

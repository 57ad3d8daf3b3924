"""How long from committed outbox rows to the last credit and voucher.

Compared with the same SQL without a broker, and with plain Celery.
"""

import random
import time
from datetime import date
from uuid import UUID

import click
from sqlalchemy import text

from devkit.bench import plain_celery
from devkit.bench.bank import PRICE, make_venue_and_rules
from devkit.bench.latency import latency, print_latency
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

MINUTES = 60  #: two events pay for one voucher
WARM_UP = 400
CELERY_ROWS = 2_000
WITHOUT_BROKER = "(a) same SQL, same batches, one connection, no broker"
PLAIN_CELERY = "(b) plain Celery, one task per event, at its best"


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
    print_latency(waits)


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
    """Whether every event is credited, and every voucher issued that the points pay for."""
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

"""Committed outbox rows -> last credit and voucher, against the same SQL without a broker and plain
Celery.
"""

import random
import subprocess
import sys
import time
from datetime import date
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import click
import requests
from sqlalchemy import text

from devkit.bench.stage import servers, stage, table
from devkit.installation import Installation, wait_until
from devkit.testkit import District, take_outbox
from shared.contracts.registration import Bucket, HoursRecorded, Origin
from shared.core.ids import new_id
from shared.db.engine import using
from shared.messaging.envelope import read_event
from shared.messaging.outbox import publish

PEOPLE = 1_000
PRICE = 120
MINUTES = 60  #: two facts buy one voucher


def run(rows: int, runs: int) -> None:
    """Print medians of `runs` runs, everything in each run side by side."""
    rates: dict[str, list[float]] = {}
    celery_best: tuple[str, int, int] | None = None
    with servers() as (postgres, rabbit):
        for number in range(1, runs + 1):
            click.echo(f"run {number} of {runs}", err=True)
            with stage(postgres, rabbit) as (installation, district):
                note(
                    rates,
                    "(a) same SQL, same batches, one connection, no broker",
                    without_broker(district, rows),
                )
            for buses in (1, 2):
                with stage(postgres, rabbit) as (installation, district):
                    note(
                        rates,
                        f"pipeline, {buses} rewards bus{'es' if buses > 1 else ''}",
                        pipeline(installation, district, rows, buses),
                    )
            few = min(rows, 2_000)
            configurations = [celery_best] if celery_best else _celery_configurations()
            best = 0.0
            for pool, prefetch, concurrency in configurations:  # type: ignore[misc]
                with stage(postgres, rabbit) as (installation, district):
                    rate = plain_celery(installation, district, few, pool, prefetch, concurrency)
                click.echo(
                    f"  celery {pool} prefetch {prefetch} concurrency {concurrency}: {rate:.0f}/s",
                    err=True,
                )
                if rate > best:
                    best, celery_best = rate, (pool, prefetch, concurrency)
            note(rates, "(b) plain Celery, one task per event, at its best", best)
        with stage(postgres, rabbit) as (installation, district):
            waits = latency(installation, district)
    table(
        f"{rows:,} facts, {runs} runs, facts per second",
        rates,
        "facts/s",
        "(a) same SQL, same batches, one connection, no broker",
    )
    click.echo(f"\nplain Celery was best with {celery_best}")
    p50, p95 = median(waits), quantiles(waits, n=20)[-1]
    click.echo(
        f"\nFrom HTTP answer to committed credit at 20 records/s, {len(waits)} records:"
        f" p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    )


def note(rates: dict[str, list[float]], name: str, rate: float) -> None:
    click.echo(f"  {name}: {rate:,.0f}/s", err=True)
    rates.setdefault(name, []).append(rate)


def furnish(district: District) -> list[UUID]:
    """A venue, a product with plenty of stock, the rules, and people with open accounts."""
    staff = district.token("staff")
    venue = district.rewards.call(
        "POST", "/v1/venues", {"name": "星光影城", "kind": "cinema"}, as_=staff
    ).get_json()
    product = district.rewards.call(
        "POST",
        "/v1/products",
        {
            "venue_id": venue["id"],
            "title": "电影票",
            "points": PRICE,
            "stock": 1_000_000,
            "valid_days": 90,
        },
        as_=staff,
    ).get_json()
    for rule in (
        {"kind": "earn", "minutes": 1, "points": 1},
        {"kind": "issue", "product_id": product["id"]},
    ):
        answer = district.rewards.call("POST", "/v1/rules", rule, as_=staff)
        assert answer.status_code == 201, answer.get_json()
    return [new_id() for _ in range(PEOPLE)]


def say(district: District, people: list[UUID], rows: int) -> float:
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


def settled(district: District, rows: int) -> bool:
    """Every fact credited, and every voucher that the points can buy issued (checked by the
    sums).
    """
    with district.rewards.session() as session:
        minutes, rest = session.execute(
            text(
                "SELECT coalesce(sum(minutes_credited), 0), coalesce(max(points_available), 0) FROM accounts"
            )
        ).one()
        return bool(minutes == rows * MINUTES and rest < PRICE)


def without_broker(district: District, rows: int) -> float:
    """The physical limit: inbox, handler and outbox in the same batches, by one connection in one
    process.
    """
    people = furnish(district)
    say(district, people, rows)
    events = [read_event(body) for _, _, body in take_outbox(district.registration)]
    inbox, size = district.rewards.inbox, district.settings.batch_size
    started = time.monotonic()
    with using(district.rewards.database):
        for first in range(0, rows, size):
            inbox._handle(events[first : first + size])
    assert settled(district, rows)
    return rows / (time.monotonic() - started)


def pipeline(installation: Installation, district: District, rows: int, buses: int) -> float:
    """Relay, broker and `buses` consumers as processes of their own; the buses are idle when the
    rows commit.
    """
    people = furnish(district)
    installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "3600"
    installation.env["WISHTREE_LOG_LEVEL"] = "WARNING"
    installation.start("bus", "registration")
    for number in range(buses):
        installation.start("bus", "rewards", name=f"bus-rewards-{number}")
    warm_up(district, people, buses)
    started = say(district, people, rows)
    wait_until(lambda: settled(district, rows + 400), 300, "the pipeline did not finish")
    return rows / (time.monotonic() - started)


def warm_up(district: District, people: list[UUID], buses: int) -> None:
    """Every process has handled something, then all are idle."""
    say(district, people, 400)
    wait_until(lambda: settled(district, 400), 60, "the pipeline did not start")
    time.sleep(1)


def _celery_configurations() -> list[tuple[str, int, int]]:
    return [
        (pool, prefetch, n)
        for pool in ("prefork", "threads")
        for prefetch in (1, 16, 64)
        for n in (1, 2, 4)
    ]


def plain_celery(
    installation: Installation, district: District, rows: int, pool: str, prefetch: int, n: int
) -> float:
    """One task per event with the same effect; messages are queued beforehand, only consuming is
    timed.
    """
    people = furnish(district)
    say(district, people, rows)
    from devkit.bench import plain_celery as peer

    peer.enqueue(
        installation.env["WISHTREE_BROKER_URL"],
        [body for _, _, body in take_outbox(district.registration)],
    )
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "devkit.bench.plain_celery:app",
            "worker",
            "-P",
            pool,
            "-c",
            str(n),
            "--prefetch-multiplier",
            str(prefetch),
            "-l",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: credited(district) > 0, 60, "the Celery worker did not start")
        already, started = credited(district), time.monotonic()
        wait_until(lambda: settled(district, rows), 120, "plain Celery did not finish")
        return (rows - already) / (time.monotonic() - started)
    finally:
        worker.terminate()
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()


def credited(district: District) -> int:
    with district.rewards.session() as session:
        return (
            int(
                session.scalars(
                    text("SELECT coalesce(sum(minutes_credited), 0) FROM accounts")
                ).one()
            )
            // MINUTES
        )


def latency(
    installation: Installation, district: District, rate: int = 20, seconds: int = 20
) -> list[float]:
    """Milliseconds from the HTTP answer to the commit of the credit, by the database's commit
    timestamps.
    """
    furnish(district)
    installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "180"
    url = installation.api("registration")
    installation.start("bus", "registration")
    installation.start("bus", "rewards")
    staff, system = (
        district.token("staff"),
        district.token("system", "bench", scopes="records:write records:verified"),
    )
    organisation = requests.post(
        f"{url}/v1/organisations",
        json={"name": "台", "kind": "company"},
        headers=_bearer(staff),
        timeout=5,
    ).json()
    people = [_volunteer(url, staff, number) for number in range(20)]
    warm = _send(url, people, organisation["id"], system, range(-20, 0), rate)
    wait_until(lambda: len(commits(installation, warm)) == len(warm), 60, "the buses did not start")
    answered = _send(url, people, organisation["id"], system, range(rate * seconds), rate)
    wait_until(
        lambda: len(commits(installation, answered)) == len(answered),
        30,
        "not every record was credited",
    )
    return [
        1000 * max(0.0, at - answered[record_id])
        for record_id, at in commits(installation, answered).items()
    ]


def _send(
    url: str, people: list[str], organisation_id: str, token: str, numbers: range, rate: int
) -> dict[str, float]:
    """Send records at a steady rate; returns when each was answered."""
    answered: dict[str, float] = {}
    for number in numbers:
        due = time.monotonic() + 1 / rate
        body = record(people[number % 20], organisation_id, number)
        answer = requests.post(
            f"{url}/v1/service-records", json=body, headers=_bearer(token), timeout=5
        )
        assert answer.status_code == 201, answer.text
        answered[answer.json()["id"]] = time.time()
        time.sleep(max(0.0, due - time.monotonic()))
    return answered


def commits(installation: Installation, records: dict[str, float]) -> dict[str, float]:
    rows = installation.query(
        "SELECT record_id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM rewards.credited_records"
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

"""The main job under kill -9, over a private RabbitMQ and PostgreSQL: nothing is lost and nothing
counts twice.

The result is read from outside: HTTP answers, SQL counts, broker counts. A run counts only if the
faults had an effect: redeliveries > 0, publish errors > 0, and every kill fell inside the load.
Size: WISHTREE_FAULT_RECORDS (3,000, or as many more as fit in until the last kill).
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from devkit.installation import Installation, wait_until
from devkit.local.servers import PostgresServer, RabbitServer
from devkit.testkit import District, environment, migrate_all, private_postgres
from shared.core.ids import new_id
from shared.messaging.broker.connection import connect
from shared.messaging.broker.topology import declare_topology
from shared.messaging.epoch import FIRST_EPOCH
from tests.support.fault_seed import fault_seed

RECORDS = int(os.environ.get("WISHTREE_FAULT_RECORDS", "3000"))
PEOPLE = 60
PRICE = 120
MINUTES = 60


class Crowd:
    """Volunteers, a product and the clients that send records and remember every 2xx."""

    def __init__(self, installation: Installation, district: District) -> None:
        self.installation = installation
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
            assert district.rewards.call("POST", "/v1/rules", rule, as_=staff).status_code == 201
        self.organisation = district.registration.call(
            "POST", "/v1/organisations", {"name": "台", "kind": "company"}, as_=staff
        ).get_json()["id"]
        self.people = [self._volunteer(district, staff, n) for n in range(PEOPLE)]
        self.token = district.token("system", "load", scopes="records:write records:verified")
        self.acknowledged: dict[str, str] = {}  # reference -> record id
        self.server_errors = 0

    def _volunteer(self, district: District, staff: str, number: int) -> str:
        body = {"name": "王强", "phone": f"139{number:08}", "birth_date": "1990-01-01"}
        created = district.registration.call("POST", "/v1/volunteers", body).get_json()
        assert (
            district.registration.call(
                "PUT", f"/v1/volunteers/{created['id']}/activation", as_=staff
            ).status_code
            == 200
        )
        return str(created["id"])

    def send(self, number: int) -> None:
        """Send one record, again with the same reference until it is acknowledged."""
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=2 * (number // PEOPLE))
        body = {
            "volunteer_id": self.people[number % PEOPLE],
            "organisation_id": self.organisation,
            "category": "community",
            "started_at": started.isoformat(),
            "ended_at": (started + timedelta(minutes=MINUTES)).isoformat(),
            "reference": f"load-{number}",
        }
        url = self.installation.env["WISHTREE_REGISTRATION_URL"] + "/v1/service-records"
        for _ in range(120):
            try:
                answer = requests.post(
                    url, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=5
                )
            except requests.RequestException:
                time.sleep(0.25)
                continue
            if answer.status_code in (200, 201):
                self.acknowledged[body["reference"]] = answer.json()["id"]
                return
            assert answer.status_code in (409, 503), answer.text
            self.server_errors += answer.status_code == 500
            time.sleep(0.25)
        raise AssertionError(f"record {number} was never acknowledged")

    def load(self, numbers: range, threads: int = 8) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.send, numbers))

    def load_until(self, enough: threading.Event, at_least: int, threads: int = 8) -> None:
        """One record for each, again and again: so many at least, and until it is enough."""
        sent = 0
        with ThreadPoolExecutor(threads) as pool:
            while sent < at_least or not enough.is_set():
                list(pool.map(self.send, range(sent, sent + PEOPLE)))
                sent += PEOPLE


@pytest.fixture
def crowd(installation: Installation, quiet_district: District) -> Crowd:
    return Crowd(installation, quiet_district)


def start_everything(installation: Installation) -> None:
    for service in ("registration", "notify"):
        installation.api(service)
    installation.api("rewards")
    for service in ("registration", "rewards", "notify"):
        installation.start("bus", service)
    installation.start("worker", "notify")
    installation.start("beat")


def state(installation: Installation) -> dict[str, int]:
    """The state by SQL: ledger, vouchers and alerts."""
    one = installation.one
    return {
        "records": one("SELECT count(*) FROM registration.service_records"),
        "earned": one("SELECT count(*) FROM rewards.transfers WHERE kind = 'earned'"),
        "distinct": one(
            "SELECT count(DISTINCT cause_id) FROM rewards.transfers WHERE kind = 'earned'"
        ),
        "minutes": int(one("SELECT coalesce(sum(minutes_credited), 0) FROM rewards.accounts")),
        "vouchers": one("SELECT count(*) FROM rewards.vouchers"),
        "issued_events": one("SELECT count(*) FROM rewards.outbox WHERE type = 'voucher.issued'"),
        "voucher_alerts": one(
            "SELECT count(*) FROM notify.alerts WHERE template = 'voucher_issued'"
        ),
        "hours_alerts": one("SELECT count(*) FROM notify.alerts WHERE template = 'hours_recorded'"),
        "attempts": sum(one(f"SELECT count(*) FROM {s}.attempts") for s in ("rewards", "notify")),
        "dead": sum(one(f"SELECT count(*) FROM {s}.dead_letters") for s in ("rewards", "notify")),
    }


def expected(records: int) -> dict[str, int]:
    """Everybody sent the same number of records, so the vouchers are known."""
    vouchers = PEOPLE * (records // PEOPLE * MINUTES // PRICE)
    return {
        "records": records,
        "earned": records,
        "distinct": records,
        "minutes": records * MINUTES,
        "vouchers": vouchers,
        "issued_events": vouchers,
        "voucher_alerts": vouchers,
        "hours_alerts": records,
        "attempts": 0,
        "dead": 0,
    }


def not_quiet(installation: Installation) -> str:
    """Why a run did not end: its state, and where the remaining messages may be."""
    assert installation.rabbit is not None
    vhost = installation.env["WISHTREE_BROKER_URL"].rpartition("/")[2]
    queues = installation.rabbit.ctl(
        "list_queues", "-p", vhost, "name", "messages_ready", "messages_unacknowledged"
    )
    where = {
        "unpublished": installation.unpublished(),
        "inboxes": {
            s: installation.one(f"SELECT count(*) FROM {s}.inbox") for s in ("rewards", "notify")
        },
        "attempts": [
            (s, *row)
            for s in ("rewards", "notify")
            for row in installation.query(
                f"SELECT attempts, due_at - now(), error FROM {s}.attempts LIMIT 5"
            )
        ],
        "queues": [
            line.split() for line in queues.splitlines() if ".events" in line or ".dead" in line
        ],
        "ended": [
            name for name, process in installation.processes.items() if process.poll() is not None
        ],
    }
    return f"not quiet: {state(installation)}, {where}"


@pytest.mark.check("R1", "R2")
@pytest.mark.long(reason="five kills, each once events flow again")
def test_nothing_is_lost_and_nothing_counts_twice_under_kill_9(
    crowd: Crowd, installation: Installation
) -> None:
    installation.env["WISHTREE_BATCH_SIZE"] = "50"
    installation.env["WISHTREE_CATCH_UP_AGE_SECONDS"] = (
        "86400"  # it would repair meanwhile what a kill lost
    )
    start_everything(installation)
    victims = ["bus-registration", "bus-rewards", "bus-notify", "worker-notify"]
    random.Random(fault_seed()).shuffle(victims)
    faults = [*victims[:2], "broker", *victims[2:]]
    enough = threading.Event()
    load = threading.Thread(target=crowd.load_until, args=(enough, RECORDS))
    load.start()
    for number, victim in enumerate(faults):
        wait_until(
            lambda n=number: len(crowd.acknowledged) > RECORDS * n / 10,
            120,
            "the load does not move",
        )
        wait_until(
            everybody_receives(installation),
            60,
            f"the events do not flow before {victim} is killed",
        )
        restart_broker(installation, crowd) if victim == "broker" else restart(installation, victim)
    wait_until(everybody_receives(installation), 60, "the events do not flow after the kills")
    assert load.is_alive(), "void: the kills went on after the load"
    enough.set()
    load.join()
    records = len(crowd.acknowledged)
    started = time.monotonic()
    wait_until(
        lambda: state(installation) == expected(records), 60, lambda: not_quiet(installation)
    )
    quiet = time.monotonic() - started
    wait_until(lambda: installation.unpublished() == 0, 20, "the outboxes are not empty")
    time.sleep(2)
    assert state(installation) == expected(records), "something came after the end"
    missing = set(crowd.acknowledged.values()) - {
        str(row[0])
        for row in installation.query(
            "SELECT cause_id FROM rewards.transfers WHERE kind = 'earned'"
        )
    }
    assert not missing, "acknowledged and not credited"
    witnesses = {
        "redelivered": int(installation.logged("redelivered messages")),
        "publish errors": installation.logged("bus connection lost"),
    }
    print(f"quiet after {quiet:.1f} s; witnesses {witnesses}")  # noqa: T201
    assert all(witnesses.values()), f"void: the faults had no effect: {witnesses}"


def everybody_receives(installation: Installation) -> Callable[[], bool]:
    """A check whether each service has received an event since now."""
    received = {
        s: installation.one(f"SELECT count(*) FROM {s}.inbox") for s in ("rewards", "notify")
    }
    return lambda: all(
        installation.one(f"SELECT count(*) FROM {s}.inbox") > n for s, n in received.items()
    )


def restart_broker(installation: Installation, crowd: Crowd) -> None:
    assert installation.rabbit is not None
    installation.rabbit.kill()
    time.sleep(3)
    assert not crowd.server_errors, "an API must not notice that the broker is away"
    installation.rabbit.start()


def restart(installation: Installation, name: str) -> None:
    """Freeze a process, a consumer until messages wait for it; kill it and start another."""
    published = "SELECT count(*) FROM registration.outbox WHERE published_at IS NOT NULL"
    os.killpg(installation.processes[name].pid, signal.SIGSTOP)
    before = installation.one(published)
    time.sleep(0.7)
    if name in ("bus-rewards", "bus-notify"):
        wait_until(
            lambda: installation.one(published) > before,
            60,
            f"nothing is published while {name} is frozen",
        )
    installation.kill(name)
    installation.start(*name.split("-"))


@pytest.mark.check("R9")
@pytest.mark.long(reason="the broker starts again, then two buses")
def test_catch_up_restores_what_a_wiped_broker_lost(
    crowd: Crowd, installation: Installation
) -> None:
    assert installation.rabbit is not None
    records = 300
    installation.env["WISHTREE_CATCH_UP_AGE_SECONDS"] = "1"
    installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "1"
    for service in ("registration", "rewards", "notify"):
        installation.api(service)
    installation.start("bus", "registration")  # publishes, while nobody consumes
    crowd.load(range(records))
    wait_until(lambda: installation.unpublished() == 0, 30, "nothing was published")
    assert state(installation)["earned"] == 0
    installation.rabbit.kill()
    installation.rabbit.wipe()
    installation.rabbit.start()
    vhost = installation.env["WISHTREE_BROKER_URL"].rpartition("/")[2]
    installation.rabbit.vhost(vhost)
    for service in ("rewards", "notify"):
        installation.start("bus", service)
    wait_until(
        lambda: state(installation) == expected(records), 90, lambda: not_quiet(installation)
    )


@pytest.mark.check("R3")
@pytest.mark.long(reason="the database is down for 2 s, twice, under load")
def test_the_database_may_be_killed_and_come_back(rabbit: RabbitServer, broker_url: str) -> None:
    """kill -9 under load, twice: 503 or nothing, every 2xx present, never a dead letter, no restart
    needed.
    """
    records = 600
    with private_postgres() as postgres:
        if postgres.server is None:
            pytest.skip("NOT TESTED: the database is not ours to kill")
        owner_url, name = postgres.create_database()
        env = environment(owner_url, name, WISHTREE_BROKER_URL=broker_url)
        migrate_all(env)
        installation = Installation(env, rabbit)
        try:
            kill_the_database(installation, postgres.server, records)
        finally:
            installation.stop()


def kill_the_database(installation: Installation, server: PostgresServer, records: int) -> None:
    district = District(installation.env)
    crowd = Crowd(installation, district)
    installation.env["WISHTREE_CATCH_UP_AGE_SECONDS"] = (
        "600"  # it would repair after a minute what a consumer dropped
    )
    start_everything(installation)
    load = threading.Thread(target=crowd.load, args=(range(records),))
    load.start()
    for part in (0.2, 0.5):
        wait_until(
            lambda part=part: len(crowd.acknowledged) > records * part, 60, "the load does not move"
        )
        server.kill()
        assert load.is_alive(), "void: the database was killed after the load"
        time.sleep(2)
        server.start()
    load.join()
    for member in district.services.values():
        member.database.engine.dispose()
    quiet = wait_until(
        lambda: state(installation) == expected(records), 60, lambda: not_quiet(installation)
    )
    print(f"quiet after {quiet:.1f} s")  # noqa: T201
    assert not crowd.server_errors


@pytest.mark.check("R8")
@pytest.mark.long(reason="the bus dies and starts again five times")
def test_a_poison_message_is_found_out_while_the_rest_flows(
    crowd: Crowd, installation: Installation
) -> None:
    """Unreadable, unknown version, and one that kills the process each time (see `deadly_bus`)."""
    installation.api("registration")
    installation.start("bus", "registration")
    poison = str(new_id())
    respawning = Respawning(installation, poison)
    installation.start("bus", "notify")
    crowd.load(range(100))
    with connect(installation.env["WISHTREE_BROKER_URL"]) as connection:
        declare_topology(connection)  # the buses may not have come that far
        producer = connection.Producer()
        for body in (
            kill_message(poison),
            kill_message(str(new_id())).replace("/v1", "/v77"),
            "{}",
        ):
            producer.publish(
                body.encode(),
                exchange="",
                routing_key="rewards.events",
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
            )
    crowd.load(range(100, 300))
    try:
        wait_until(
            lambda: installation.one("SELECT count(*) FROM rewards.dead_letters") == 3,
            60,
            "the poison was not found out",
        )
        wait_until(lambda: state(installation)["earned"] == 300, 60, "the rest did not flow")
    finally:
        respawning.stop()
    reasons = dict(installation.query("SELECT reason, attempts FROM rewards.dead_letters"))
    assert reasons.keys() == {"killed", "unknown", "unreadable"}
    assert reasons["killed"] <= 5
    assert 0 < respawning.deaths <= 6


class Respawning:
    """A supervisor for one bus: starts it again when it dies, and counts."""

    def __init__(self, installation: Installation, deadly: str) -> None:
        self.deaths, self._going = 0, True
        self._installation, self._deadly = installation, deadly
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> None:
        self._installation.start(
            self._deadly, name="bus-rewards", module="tests.support.deadly_bus"
        )

    def _watch(self) -> None:
        while self._going:
            if self._installation.processes["bus-rewards"].poll() is not None:
                self.deaths += 1
                self._start()
            time.sleep(0.2)

    def stop(self) -> None:
        self._going = False
        self._thread.join()


def kill_message(event_id: str) -> str:
    import json

    data: dict[str, Any] = {"volunteer_id": str(new_id())}
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": "/registration",
            "type": "volunteer.left",
            "subject": "x",
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "dataschema": "/events/registration/volunteer.left/v1",
            "sequence": "1",
            "epoch": str(FIRST_EPOCH),
            "data": data,
        }
    )


@pytest.mark.check("L1")
@pytest.mark.long(reason="four processes stop and start, one after the other")
def test_a_stop_finishes_what_is_in_hand(crowd: Crowd, installation: Installation) -> None:
    """SIGTERM to each process under load: it ends in time and nothing is lost."""
    records = 600
    start_everything(installation)
    load = threading.Thread(target=crowd.load, args=(range(records),))
    load.start()
    for name in ("bus-rewards", "bus-registration", "worker-notify", "bus-notify"):
        wait_until(lambda: len(crowd.acknowledged) > 50, 60, "the load does not move")
        assert installation.terminate(name) < 25
        installation.start(*name.split("-"))
    load.join()
    wait_until(
        lambda: state(installation) == expected(records), 60, lambda: not_quiet(installation)
    )

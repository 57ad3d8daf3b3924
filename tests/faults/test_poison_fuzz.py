"""5,000 hostile messages through real listeners on both brokers, and honest ones between them.

WISHTREE_FAULT_SEED repeats a run.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import amqp
import psutil
import pytest
import redis
from kombu import Connection

from devkit.installation import Installation, wait_until
from devkit.local.servers import RabbitServer, ValkeyServer
from devkit.testkit import PrivatePostgres, environment, migrate_all
from shared import SERVICES
from shared.core.json import made_storable
from shared.messaging.broker.topology import declare_topology, is_amqp
from tests.support.poison import expected_ids, good_message, poison

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

SEED = int(os.environ.get("WISHTREE_FAULT_SEED", "8"))
COUNT = int(os.environ.get("WISHTREE_POISON_MESSAGES", "5000"))
HONEST_EVERY = 50
WITHIN_SECONDS = float(os.environ.get("WISHTREE_POISON_SECONDS", "5"))
MB = 1024 * 1024
MOST_MEMORY = 300 * MB


class Listening:
    """One process that listens for all four services, and the queues in front of it."""

    def __init__(self, running: Installation, url: str) -> None:
        self.running, self.url = running, url
        self.outside = Connection(url)  # without heartbeats: it is idle for long
        declare_topology(self.outside)
        running.start("bus", "all")
        self.process = psutil.Process(running.processes["bus-all"].pid)
        wait_until(lambda: running.logged("bus running"), 60, "the bus did not start")

    def send(self, service: str, body: bytes) -> None:
        """Put a message into a queue, past the relay."""
        if is_amqp(self.url):
            self.outside.default_channel.basic_publish(
                amqp.Message(body), routing_key=f"{service}.events"
            )
        else:
            _publish(self.outside, service, body)

    def count(self, table: str) -> int:
        return sum(
            self.running.one(f"SELECT count(*) FROM {service}.{table}") for service in SERVICES
        )

    def took(self, service: str, event_id: UUID) -> bool:
        found = f"SELECT count(*) FROM {service}.inbox WHERE event_id = %s"
        return bool(self.running.one(found, event_id))

    def unsettled(
        self, service: str, messages: Sequence[tuple[str, bytes]]
    ) -> tuple[set[UUID], int]:
        """Ids that were neither handled nor buried; how many without an id were not buried."""
        ids = expected_ids(body for to, body in messages if to == service)
        known = [f"SELECT event_id FROM {service}.{table}" for table in ("inbox", "dead_letters")]
        rows = self.running.query(" UNION ALL ".join(known))
        missing = {event_id for event_id in ids if event_id} - {row[0] for row in rows}
        return missing, ids.count(None) - sum(row[0] is None for row in rows)

    def took_honest_ones(self) -> float:
        """Send an honest event to each service; returns how many seconds the slowest took."""
        started = time.monotonic()
        for service in SERVICES:
            event_id, body = good_message(service)
            self.send(service, body)
            wait_until(
                lambda service=service, event_id=event_id: self.took(service, event_id),  # type: ignore[misc]
                60,
                lambda service=service: f"{service} is deaf: {self.log()}",  # type: ignore[misc]
            )
        return time.monotonic() - started

    def never_restarted(self) -> bool:
        lost = self.running.logged("bus connection lost") + self.running.logged("bus loop")
        return self.process.is_running() and not lost

    def log(self) -> str:
        return made_storable(self.running.log("bus-all")[-3000:])


def _publish(outside: Connection, service: str, body: bytes) -> None:
    outside.Producer().publish(
        body,
        routing_key=f"{service}.events",
        content_type="application/json",
        content_encoding="utf-8",
    )


@pytest.fixture(params=["rabbitmq", "valkey"])
def listening(request: pytest.FixtureRequest, postgres: PrivatePostgres) -> Iterator[Listening]:
    folder = Path(tempfile.mkdtemp(prefix="wishtree-po-"))
    server = RabbitServer(folder) if request.param == "rabbitmq" else ValkeyServer(folder)
    server.start()
    owner_url, name = postgres.create_database()
    if isinstance(server, RabbitServer):
        url = server.vhost(f"poison-{secrets.token_hex(4)}")
    else:
        url = server.url()
    env = environment(owner_url, name, WISHTREE_BROKER_URL=url)
    migrate_all(env)
    running = Installation(env)
    found = Listening(running, url)
    yield found
    found.outside.collect()
    running.stop()
    server.stop()
    postgres.drop_database(name)
    shutil.rmtree(folder, ignore_errors=True)


def test_poison_stops_nobody(listening: Listening) -> None:
    messages = poison(SERVICES, COUNT, SEED)
    slowest = 0.0
    for number, (service, body) in enumerate(messages):
        listening.send(service, body)
        if number % HONEST_EVERY == HONEST_EVERY - 1:
            slowest = max(slowest, listening.took_honest_ones())
    wait_until(lambda: listening.count("attempts") == 0, 120, listening.log)
    print(f"{COUNT} messages, honest ones within {slowest:.1f} s")
    assert listening.never_restarted(), listening.log()
    assert {service: listening.unsettled(service, messages) for service in SERVICES} == {
        service: (set(), 0) for service in SERVICES
    }
    assert slowest <= WITHIN_SECONDS


SHAPES = {
    "brackets": b"[" * (5 * MB),
    "objects in objects": b'{"a":' * MB,
    "one text": b'"' + b"x" * (5 * MB) + b'"',
    "numbers": b"[" + b"1," * 2_500_000 + b"1]",
    "empty objects": b"[" + b"{}," * 1_600_000 + b"{}]",
}


def test_messages_of_5_mb_cost_no_memory(listening: Listening) -> None:
    listening.took_honest_ones()
    before = listening.process.memory_info().rss
    largest = before
    for body in SHAPES.values():
        for _ in range(40):
            listening.send("rewards", body)
        largest = max(largest, listening.process.memory_info().rss)
        listening.took_honest_ones()
    wait_until(lambda: listening.count("dead_letters") == 200, 300, listening.log)
    largest = max(largest, listening.process.memory_info().rss, _peak(listening.process.pid))
    print(f"before {before / MB:.0f} MB, at most {largest / MB:.0f} MB")
    assert listening.never_restarted(), listening.log()
    assert largest < MOST_MEMORY
    if not is_amqp(listening.url):
        address = listening.url.replace("redis+socket", "unix")
        assert redis.Redis.from_url(address).llen("rewards.events") == 0


def _peak(pid: int) -> int:
    """The most memory that a process ever had, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

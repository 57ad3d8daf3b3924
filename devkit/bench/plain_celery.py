"""The peer of the pipeline: what most projects would write.

One Celery task per event, acknowledged late.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from celery import Celery
from kombu import Exchange, Queue

from services.rewards.app import SERVICE
from shared.core.settings import Settings
from shared.db.engine import using
from shared.db.limits import HANDLERS
from shared.messaging.envelope import read_event
from shared.messaging.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a worker is started."""

    pool: str
    prefetch: int
    concurrency: int

    def __str__(self) -> str:
        return f"{self.pool} prefetch {self.prefetch} concurrency {self.concurrency}"


CONFIGURATIONS = [
    Configuration(pool, prefetch, concurrency)
    for pool in ("prefork", "threads")
    for prefetch in (1, 16, 64)
    for concurrency in (1, 2, 4)
]
QUEUE = Queue(
    "bench.tasks",
    Exchange("bench", type="direct"),
    "bench",
    queue_arguments={"x-queue-type": "quorum"},
)

app = Celery("bench", broker=os.environ.get("WISHTREE_BROKER_URL", "memory://"))
app.conf.update(
    task_queues=[QUEUE],
    task_default_queue="bench.tasks",
    task_default_exchange="bench",
    task_default_routing_key="bench",
    task_acks_late=True,
    task_ignore_result=True,
)


@cache
def _inbox() -> Inbox:
    """Make the inbox in the child, after the fork: connections must not be shared."""
    return SERVICE.inbox(SERVICE.database(Settings.read(), HANDLERS))


@app.task(name="bench.credit")
def credit(body: str) -> None:
    """Handle one event and commit."""
    inbox = _inbox()
    with using(inbox.database):
        inbox._handle([read_event(body.encode())])


def enqueue(broker_url: str, bodies: list[bytes]) -> None:
    with app.connection_for_write(broker_url) as connection, connection.Producer() as producer:
        QUEUE(connection.channel()).declare()
        for body in bodies:
            credit.apply_async(
                (body.decode(),), producer=producer, exchange="bench", routing_key="bench"
            )


@contextmanager
def worker(configuration: Configuration) -> Iterator[None]:
    """Run a Celery worker as a process of its own."""
    options = {
        "-P": configuration.pool,
        "-c": str(configuration.concurrency),
        "--prefetch-multiplier": str(configuration.prefetch),
        "-l": "WARNING",
    }
    arguments = [part for option in options.items() for part in option]
    celery = [sys.executable, "-m", "celery", "-A", "devkit.bench.plain_celery:app", "worker"]
    process = subprocess.Popen(
        [*celery, *arguments, "--without-gossip", "--without-mingle"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()

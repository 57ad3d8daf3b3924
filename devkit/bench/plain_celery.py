"""The peer of the pipeline: what most projects would write. One Celery task per event, acknowledged
late.
"""

import os
from functools import cache

from celery import Celery
from kombu import Exchange, Queue

from services.rewards.app import SERVICE
from shared.core.settings import Settings
from shared.db.engine import using
from shared.messaging.envelope import read_event
from shared.messaging.inbox import Inbox

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
    """Made in the child, after the fork."""
    return SERVICE.inbox(SERVICE.database(Settings.read()))


@app.task(name="bench.credit")
def credit(body: str) -> None:
    """Inbox, handler and commit for one event."""
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

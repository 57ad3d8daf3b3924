"""Empty the broker: what its queues hold may be of a discarded future.

No event is lost by it: every event is in an outbox, and catch-up brings it. A job's message is only
a hint, since rows decide what is due.
"""

import json
from collections.abc import Iterator
from typing import Any

from kombu import Connection

from console.services import definitions_of
from shared import SERVICES
from shared.core.settings import Settings
from shared.jobs.celery import make_celery
from shared.messaging.broker.connection import connect
from shared.messaging.broker.topology import declare_topology, on_amqp, queues


def empty_broker(settings: Settings) -> int:
    """Remove every message of ours; returns how many there were. Repeating it is harmless.

    Raises an error of the connection if the broker is away.
    """
    with connect(settings.broker_url) as connection:
        connection.ensure_connection(max_retries=1, timeout=3)
        if on_amqp(connection):
            return _delete_queues(connection, settings)
        return _empty_lists(connection)


def _delete_queues(connection: Connection, settings: Settings) -> int:
    """Delete the queues and declare them anew.

    A service's user may delete every queue of ours, but purge only those that it reads.
    """
    channel = connection.channel()
    count = sum(_delete(channel, name) for name in _names(amqp=True))
    declare_topology(connection)
    definitions_of(SERVICES)  # importing a service declares its jobs
    for queue in make_celery(SERVICES, settings).conf.task_queues:
        queue(channel).declare()
    return count


def _delete(channel: Any, name: str) -> int:
    """Delete a queue; returns how many messages it held. One that is missing held none."""
    return channel.queue_delete(name) or 0


def _names(amqp: bool) -> Iterator[str]:
    for service in SERVICES:
        yield from (queue.name for queue in queues(service, amqp) if queue is not None)
        yield f"{service}.tasks"


def _empty_lists(connection: Connection) -> int:
    """Delete kombu's lists, and what was delivered over our exchanges and not acknowledged."""
    channel = connection.channel()
    count: int = sum(channel._purge(name) or 0 for name in _names(amqp=False))
    for tag, kept in channel.client.hgetall(channel.unacked_key).items():
        _message, exchange, _key = json.loads(kept)
        if str(exchange).startswith("wishtree."):
            channel.client.hdel(channel.unacked_key, tag)
            channel.client.zrem(channel.unacked_index_key, tag)
            count += 1
    return count

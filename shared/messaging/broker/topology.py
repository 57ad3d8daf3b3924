"""Exchanges and queues: one topic exchange for events, one queue per service.

Only RabbitMQ has confirms, mandatory messages, quorum queues and dead-lettering; `on_amqp` decides
whether they are used. Over kombu's Redis transport (embedded) catch-up brings what gets lost.
"""

from kombu import Connection, Exchange, Queue, binding

from shared import SERVICES
from shared.contracts.base import events_handled_by

EVENTS = Exchange("wishtree.events", type="topic", durable=True)
DEAD = Exchange("wishtree.dead", type="direct", durable=True)
HEARTBEAT_SECONDS = 15
DELIVERY_LIMIT = 20  #: the last resort; the five counted attempts come first


def is_amqp(url: str) -> bool:
    return url.startswith(("amqp://", "amqps://", "pyamqp://"))


def on_amqp(connection: Connection) -> bool:
    return bool(connection.transport.driver_type == "amqp")


def queues(service: str, amqp: bool) -> tuple[Queue, Queue | None]:
    """The service's queue, and the one for messages at the delivery limit (RabbitMQ only)."""
    events = _events_queue(service, amqp)
    return events, _dead_queue(service) if amqp else None


def _events_queue(service: str, amqp: bool) -> Queue:
    """Bound to exactly the events that the service handles."""
    keys = sorted(contract.routing_key() for contract in events_handled_by(service))
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD.name,
        "x-dead-letter-routing-key": service,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # the strategy above works with no other
    }
    return Queue(
        f"{service}.events",
        bindings=[binding(EVENTS, key) for key in keys],
        durable=True,
        queue_arguments=arguments if amqp else None,
    )


def _dead_queue(service: str) -> Queue:
    arguments = {"x-queue-type": "quorum"}
    return Queue(f"{service}.dead", DEAD, service, durable=True, queue_arguments=arguments)


def declare_topology(connection: Connection) -> None:
    """Declare the queues of every service, so that no event is lost whichever starts first."""
    with connection.channel() as channel:
        EVENTS(channel).declare()
        for service in SERVICES:
            for queue in queues(service, on_amqp(connection)):
                if queue is not None:
                    queue(channel).declare()

"""How facts travel: one topic exchange, one queue per service.

What only RabbitMQ has (confirms, mandatory, quorum queues, dead-lettering) is decided by `on_amqp`;
with kombu's Redis transport (embedded) the catch-up keeps the promise that nothing is lost.
"""

from kombu import Connection, Exchange, Queue, binding

from shared import SERVICES
from shared.contracts.base import events_handled_by

EVENTS = Exchange("wishtree.events", type="topic", durable=True)
DEAD = Exchange("wishtree.dead", type="direct", durable=True)
HEARTBEAT_SECONDS = 15
DELIVERY_LIMIT = 20  #: the last net; five counted attempts come first


def is_amqp(url: str) -> bool:
    return url.startswith(("amqp://", "amqps://", "pyamqp://"))


def on_amqp(connection: Connection) -> bool:
    return bool(connection.transport.driver_type == "amqp")


def queues(service: str, amqp: bool) -> tuple[Queue, Queue | None]:
    """The service's queue, bound to exactly the keys it hears, and where its poison ends up
    (RabbitMQ only).
    """
    keys = sorted(cls.routing_key() for cls in events_handled_by(service))
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD.name,
        "x-dead-letter-routing-key": service,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    events = Queue(
        f"{service}.events",
        bindings=[binding(EVENTS, key) for key in keys],
        durable=True,
        queue_arguments=arguments if amqp else None,
    )
    dead = Queue(
        f"{service}.dead", DEAD, service, durable=True, queue_arguments={"x-queue-type": "quorum"}
    )
    return events, dead if amqp else None


def declare_topology(connection: Connection) -> None:
    """Declare everything of every service. Whoever starts first makes sure that nothing said is
    dropped.
    """
    with connection.channel() as channel:
        EVENTS(channel).declare()
        for service in SERVICES:
            for queue in queues(service, on_amqp(connection)):
                if queue is not None:
                    queue(channel).declare()

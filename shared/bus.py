"""How facts travel: one topic exchange, one queue per service, a relay that publishes and a consumer that listens.

What only RabbitMQ has (confirms, mandatory, quorum queues, dead-lettering) is decided here, by `on_amqp`; with kombu's
Redis transport (embedded) the catch-up of `shared.feed` keeps the promise that nothing is lost.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from kombu import Connection, Consumer, Exchange, Producer, Queue, binding
from kombu.message import Message as Incoming

from shared import SERVICES
from shared.contracts import facts_heard_by
from shared.db import Database, is_database_away
from shared.inbox import Delivery, Inbox, TryAgain
from shared.logs import get_logger
from shared.outbox import Message, relay_batch

log = get_logger(__name__)

EVENTS = Exchange("wishtree.events", type="topic", durable=True)
DEAD = Exchange("wishtree.dead", type="direct", durable=True)
HEARTBEAT_SECONDS = 15
DELIVERY_LIMIT = 20  #: the last net; five counted attempts come first
CONFIRM_SECONDS = 10
DECLARE_EVERY_SECONDS = 30
RELAY_BATCH = 500
LIVED_SECONDS = 5  #: a connection that lasted this long was a good one: start over at once
COALESCE_SECONDS = 0.005


def connect(url: str) -> Connection:
    """A connection that notices a dead broker within a heartbeat. No confirms here: the publisher collects its own."""
    options: dict[str, Any] = {} if is_amqp(url) else {"visibility_timeout": 60}
    return Connection(url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=3, transport_options=options)


def is_amqp(url: str) -> bool:
    return url.startswith(("amqp://", "amqps://", "pyamqp://"))


def on_amqp(connection: Connection) -> bool:
    return bool(connection.transport.driver_type == "amqp")


def queues(service: str, amqp: bool) -> tuple[Queue, Queue | None]:
    """The service's queue, bound to exactly the keys it hears, and where its poison ends up (RabbitMQ only)."""
    keys = sorted(cls.routing_key() for cls in facts_heard_by(service))
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
    dead = Queue(f"{service}.dead", DEAD, service, durable=True, queue_arguments={"x-queue-type": "quorum"})
    return events, dead if amqp else None


def declare_topology(connection: Connection) -> None:
    """Declare everything of every service. Whoever starts first makes sure that nothing said is dropped."""
    with connection.channel() as channel:
        EVENTS(channel).declare()
        for service in SERVICES:
            for queue in queues(service, on_amqp(connection)):
                if queue is not None:
                    queue(channel).declare()


class Unconfirmed(Exception):
    """The broker refused a message or did not confirm it in time. Part of the batch may be stored all the same."""


class ConfirmedPublisher:
    """Publishes a batch over AMQP and waits once for all its confirms (py-amqp waits for each: 8-24x slower).

    RabbitMQ's publisher confirms: https://www.rabbitmq.com/docs/confirms#publisher-confirms
    """

    def __init__(self, connection: Connection) -> None:
        self._channel = connection.channel()
        self._channel.confirm_select()
        self._tag = 0
        self._pending: set[int] = set()
        self._nacked: set[int] = set()
        self._returned: set[UUID] = set()
        events = self._channel.events
        events["basic_ack"].add(self._settle)
        events["basic_nack"].add(lambda tag, multiple: self._nacked.update(self._settle(tag, multiple)))
        events["basic_return"].add(
            lambda _error, _exchange, _key, m: self._returned.add(UUID(m.properties["message_id"]))
        )

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        """Returns the ids no queue took. Raises Unconfirmed or a connection error when any other is in doubt."""
        self._nacked, self._returned = set(), set()
        for message in batch:
            self._tag += 1
            self._pending.add(self._tag)
            prepared = self._channel.prepare_message(
                message.body,
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                properties={"message_id": str(message.id), "delivery_mode": 2},
            )
            self._channel._basic_publish(prepared, EVENTS.name, message.routing_key, mandatory=message.mandatory)
        self._await_confirms()
        return self._returned

    def _await_confirms(self) -> None:
        deadline = time.monotonic() + CONFIRM_SECONDS
        while self._pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unconfirmed(f"{len(self._pending)} messages not confirmed within {CONFIRM_SECONDS} s.")
            self._channel.connection.drain_events(timeout=left)
        if self._nacked:
            raise Unconfirmed(f"{len(self._nacked)} messages refused by the broker.")

    def _settle(self, tag: int, multiple: bool) -> set[int]:
        settled = {t for t in self._pending if t <= tag} if multiple else {tag}
        self._pending -= settled
        return settled


class PlainPublisher:
    """Publishes over a transport that has no confirms (embedded). What it loses, catch-up brings."""

    def __init__(self, connection: Connection) -> None:
        self._producer = Producer(connection.channel(), exchange=EVENTS, auto_declare=False)

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        for message in batch:
            self._producer.publish(
                message.body,
                routing_key=message.routing_key,
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                message_id=str(message.id),
            )
        return set()


def _forever(name: str, stop: threading.Event, url: str, work: Callable[[Connection], None]) -> None:
    """Connect, declare and work until told to stop; after any broker trouble start over, with growing jittered pauses.

    A broken socket is dropped (`collect`), never closed politely: `close()` waits for a broker that does not answer.
    """
    pause = 0.1
    while not stop.is_set():
        connection, connected = connect(url), math.inf
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
            declare_topology(connection)
            connected = time.monotonic()
            work(connection)
        except Exception as error:
            log.warning(
                "bus connection lost, starting over", loop=name, error=type(error).__name__, detail=str(error)[:200]
            )
            if time.monotonic() - connected > LIVED_SECONDS:
                pause = 0.1
            stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause = min(pause * 2, 5)
        finally:
            connection.collect()


def relay(database: Database, url: str, stop: threading.Event) -> None:
    """Hand outbox rows to the broker until told to stop: at once while there are any, every 200 ms when idle.

    While the database is away it is asked once a second.
    """

    def work(connection: Connection) -> None:
        publisher = ConfirmedPublisher(connection) if on_amqp(connection) else PlainPublisher(connection)
        declared, pause = time.monotonic(), 0.05
        while not stop.is_set():
            try:
                taken = relay_batch(database, publisher, RELAY_BATCH)
                pause = 0.05 if taken else min(pause * 1.5, 0.2)
            except Exception as error:
                if not is_database_away(error):
                    raise
                log.warning("database away, outbox waits", service=database.service)
                taken, pause = 0, 1.0
            if taken < RELAY_BATCH:
                stop.wait(pause)
                _keep_alive(connection)
            if time.monotonic() - declared > DECLARE_EVERY_SECONDS:  # mends deleted queues and bindings
                declare_topology(connection)
                declared = time.monotonic()

    _forever(f"relay.{database.service}", stop, url, work)


def _keep_alive(connection: Connection) -> None:
    """Send our heartbeat, read the broker's, and notice a closed socket."""
    if not on_amqp(connection):
        return
    connection.heartbeat_check()
    with suppress(TimeoutError):
        connection.drain_events(timeout=0.001)


def consume(inbox: Inbox, url: str, batch_size: int, stop: threading.Event) -> None:
    """Listen until told to stop; what is in hand then is finished first."""
    _forever(f"consume.{inbox.service}", stop, url, lambda c: _Listener(c, inbox, batch_size).run(stop))


class _Listener:
    """One connection's worth of listening: gathers deliveries for a few milliseconds and hands them to the inbox."""

    def __init__(self, connection: Connection, inbox: Inbox, batch_size: int) -> None:
        self.connection, self.inbox, self.batch_size = connection, inbox, batch_size
        self.amqp = on_amqp(connection)
        self.gathered: list[Incoming] = []
        self.returned: list[Incoming] = []
        """What reached the broker's delivery limit: becomes rows that an operator can see and replay."""
        self.channel = connection.channel()
        events, dead = queues(inbox.service, self.amqp)
        # Slow start: until the first message that was never delivered before, one at a time. Else a message that kills
        # the process takes its whole prefetch window towards the delivery limit each time.
        self.slow = self.amqp
        self.channel.basic_qos(0, 1 if self.slow else 2 * batch_size, False)
        self.consumer = Consumer(self.channel, [events], on_message=self.gathered.append, auto_declare=False)
        self.consumer.consume()
        if dead is not None:
            self.dead_consumer = Consumer(self.channel, [dead], on_message=self.returned.append, auto_declare=False)
            self.dead_consumer.consume()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._gather()
            self._take_returned(stop)
            if self.gathered:
                self._flush(stop)
            self.connection.heartbeat_check() if self.amqp else None
        self.consumer.cancel()

    def _gather(self) -> None:
        """Wait for a message, then a few milliseconds for its companions, up to a full batch."""
        wait = 0.5
        while len(self.gathered) < self.batch_size:
            try:
                self.connection.drain_events(timeout=wait)
            except TimeoutError:
                return
            if self.slow and self.gathered:
                return
            wait = COALESCE_SECONDS if self.gathered else 0.5

    def _flush(self, stop: threading.Event) -> None:
        batch = self.gathered[: self.batch_size]
        deliveries = [Delivery(_body(m), redelivered=bool(m.delivery_info.get("redelivered"))) for m in batch]
        again = sum(delivery.redelivered for delivery in deliveries)
        if again:
            log.info("redelivered messages", service=self.inbox.service, count=again)
        if not self._receive(deliveries, stop):
            return
        del self.gathered[: len(batch)]  # and not `batch_size`: what arrived while waiting stays, even if it would fit
        self._acknowledge(batch)
        if self.slow and not deliveries[-1].redelivered:
            self._full_speed()

    def _take_returned(self, stop: threading.Event) -> None:
        taken = list(self.returned)
        if taken and self._receive([Delivery(_body(m), returned=True) for m in taken], stop):
            del self.returned[: len(taken)]
            self._acknowledge(taken)

    def _receive(self, deliveries: list[Delivery], stop: threading.Event) -> bool:
        """Hand deliveries to the inbox until it took them; False when told to stop meanwhile: the broker keeps them."""
        pause = 0.1
        while True:
            try:
                self.inbox.receive(deliveries)
                return True
            except TryAgain as error:
                log.warning("database away or busy, batch kept in hand", service=self.inbox.service,
                            error=type(error.__cause__).__name__)  # fmt: skip
                if stop.is_set():
                    return False
                self._wait(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                pause = min(pause * 2, 5)

    def _wait(self, seconds: float) -> None:
        """Wait without going deaf: heartbeats are answered, and the broker stops at the prefetch limit."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.connection.drain_events(timeout=left)
            except TimeoutError:
                break
        if self.amqp:
            self.connection.heartbeat_check()

    def _acknowledge(self, taken: list[Incoming]) -> None:
        """Acknowledge what has left the hand: in one up to the first message still in it, the rest one by one.

        To acknowledge many means all that came before on the channel, of both queues, taken or not.
        """
        first_in_hand = min((m.delivery_tag for m in [*self.gathered, *self.returned]), default=math.inf)
        together = [m for m in taken if self.amqp and m.delivery_tag < first_in_hand]  # only AMQP knows `multiple`
        if together:
            together[-1].ack(multiple=True)
        for message in taken[len(together) :]:
            message.ack()

    def _full_speed(self) -> None:
        self.slow = False
        self.consumer.cancel()
        self.channel.basic_qos(0, 2 * self.batch_size, False)
        self.consumer.consume()


def _body(message: Incoming) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else str(body).encode()


def run_attempts(inbox: Inbox, stop: threading.Event) -> None:
    """Try due facts again until told to stop."""
    while not stop.is_set():
        try:
            tried = inbox.retry_due()
        except TryAgain:
            tried = 0
        except Exception:  # this loop repairs others; it must not end before them
            log.exception("attempts loop failed, going on", service=inbox.service)
            tried = 0
        if not tried:
            stop.wait(0.5)

"""The listener of a service: gathers messages, hands them to the inbox, acknowledges what took
effect.
"""

import math
import random
import threading
import time

from kombu import Connection, Consumer
from kombu.message import Message as Incoming

from shared.core.logs import get_logger
from shared.messaging.broker.connection import keep_connected
from shared.messaging.broker.topology import on_amqp, queues
from shared.messaging.inbox import Delivery, Inbox, TryAgain

log = get_logger(__name__)

COALESCE_SECONDS = 0.005


def consume(inbox: Inbox, url: str, batch_size: int, stop: threading.Event) -> None:
    """Listen until told to stop; what is in hand then is finished first."""
    keep_connected(
        f"consume.{inbox.service}", stop, url, lambda c: Listener(c, inbox, batch_size).run(stop)
    )


class Listener:
    """One connection's worth of listening: gathers deliveries for a few milliseconds and hands them
    to the inbox.
    """

    def __init__(self, connection: Connection, inbox: Inbox, batch_size: int) -> None:
        self.connection, self.inbox, self.batch_size = connection, inbox, batch_size
        self.amqp = on_amqp(connection)
        self.gathered: list[Incoming] = []
        self.returned: list[Incoming] = []
        """What reached the broker's delivery limit: becomes rows that an operator can see and
        replay.
        """
        self.channel = connection.channel()
        events, dead = queues(inbox.service, self.amqp)
        # Slow start: until the first message that was never delivered before, one at a time. Else a
        # message that kills the process takes its whole prefetch window towards the delivery limit
        # each time.
        self.slow = self.amqp
        self.channel.basic_qos(0, 1 if self.slow else 2 * batch_size, False)
        self.consumer = Consumer(
            self.channel, [events], on_message=self.gathered.append, auto_declare=False
        )
        self.consumer.consume()
        if dead is not None:
            self.dead_consumer = Consumer(
                self.channel, [dead], on_message=self.returned.append, auto_declare=False
            )
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
        deliveries = [
            Delivery(_body(m), redelivered=bool(m.delivery_info.get("redelivered"))) for m in batch
        ]
        again = sum(delivery.redelivered for delivery in deliveries)
        if again:
            log.info("redelivered messages", service=self.inbox.service, count=again)
        if not self._receive(deliveries, stop):
            return
        del self.gathered[
            : len(batch)
        ]  # and not `batch_size`: what arrived while waiting stays, even if it would fit
        self._acknowledge(batch)
        if self.slow and not deliveries[-1].redelivered:
            self._full_speed()

    def _take_returned(self, stop: threading.Event) -> None:
        taken = list(self.returned)
        if taken and self._receive([Delivery(_body(m), returned=True) for m in taken], stop):
            del self.returned[: len(taken)]
            self._acknowledge(taken)

    def _receive(self, deliveries: list[Delivery], stop: threading.Event) -> bool:
        """Hand deliveries to the inbox until it took them; False when told to stop meanwhile: the
        broker keeps them.
        """
        pause = 0.1
        while True:
            try:
                self.inbox.receive(deliveries)
                return True
            except TryAgain as error:
                log.warning(
                    "database away or busy, batch kept in hand",
                    service=self.inbox.service,
                    error=type(error.__cause__).__name__,
                )
                if stop.is_set():
                    return False
                self._wait(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                pause = min(pause * 2, 5)

    def _wait(self, seconds: float) -> None:
        """Wait without going deaf: heartbeats are answered, and the broker stops at the prefetch
        limit.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.connection.drain_events(timeout=left)
            except TimeoutError:
                break
        if self.amqp:
            self.connection.heartbeat_check()

    def _acknowledge(self, taken: list[Incoming]) -> None:
        """Acknowledge what has left the hand: in one up to the first message still in it, the rest
        one by one.

        To acknowledge many means all that came before on the channel, of both queues, taken or not.
        """
        first_in_hand = min(
            (m.delivery_tag for m in [*self.gathered, *self.returned]), default=math.inf
        )
        together = [
            m for m in taken if self.amqp and m.delivery_tag < first_in_hand
        ]  # only AMQP knows `multiple`
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

"""The consumer: gathers messages, hands them to the inbox, acknowledges those it took."""

import math
import random
import threading
import time
from contextlib import suppress
from itertools import accumulate

from kombu import Connection, Consumer, Queue
from kombu.message import Message as Incoming

from shared.core.logs import get_logger
from shared.messaging.broker.connection import keep_connected, reader_of
from shared.messaging.broker.incoming import body_of, make_harmless
from shared.messaging.broker.queue_watch import QueueWatch
from shared.messaging.broker.topology import on_amqp, queues
from shared.messaging.inbox import Delivery, Inbox, TryAgain
from shared.messaging.turns import Loop, LoopKind, Trouble, Work, unwatched

log = get_logger(__name__)

IDLE_SECONDS = 0.5
COALESCE_SECONDS = 0.005
BYTES_AT_ONCE = 4 * 1024 * 1024  #: 2,000 of our events; what is read takes several times as much
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
DEAF_SECONDS = 15  #: so long messages may wait while none comes


def consume(
    inbox: Inbox,
    url: str,
    batch_size: int,
    stop: threading.Event,
    loop: Loop | None = None,
) -> None:
    """Consume until `stop` is set; the batch in hand is finished first."""

    watched = loop or unwatched(LoopKind.CONSUME)

    def work(connection: Connection) -> None:
        EventConsumer(connection, inbox, batch_size, watched).run(stop)

    keep_connected(f"consume.{inbox.service}", stop, url, work, watched)


class Deaf(Exception):
    """The queue has messages and the broker gives us none, though we could take them."""


class EventConsumer:
    """Consumes a service's events over one connection, in batches of a few milliseconds."""

    def __init__(
        self,
        connection: Connection,
        inbox: Inbox,
        batch_size: int,
        loop: Loop,
    ) -> None:
        self.connection, self.inbox, self.batch_size = connection, inbox, batch_size
        self.loop = loop
        self.amqp = on_amqp(connection)
        self._read = reader_of(connection)
        self.gathered: list[Incoming] = []
        self.returned: list[Incoming] = []
        """Messages at the broker's delivery limit: they become dead letters."""
        # Slow start: one message at a time until the first that was never delivered before. Else a
        # message that kills the process takes the whole prefetch window with it each time, and all
        # of it comes closer to the delivery limit.
        self.slow = self.amqp
        self._connected_at = time.monotonic()
        self.channel = connection.channel()
        make_harmless(self.channel, self.amqp)
        self._prefetch(1 if self.slow else 2 * batch_size)
        self._start_consumers()

    def _start_consumers(self) -> None:
        events, dead = queues(self.inbox.service, self.amqp)
        self.queue = QueueWatch(self.connection, events.name, self.loop.work.oldest_seconds)
        self.consumer = self._consumer_of(events, self.gathered)
        self.consumer.consume()
        if dead is not None:
            self.dead_consumer = self._consumer_of(dead, self.returned)
            self.dead_consumer.consume()

    def _consumer_of(self, queue: Queue, into: list[Incoming]) -> Consumer:
        return Consumer(
            self.channel,
            [queue],
            on_message=into.append,
            on_decode_error=lambda message, _: into.append(message),
            auto_declare=False,
        )

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._gather()
            self._take_returned(stop)
            if self.gathered:
                self._take_gathered(stop)
            self._heartbeat()
            self._turn()
        self.consumer.cancel()

    def _turn(self) -> None:
        self.loop.turn()
        work = self.queue.look()
        if work is not None:
            self.loop.work = work
            self._check_hearing(work)

    def _check_hearing(self, work: Work) -> None:
        """Raise Deaf if messages wait and none comes: the connection then starts over.

        A connection can be alive while its consumer is gone at the broker.
        """
        connected = time.monotonic() - self._connected_at
        if min(connected, work.oldest_seconds or 0) > DEAF_SECONDS:
            raise Deaf(f"{work.waiting} messages wait, and none comes")

    def _gather(self) -> None:
        """Wait for a message, then a few milliseconds for others, up to a full batch."""
        wait, seen, size = IDLE_SECONDS, 0, 0
        while len(self.gathered) < self.batch_size and size < BYTES_AT_ONCE:
            try:
                self._read(wait)
            except TimeoutError:
                return
            if self.slow and self.gathered:
                return
            size += sum(len(body_of(message)) for message in self.gathered[seen:])
            seen = len(self.gathered)
            wait = COALESCE_SECONDS if self.gathered else IDLE_SECONDS

    def _first_batch(self) -> list[Incoming]:
        """The first messages in hand, up to a full batch or `BYTES_AT_ONCE`, at least one."""
        sizes = accumulate(len(body_of(message)) for message in self.gathered)
        fitting = sum(size <= BYTES_AT_ONCE for size in sizes)
        return self.gathered[: max(1, min(fitting, self.batch_size))]

    def _take_gathered(self, stop: threading.Event) -> None:
        batch = self._first_batch()
        deliveries = [_delivery(message) for message in batch]
        self._log_redelivered(deliveries)
        if not self._receive(deliveries, stop):
            return
        self.queue.took()
        # Not `batch_size`: more may have come while the inbox was busy, and it is not taken yet.
        del self.gathered[: len(batch)]
        self._acknowledge(batch)
        if self.slow and not deliveries[-1].redelivered:
            self._full_speed()

    def _take_returned(self, stop: threading.Event) -> None:
        batch = list(self.returned)
        deliveries = [Delivery(body_of(message), returned=True) for message in batch]
        if deliveries and self._receive(deliveries, stop):
            del self.returned[: len(batch)]
            self._acknowledge(batch)

    def _log_redelivered(self, deliveries: list[Delivery]) -> None:
        count = sum(delivery.redelivered for delivery in deliveries)
        if count:
            log.info("redelivered messages", service=self.inbox.service, count=count)

    def _receive(self, deliveries: list[Delivery], stop: threading.Event) -> bool:
        """Hand deliveries to the inbox until it took them.

        Returns False if `stop` was set before: the broker keeps them.
        """
        pause = SHORTEST_PAUSE
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
            self.loop.turn(Trouble.DATABASE_AWAY)
            self._wait(pause * random.uniform(0.5, 1), stop)  # noqa: S311 - jitter
            pause = min(pause * 2, LONGEST_PAUSE)

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait and go on reading: heartbeats are answered, and the prefetch limits what comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not stop.is_set():
            with suppress(TimeoutError):
                self._read(min(left, IDLE_SECONDS))
        self._heartbeat()

    def _acknowledge(self, taken: list[Incoming]) -> None:
        """Acknowledge messages that the inbox took, as many as possible at once.

        An acknowledgement of many covers all earlier messages of the channel, of both queues. So
        it ends before the first one that is still in hand; the others are acknowledged singly.
        """
        in_hand = [message.delivery_tag for message in (*self.gathered, *self.returned)]
        first_in_hand = min(in_hand, default=math.inf)
        # Only AMQP knows an acknowledgement of many.
        together = [m for m in taken if self.amqp and m.delivery_tag < first_in_hand]
        if together:
            together[-1].ack(multiple=True)
        for message in taken[len(together) :]:
            message.ack()

    def _full_speed(self) -> None:
        self.slow = False
        self.consumer.cancel()  # a new prefetch holds for consumers that start after it
        self._prefetch(2 * self.batch_size)
        self.consumer.consume()

    def _prefetch(self, count: int) -> None:
        self.channel.basic_qos(0, count, False)

    def _heartbeat(self) -> None:
        if self.amqp:
            self.connection.heartbeat_check()


def _delivery(message: Incoming) -> Delivery:
    redelivered = bool(message.delivery_info.get("redelivered"))
    return Delivery(body_of(message), redelivered=redelivered)

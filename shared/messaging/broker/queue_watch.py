"""Notices that messages are ready in a queue while its consumer takes none: it is deaf."""

import time

from amqp import spec
from kombu import Connection
from kombu.exceptions import ChannelError

from shared.messaging.broker.topology import on_amqp
from shared.messaging.turns import Work

LOOK_EVERY_SECONDS = 5
ANSWER_SECONDS = 3


class QueueWatch:
    """Looks at one queue every few seconds, over the connection of its consumer."""

    def __init__(
        self, connection: Connection, queue: str, untouched_seconds: float | None = None
    ) -> None:
        """`untouched_seconds`: how long none was taken over the connection before."""
        self._queue, self._amqp = queue, on_amqp(connection)
        self._channel = connection.channel()
        self._looked_at = time.monotonic()
        self._untouched_since = self._looked_at - untouched_seconds if untouched_seconds else 0.0
        self._taken = False

    def took(self) -> None:
        """Note that the consumer has taken a message."""
        self._taken = True

    def look(self) -> Work | None:
        """How many messages are ready, and since when none of them was taken.

        None if it has looked just now. Raises a connection error if the broker does not answer.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY_SECONDS:
            return None
        self._looked_at = now
        ready = self._ready()
        if not ready or self._taken:
            self._untouched_since = 0.0
        elif not self._untouched_since:
            self._untouched_since = now
        self._taken = False
        return Work(ready, now - self._untouched_since if self._untouched_since else 0)

    def _ready(self) -> int:
        if self._amqp:
            return self._ready_on_amqp()
        try:
            return int(self._channel.queue_declare(self._queue, passive=True).message_count)
        except ChannelError:  # Valkey has no empty lists
            return 0

    def _ready_on_amqp(self) -> int:
        """A passive declaration. `Channel.queue_declare` would wait without end for the answer."""
        no_arguments: dict[str, str] = {}
        passive = (0, self._queue, True, False, False, False, False, no_arguments)
        self._channel.send_method(spec.Queue.Declare, "BsbbbbbF", passive)
        _queue, ready, _consumers = self._channel.wait(
            spec.Queue.DeclareOk, returns_tuple=True, timeout=ANSWER_SECONDS
        )
        return int(ready)

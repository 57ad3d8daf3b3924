"""Publishers: hand a batch of messages to the broker and report which of them no queue took."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from kombu import Connection, Producer

from shared.core.logs import get_logger
from shared.messaging.broker.topology import EVENTS, on_amqp

log = get_logger(__name__)

CONTENT_TYPE = "application/cloudevents+json"
SEND_SECONDS = 15
CONFIRM_SECONDS = 10
"""Both together, and one write of a socket, are less than a transaction may be idle."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the broker."""

    id: UUID
    routing_key: str
    body: bytes
    mandatory: bool  #: a service handles this type, so it is an error if no queue takes it


class Publisher(Protocol):
    """Hands a batch to the broker; returns the ids that no queue took. Raises if in doubt."""

    blocked: bool  #: the broker said that it takes nothing for now

    def publish(self, batch: Sequence[Message]) -> set[UUID]: ...


class Unconfirmed(Exception):
    """The broker refused or did not confirm a message. It may have stored a part of the batch."""


class Blocked(Exception):
    """The broker takes nothing: its memory or its disk is full. It will say when it does again.

    It may store the batch then. Keep the connection: each new one would add what it sends to what
    waits for the broker.
    """


class ConfirmedPublisher:
    """Publishes a batch over AMQP, then waits once for all its confirms.

    Waiting for each is 8 to 24 times slower. The connection must be made without kombu's
    `confirm_publish`: with it, `basic_publish` waits for each.
    https://www.rabbitmq.com/docs/confirms#publisher-confirms
    """

    def __init__(self, connection: Connection) -> None:
        self.blocked = False
        self._channel = connection.channel()
        self._channel.confirm_select()
        # https://www.rabbitmq.com/docs/connection-blocked
        self._channel.connection.on_blocked = self._on_blocked
        self._channel.connection.on_unblocked = self._on_unblocked
        self._tag = 0
        self._pending: set[int] = set()
        self._nacked: set[int] = set()
        self._returned: set[UUID] = set()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        """Publish, and return the ids that no queue took.

        Raises Blocked, Unconfirmed or a connection error when any other message is in doubt. Late
        confirms of a batch before are ignored.
        """
        self._pending, self._nacked, self._returned = set(), set(), set()
        deadline = time.monotonic() + SEND_SECONDS
        for message in batch:
            self._check(deadline, SEND_SECONDS)
            self._send(message)
        self._await_confirms()
        return self._returned

    def _send(self, message: Message) -> None:
        self._tag += 1
        self._pending.add(self._tag)
        prepared = self._channel.prepare_message(
            message.body,
            content_type=CONTENT_TYPE,
            content_encoding="utf-8",
            properties={"message_id": str(message.id), "delivery_mode": 2},
        )
        self._channel.basic_publish(
            prepared, EVENTS.name, message.routing_key, mandatory=message.mandatory
        )

    def _await_confirms(self) -> None:
        deadline = time.monotonic() + CONFIRM_SECONDS
        while self._pending:
            left = self._check(deadline, CONFIRM_SECONDS)
            with suppress(TimeoutError):
                # `drain_events` would begin its timeout anew at each heartbeat.
                self._channel.connection.blocking_read(left)
        if self._nacked:
            raise Unconfirmed(f"{len(self._nacked)} messages refused by the broker.")

    def _check(self, deadline: float, seconds: int) -> float:
        """The seconds that are left. Raises Blocked, or Unconfirmed when there are none."""
        if self.blocked:
            raise Blocked("The broker takes nothing (memory or disk alarm).")
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unconfirmed(f"{len(self._pending)} messages not confirmed within {seconds} s.")
        return left

    def _on_blocked(self, _reason: str) -> None:
        self.blocked = True
        log.warning("broker takes nothing (memory or disk alarm), outbox waits")

    def _on_unblocked(self) -> None:
        self.blocked = False
        log.info("broker takes messages again")

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._nacked |= self._settle(tag, multiple)

    def _on_return(self, _error: Any, _exchange: str, _key: str, message: Any) -> None:
        # A returned message is confirmed as well, so nothing waits for it.
        self._returned.add(UUID(message.properties["message_id"]))

    def _settle(self, tag: int, multiple: bool) -> set[int]:
        settled = {t for t in self._pending if t <= tag} if multiple else self._pending & {tag}
        self._pending -= settled
        return settled


class PlainPublisher:
    """Publishes over a transport without confirms (embedded). Catch-up brings what it loses."""

    blocked = False

    def __init__(self, connection: Connection) -> None:
        self._producer = Producer(connection.channel(), exchange=EVENTS, auto_declare=False)

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        for message in batch:
            self._producer.publish(
                message.body,
                routing_key=message.routing_key,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                message_id=str(message.id),
            )
        return set()


def publisher_over(connection: Connection) -> Publisher:
    """The publisher that suits the connection's transport."""
    return ConfirmedPublisher(connection) if on_amqp(connection) else PlainPublisher(connection)

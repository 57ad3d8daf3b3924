"""Publishers: how a batch of messages is handed to the broker, and which of them no queue took."""

import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from kombu import Connection, Producer

from shared.messaging.broker.topology import EVENTS


class Publisher(Protocol):
    """Hands a batch to the broker; returns the ids that no queue took. Raises when in doubt about
    any of them.
    """

    def publish(self, batch: Sequence["Message"]) -> set[UUID]: ...


class Message:
    """One message for the broker. `mandatory`: somebody hears this type, so no queue taking it is a
    fault.
    """

    __slots__ = ("body", "id", "mandatory", "routing_key")

    def __init__(self, id_: UUID, routing_key: str, body: bytes, mandatory: bool) -> None:
        self.id, self.routing_key, self.body, self.mandatory = id_, routing_key, body, mandatory


CONFIRM_SECONDS = 10


class Unconfirmed(Exception):
    """The broker refused a message or did not confirm it in time. Part of the batch may be stored
    all the same.
    """


class ConfirmedPublisher:
    """Publishes a batch over AMQP and waits once for all its confirms (py-amqp waits for each:
    8-24x slower).

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
        events["basic_nack"].add(
            lambda tag, multiple: self._nacked.update(self._settle(tag, multiple))
        )
        events["basic_return"].add(
            lambda _error, _exchange, _key, m: self._returned.add(UUID(m.properties["message_id"]))
        )

    def publish(self, batch: Sequence[Message]) -> set[UUID]:
        """Returns the ids no queue took. Raises Unconfirmed or a connection error when any other is
        in doubt.
        """
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
            self._channel._basic_publish(
                prepared, EVENTS.name, message.routing_key, mandatory=message.mandatory
            )
        self._await_confirms()
        return self._returned

    def _await_confirms(self) -> None:
        deadline = time.monotonic() + CONFIRM_SECONDS
        while self._pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unconfirmed(
                    f"{len(self._pending)} messages not confirmed within {CONFIRM_SECONDS} s."
                )
            self._channel.connection.drain_events(timeout=left)
        if self._nacked:
            raise Unconfirmed(f"{len(self._nacked)} messages refused by the broker.")

    def _settle(self, tag: int, multiple: bool) -> set[int]:
        settled = {t for t in self._pending if t <= tag} if multiple else {tag}
        self._pending -= settled
        return settled


class PlainPublisher:
    """Publishes over a transport that has no confirms (embedded). What it loses, catch-up
    brings.
    """

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

"""Relay and consumer over a real RabbitMQ, in this process. `test_faults.py` kills processes."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from kombu import Connection
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from devkit.installation import Installation, wait_until
from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.attempts import DeadLetter
from shared.messaging.broker.connection import connect
from shared.messaging.broker.consumer import EventConsumer, consume
from shared.messaging.broker.publisher import ConfirmedPublisher, Message, Unconfirmed
from shared.messaging.broker.relay import relay
from shared.messaging.broker.topology import declare_topology
from shared.messaging.inbox import Delivery, Inbox, TryAgain
from shared.messaging.outbox import publish
from shared.messaging.turns import LoopKind, unwatched


class Receiver:
    def __init__(self, district: District, service: str) -> None:
        self.received: list[UUID] = []
        self.database_away, self.refusals = False, 0
        self.inbox = Inbox(district.services[service].database, {VolunteerActivated: self.handle})

    def handle(self, session: Session, events: list[Any]) -> None:
        if self.database_away:
            self.refusals += 1
            raise OperationalError(
                "SELECT 1", {}, psycopg.OperationalError("server closed the connection")
            )
        self.received += [event.volunteer_id for event in events]


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    time.sleep(0.6)


SERVICE = VolunteerActivated.handled_by[0]


def run(target: Any, *args: Any) -> None:
    threading.Thread(target=target, args=args, daemon=True).start()


def test_an_event_reaches_every_service_that_handles_it_and_no_other(
    quiet_district: District, broker_url: str, stop: threading.Event
) -> None:
    receivers = {
        service: Receiver(quiet_district, service) for service in ("wishes", "rewards", "notify")
    }
    for receiver in receivers.values():
        run(consume, receiver.inbox, broker_url, 50, stop)
    run(relay, quiet_district.registration.database, broker_url, stop)
    with quiet_district.registration.session() as session:
        publish(session, *(VolunteerActivated(volunteer_id=new_id()) for _ in range(300)))
    handling = [s for s in receivers if s in VolunteerActivated.handled_by]
    wait_until(
        lambda: all(len(receivers[s].received) == 300 for s in handling),
        20,
        "not every service received all",
    )
    assert all(len(set(receivers[s].received)) == 300 for s in handling)
    with quiet_district.registration.session() as session:
        assert session.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) == 0


@pytest.mark.check("R9")
def test_what_no_queue_takes_is_noticed_and_stays_in_the_outbox(broker_url: str) -> None:
    with connect(broker_url) as connection:
        declare_topology(connection)
        publisher = ConfirmedPublisher(connection)
        known = Message(new_id(), VolunteerActivated.routing_key(), b"{}", mandatory=True)
        unknown = Message(new_id(), "registration.nobody_handles", b"{}", mandatory=True)
        assert publisher.publish([known, unknown]) == {unknown.id}


@pytest.mark.check("R7")
def test_a_full_queue_is_an_error_and_not_a_loss(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(broker_url) as connection:
        channel = connection.channel()
        declare_topology(connection)
        channel.queue_declare(
            "tiny", durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        channel.queue_bind("tiny", "wishtree.events", "registration.tiny")
        publisher = ConfirmedPublisher(connection)
        with pytest.raises(Unconfirmed):
            publisher.publish(
                [Message(new_id(), "registration.tiny", b"{}", mandatory=True) for _ in range(20)]
            )


@pytest.mark.check("R9")
def test_a_deleted_queue_is_declared_again_and_its_events_follow(
    quiet_district: District,
    broker_url: str,
    stop: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.messaging.broker.relay.DECLARE_EVERY_SECONDS", 1)
    receiver = Receiver(quiet_district, VolunteerActivated.handled_by[0])
    run(relay, quiet_district.registration.database, broker_url, stop)
    with connect(broker_url) as connection:
        declare_topology(connection)
        for service in VolunteerActivated.handled_by:
            connection.channel().queue_delete(f"{service}.events")
    event = VolunteerActivated(volunteer_id=new_id())
    with quiet_district.registration.session() as session:
        publish(session, event)
    run(consume, receiver.inbox, broker_url, 50, stop)
    wait_until(
        lambda: receiver.received == [event.volunteer_id],
        20,
        "the event did not come after the queue was back",
    )


def test_a_consumer_that_the_broker_forgot_starts_over(
    quiet_district: District,
    broker_url: str,
    stop: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its connection is alive and nothing comes, while messages wait in its queue."""
    monkeypatch.setattr("shared.messaging.broker.consumer.DEAF_SECONDS", 1)
    monkeypatch.setattr("shared.messaging.broker.queue_watch.LOOK_EVERY_SECONDS", 0.7)
    forgotten: list[EventConsumer] = []
    begin = EventConsumer._start_consumers

    def begin_and_forget_the_first(consumer: EventConsumer) -> None:
        begin(consumer)
        if not forgotten:
            forgotten.append(consumer)
            consumer.consumer.cancel()

    monkeypatch.setattr(EventConsumer, "_start_consumers", begin_and_forget_the_first)
    receiver = Receiver(quiet_district, SERVICE)
    run(consume, receiver.inbox, broker_url, 50, stop)
    run(relay, quiet_district.registration.database, broker_url, stop)
    event = VolunteerActivated(volunteer_id=new_id())
    with quiet_district.registration.session() as session:
        publish(session, event)
    wait_until(lambda: receiver.received == [event.volunteer_id], 20, "nothing came")
    assert forgotten


@pytest.mark.check("R4")
def test_what_comes_while_the_database_is_away_is_kept_with_the_batch_in_hand(
    quiet_district: District, broker_url: str, stop: threading.Event
) -> None:
    receiver = Receiver(quiet_district, SERVICE)
    published: list[UUID] = []

    def publish_some(count: int) -> None:
        events = [VolunteerActivated(volunteer_id=new_id()) for _ in range(count)]
        published.extend(event.volunteer_id for event in events)
        with quiet_district.registration.session() as session:
            publish(session, *events)

    def outbox_is_empty() -> bool:
        with quiet_district.registration.session() as session:
            return (
                session.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) == 0
            )

    def refused_again() -> None:
        before = receiver.refusals
        wait_until(lambda: receiver.refusals >= before + 2, 20, "the batch was not tried again")

    run(consume, receiver.inbox, broker_url, 50, stop)
    run(relay, quiet_district.registration.database, broker_url, stop)
    publish_some(1)
    wait_until(
        lambda: receiver.received == published,
        20,
        "the first, after which the prefetch is full, did not come",
    )
    receiver.database_away = True
    publish_some(3)
    refused_again()
    publish_some(60)  # more than fill the batch of 50 up
    wait_until(outbox_is_empty, 20, "the broker did not get them")
    refused_again()  # between two refusals the consumer reads what came
    receiver.database_away = False
    wait_until(
        lambda: len(receiver.received) >= len(published),
        10,
        lambda: f"{len(receiver.received)} of {len(published)} were received",
    )
    assert sorted(receiver.received) == sorted(published)
    with connect(broker_url) as connection:
        queue = connection.channel().queue_declare(f"{SERVICE}.events", passive=True)
    assert queue.message_count == 0


class Killed(Exception):
    """The process ends here, as by kill -9."""


class StubInbox:
    """Sends one message after the other, and refuses the first until all of them are in hand."""

    service = SERVICE

    def __init__(
        self,
        outside: Connection,
        messages: list[tuple[str, bytes]],
        then: Callable[[list[bytes]], None],
    ) -> None:
        self.outside, self.waiting, self.sent, self.then = outside, messages, 0, then
        self.consumer: Any = None
        self.taken: list[bytes] = []

    def send_next(self) -> None:
        queue, body = self.waiting.pop(0)
        self.sent += 1
        self.outside.Producer().publish(
            body,
            routing_key=f"{SERVICE}.{queue}",
            content_type="application/json",
            content_encoding="utf-8",
        )

    def receive(self, deliveries: Sequence[Delivery]) -> None:
        came = len(self.taken) + len(self.consumer.returned) + len(self.consumer.gathered)
        if came == self.sent and self.waiting:
            self.send_next()
            raise TryAgain
        if came < self.sent:
            raise TryAgain
        bodies = [delivery.body for delivery in deliveries]
        self.then(bodies)
        self.taken += bodies

    def consume(self, broker_url: str, stop: threading.Event, returned_at_once: int) -> None:
        """Consume until `stop` is set or the process is killed."""
        with connect(broker_url) as connection:
            self.consumer = EventConsumer(connection, self, 50, unwatched(LoopKind.CONSUME))  # type: ignore[arg-type]
            self.consumer.dead_consumer.cancel()
            self.consumer.channel.basic_qos(0, returned_at_once, False)
            self.consumer.dead_consumer.consume()
            self.send_next()
            self.consumer.run(stop)

    def left(self, queue: str) -> int:
        return int(
            self.outside.default_channel.queue_declare(
                f"{SERVICE}.{queue}", passive=True
            ).message_count
        )


RETURNED_FIRST = [("dead", b"first"), ("dead", b"second"), ("events", b"ordinary")]


@pytest.mark.check("R4")
def test_what_was_returned_is_not_acknowledged_with_what_came_after_it(
    broker_url: str, stop: threading.Event
) -> None:
    """Whatever the prefetch is. The process dies after the ordinary one is acknowledged."""

    def be_killed(bodies: list[bytes]) -> None:
        if b"second" in bodies:
            raise Killed

    with connect(broker_url) as outside:
        declare_topology(outside)
        inbox = StubInbox(outside, list(RETURNED_FIRST), be_killed)
        with pytest.raises(Killed):
            inbox.consume(broker_url, stop, returned_at_once=10)
        assert inbox.taken == [b"first", b"ordinary"]
        wait_until(lambda: inbox.left("dead") == 1, 10, "the second returned message is lost")
        assert inbox.left("events") == 0


def test_each_message_is_acknowledged_once(broker_url: str, stop: threading.Event) -> None:
    """A second acknowledgement makes the broker close the channel, an error for the consumer."""

    def stop_at_the_last(bodies: list[bytes]) -> None:
        if b"second" in bodies:
            stop.set()

    with connect(broker_url) as outside:
        declare_topology(outside)
        inbox = StubInbox(outside, list(RETURNED_FIRST), stop_at_the_last)
        inbox.consume(broker_url, stop, returned_at_once=10)
        assert sorted(inbox.taken) == [b"first", b"ordinary", b"second"]
        assert inbox.left("dead") == inbox.left("events") == 0


def test_a_returned_message_refused_until_the_stop_stays_with_the_broker(
    broker_url: str, stop: threading.Event
) -> None:
    """The database is back just when the ordinary message behind it is tried."""

    def refuse_it_and_stop(bodies: list[bytes]) -> None:
        if bodies == [b"first"]:
            stop.set()
            raise TryAgain

    with connect(broker_url) as outside:
        declare_topology(outside)
        inbox = StubInbox(
            outside, [("dead", b"first"), ("events", b"ordinary")], refuse_it_and_stop
        )
        inbox.consume(broker_url, stop, returned_at_once=1)
        assert inbox.taken == [b"ordinary"]
        wait_until(lambda: inbox.left("dead") == 1, 10, "the returned message is lost")
        assert inbox.left("events") == 0


def test_a_foreign_message_is_a_dead_letter_and_the_rest_flows(
    quiet_district: District, broker_url: str, stop: threading.Event
) -> None:
    receiver = Receiver(quiet_district, SERVICE)
    with connect(broker_url) as connection:
        declare_topology(connection)
        producer = connection.Producer()
        for body in (b"not json", b'{"id": "x"}', b"\xff"):
            producer.publish(
                body,
                routing_key=f"{SERVICE}.events",
                content_type="application/octet-stream",
                content_encoding="binary",
            )
    run(consume, receiver.inbox, broker_url, 50, stop)
    run(relay, quiet_district.registration.database, broker_url, stop)
    with quiet_district.registration.session() as session:
        publish(session, VolunteerActivated(volunteer_id=new_id()))

    def letters() -> int:
        with quiet_district.services[SERVICE].session() as session:
            return len(session.scalars(select(DeadLetter)).all())

    wait_until(
        lambda: letters() == 3 and len(receiver.received) == 1,
        20,
        "the bad messages held up the good one",
    )


@pytest.mark.check("R6")
@pytest.mark.long(reason="the broker starts again")
def test_the_bus_comes_back_after_the_broker_was_killed(
    quiet_district: District, installation: Installation, broker_url: str, stop: threading.Event
) -> None:
    receiver = Receiver(quiet_district, SERVICE)
    run(consume, receiver.inbox, broker_url, 50, stop)
    run(relay, quiet_district.registration.database, broker_url, stop)
    events = [VolunteerActivated(volunteer_id=new_id()) for _ in range(200)]
    with quiet_district.registration.session() as session:
        publish(session, *events[:100])
    wait_until(lambda: len(receiver.received) == 100, 20, "nothing came before the kill")
    assert installation.rabbit is not None
    installation.rabbit.kill()
    with quiet_district.registration.session() as session:
        publish(session, *events[100:])
    installation.rabbit.start()
    wait_until(lambda: len(set(receiver.received)) == 200, 60, "the bus did not come back")
    assert len(receiver.received) == 200

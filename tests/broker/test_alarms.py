"""A broker that takes nothing: its memory alarm, over a real RabbitMQ.

It stops reading from connections that publish, and goes on sending heartbeats.
"""

import threading
import time
from contextlib import suppress

import pytest
from sqlalchemy import text

from devkit.installation import wait_until
from devkit.local.servers import RabbitServer
from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.broker.connection import connect
from shared.messaging.broker.consumer import consume
from shared.messaging.broker.publisher import Blocked, ConfirmedPublisher, Message, Unconfirmed
from shared.messaging.broker.relay import relay
from shared.messaging.broker.topology import declare_topology
from shared.messaging.outbox import publish
from tests.broker.test_bus import SERVICE, Receiver
from tests.support.all_roles import memory_alarm

KEY = VolunteerActivated.routing_key()


def message() -> Message:
    return Message(new_id(), KEY, b"{}", mandatory=True)


@pytest.mark.long(reason="each call of rabbitmqctl takes seconds")
def test_waiting_for_confirms_ends_by_the_clock(
    rabbit: RabbitServer, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """py-amqp begins its timeout anew at each heartbeat, so it would not end."""
    for module in ("connection", "topology"):
        monkeypatch.setattr(f"shared.messaging.broker.{module}.HEARTBEAT_SECONDS", 2)
    monkeypatch.setattr("shared.messaging.broker.publisher.CONFIRM_SECONDS", 2.5)
    with connect(broker_url) as connection:
        declare_topology(connection)
        publisher = ConfirmedPublisher(connection)
        connection.connection.on_blocked = None  # as from a broker that does not say so
        with memory_alarm(rabbit):
            started = time.monotonic()
            with pytest.raises(Unconfirmed):
                publisher.publish([message()])
            assert time.monotonic() - started < 3.5


@pytest.mark.check("R7")
@pytest.mark.long(reason="each call of rabbitmqctl takes seconds")
def test_a_broker_that_takes_nothing_holds_no_row_and_no_thread(
    rabbit: RabbitServer, quiet_district: District, broker_url: str
) -> None:
    receiver = Receiver(quiet_district, SERVICE)
    stop, stop_consuming = threading.Event(), threading.Event()
    database = quiet_district.registration.database
    threads = [
        threading.Thread(target=relay, args=(database, broker_url, stop), daemon=True),
        threading.Thread(
            target=consume, args=(receiver.inbox, broker_url, 50, stop_consuming), daemon=True
        ),
    ]
    for thread in threads:
        thread.start()
    events = [VolunteerActivated(volunteer_id=new_id()) for _ in range(100)]
    with memory_alarm(rabbit):
        with quiet_district.registration.session() as session:
            publish(session, *events)
        time.sleep(2)
        with quiet_district.registration.session() as session:
            free = "SELECT count(*) FROM (SELECT FROM outbox FOR UPDATE SKIP LOCKED) AS free"
            assert session.scalar(text(free)) == 100
            idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            assert session.scalar(text(idle)) == 0
        assert receiver.received == []
    wait_until(lambda: len(receiver.received) == 100, 15, "the events did not come afterwards")
    time.sleep(0.5)
    assert sorted(receiver.received) == sorted(event.volunteer_id for event in events)
    stop.set()
    stop_consuming.set()
    for thread in threads:
        thread.join(2)
        assert not thread.is_alive()


@pytest.mark.faults
def test_what_was_sent_before_the_alarm_may_be_confirmed_after_it(
    rabbit: RabbitServer, broker_url: str
) -> None:
    with connect(broker_url) as connection:
        declare_topology(connection)
        publisher = ConfirmedPublisher(connection)
        with memory_alarm(rabbit):
            with pytest.raises(Blocked):
                publisher.publish([message() for _ in range(20)])
            assert publisher.blocked
        wait_until(lambda: _reads_until_unblocked(publisher), 10, "the broker did not unblock us")
        assert publisher.publish([message() for _ in range(20)]) == set()


def _reads_until_unblocked(publisher: ConfirmedPublisher) -> bool:
    with suppress(TimeoutError):
        publisher._channel.connection.blocking_read(0.1)
    return not publisher.blocked

"""Whatever lies in a queue, a consumer takes it once and goes on: over RabbitMQ and over Valkey."""

import base64
import gzip
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any
from uuid import UUID

import amqp
import pytest
import redis
from kombu import Connection
from sqlalchemy import select

from devkit.installation import wait_until
from devkit.local.servers import ValkeyServer
from devkit.testkit import District, take_outbox
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.broker import connection as connections
from shared.messaging.broker.connection import connect
from shared.messaging.broker.consumer import consume
from shared.messaging.broker.topology import declare_topology
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import publish

SERVICE = "wishes"
QUEUE = f"{SERVICE}.events"
BOMB = gzip.compress(b"0" * 200_000_000)


class Listener:
    """A consumer in a thread, and what became of what it took."""

    def __init__(self, district: District, url: str) -> None:
        self.district, self.member = district, district.services[SERVICE]
        self.received: list[UUID] = []
        self.stop = threading.Event()
        inbox = Inbox(self.member.database, {VolunteerActivated: self.handle})
        self.thread = threading.Thread(target=consume, args=(inbox, url, 50, self.stop))
        self.thread.start()

    def handle(self, _session: Any, events: list[Any]) -> None:
        self.received += [event.volunteer_id for event in events]

    def good(self) -> tuple[UUID, bytes]:
        event = VolunteerActivated(volunteer_id=new_id())
        with self.district.registration.session() as session:
            publish(session, event)
        (message,) = take_outbox(self.district.registration)
        return event.volunteer_id, message.body

    def letters(self) -> list[DeadLetter]:
        with self.member.session() as session:
            return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))

    def attempts(self) -> int:
        with self.member.session() as session:
            return len(session.scalars(select(Attempt)).all())

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why connections of the bus ended: for poison, never."""
    found: list[str] = []
    monkeypatch.setattr(
        connections, "_log_lost", lambda name, error: found.append(f"{name}: {error!r}")
    )
    return found


def expect_buried(listener: Listener, count: int, good: UUID, lost: list[str]) -> None:
    wait_until(
        lambda: good in listener.received and len(listener.letters()) == count,
        15,
        lambda: f"{len(listener.letters())} of {count} buried, {listener.received}, {lost}",
    )
    assert (lost, listener.attempts(), listener.received) == ([], 0, [good])
    assert {letter.attempts for letter in listener.letters()} == {1}


class RawProperties(amqp.basic_message.Message):  # type: ignore[misc]
    """A message with properties as another client would write them."""

    raw = b""

    def _serialize_properties(self) -> bytes:
        return self.raw


def headers(table: bytes) -> bytes:
    return pack(">HI", 1 << 13, len(table)) + table


PROPERTIES = {
    "a short, as Java writes it": headers(b"\x01xs\x7f\xff"),
    "compressed": headers(b"\x0bcompressionS" + pack(">I", 18) + b"application/x-gzip"),
    "compressed by nobody": headers(b"\x0bcompressionS" + pack(">I", 4) + b"none"),
    "a content type of its own": pack(">H", 1 << 15) + b"\x06text/x",
    "bytes as content encoding": pack(">H", 1 << 14) + b"\x02\xff\xfe",
    "nothing": pack(">H", 0),
}


@pytest.mark.check("R8")
def test_rabbitmq_hands_over_whatever_lies_in_a_queue(
    quiet_district: District, broker_url: str, lost: list[str]
) -> None:
    with connect(broker_url) as outside:
        declare_topology(outside)
        channel = outside.default_channel
        for raw in PROPERTIES.values():
            message = RawProperties(BOMB)
            message.raw = raw
            channel.basic_publish(message, routing_key=QUEUE)
        channel.basic_publish(amqp.Message(b""), routing_key=QUEUE)
        channel.basic_publish(amqp.Message(b"[" * 5_000_000), routing_key=QUEUE)
        listener = Listener(quiet_district, broker_url)
        try:
            good, body = listener.good()
            channel.basic_publish(amqp.Message(body), routing_key=QUEUE)
            expect_buried(listener, len(PROPERTIES) + 2, good, lost)
        finally:
            listener.end()
    (largest,) = (one for one in listener.letters() if one.body.startswith("[["))
    assert len(largest.body) < 20_000
    assert largest.body.endswith("cut: the message had more than 16384 bytes")


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    folder = Path(tempfile.mkdtemp(prefix="wishtree-vk-"))
    server = ValkeyServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def item(**changes: Any) -> bytes:
    """An item as kombu writes it, with changes."""
    properties = {
        "body_encoding": "base64",
        "delivery_tag": str(new_id()),
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
    } | changes.pop("properties", {})
    whole = {
        "body": base64.b64encode(b"{}").decode(),
        "headers": {},
        "properties": properties,
    } | changes
    return json.dumps(whole).encode()


ITEMS: dict[str, bytes] = {
    "no JSON": b"not json",
    "no text": b"\xff\xfe\x00",
    "nothing": b"",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "an empty object": b"{}",
    "no properties": item(properties={"delivery_tag": None}),
    "no base64": item(body="~~~"),
    "an encoding that nobody knows": item(properties={"body_encoding": "rot13"}),
    "half a surrogate": item(body="\ud800", properties={"body_encoding": None}),
    "a number as body": item(body=7),
    "no delivery info": item(properties={"delivery_info": None}),
    "headers that are none": item(headers=[1]),
    "compressed": item(
        body=base64.b64encode(BOMB).decode(), headers={"compression": "application/x-gzip"}
    ),
    "large": item(body=base64.b64encode(b"[" * 5_000_000).decode()),
}


@pytest.mark.check("R8")
def test_valkey_hands_over_whatever_lies_in_a_list(
    district: District, valkey: ValkeyServer, lost: list[str]
) -> None:
    client = redis.Redis.from_url(valkey.url().replace("redis+socket", "unix"))
    with connect(valkey.url()) as outside:
        declare_topology(outside)
        for one in ITEMS.values():
            client.lpush(QUEUE, one)
        listener = Listener(district, valkey.url())
        try:
            good, body = listener.good()
            _publish(outside, body)
            expect_buried(listener, len(ITEMS), good, lost)
        finally:
            listener.end()
    assert client.llen(QUEUE) == 0
    assert client.hlen("unacked") == 0
    client.close()


def _publish(outside: Connection, body: bytes) -> None:
    outside.Producer().publish(
        body, routing_key=QUEUE, content_type="application/json", content_encoding="utf-8"
    )

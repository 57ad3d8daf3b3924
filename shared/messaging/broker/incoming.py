"""Messages as the broker hands them over, made harmless before kombu reads them.

Anybody who may write to a queue can write anything there. kombu raises for what it cannot read,
which ends the connection: on AMQP the same message comes again, from Valkey it is lost. It also
unpacks what is compressed, however large that becomes. So a message is cut to a size that we keep
in memory, is never unpacked, and reaches the inbox in any case.
"""

import base64
import json
from typing import Any
from uuid import uuid4

import amqp.method_framing
from kombu.message import Message
from kombu.transport import pyamqp

from shared.core.logs import get_logger
from shared.messaging.envelope import MOST_BYTES

log = get_logger(__name__)


def bounded(body: bytes) -> bytes:
    """A body that costs little memory while it waits; one byte too long where it was cut."""
    return body[: MOST_BYTES + 1]


class AmqpMessage(pyamqp.Message):
    """A message that is neither large nor compressed."""

    def __init__(self, msg: Any, channel: Any = None, **more: Any) -> None:
        msg.body = bounded(_as_bytes(msg.body))
        msg.properties.pop("application_headers", None)
        super().__init__(msg, channel=channel, **more)


class _AnyProperties(amqp.method_framing.Message):  # type: ignore[misc]
    """A message whose properties may be of types that py-amqp does not know, as Java's short."""

    def _load_properties(self, class_id: int, buf: bytes, offset: int) -> int:
        try:
            return int(super()._load_properties(class_id, buf, offset))
        except Exception as error:
            log.warning("properties of a message ignored", error=type(error).__name__)
            self.properties: dict[str, Any] = {}
            return len(buf)


# py-amqp has no other place for this: it makes the message while it reads the frame.
amqp.method_framing.Message = _AnyProperties


def make_harmless(channel: Any, is_amqp: bool) -> None:
    """Let a channel hand over every message of its queues. Call it before the first consumer."""
    if is_amqp:
        channel.Message = AmqpMessage
    elif hasattr(channel, "_brpop_read"):  # Valkey; in memory nobody else writes
        channel.client.set_response_callback("BRPOP", _readable)


def body_of(message: Message) -> bytes:
    """The body of a message, whatever it was sent as."""
    return _as_bytes(message.body)


def _as_bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    return str(body).encode("utf-8", "backslashreplace")


def _readable(answer: list[bytes] | None, **_: Any) -> tuple[bytes, bytes] | None:
    """Let kombu read an item of a list, also one that it did not write."""
    if not answer:
        return None
    key, item = answer
    return key, item if _is_kombus(item) else _wrapped(item, key)


def _is_kombus(item: bytes) -> bool:
    """Tell whether kombu can read an item, and without unpacking it."""
    if len(item) > 2 * MOST_BYTES:  # base64 and the properties
        return False
    try:
        payload = json.loads(item.decode())
        properties, headers = payload["properties"], payload.get("headers")
        delivery = properties["delivery_info"]
        named = (properties["delivery_tag"], delivery["exchange"], delivery["routing_key"])
        if properties.get("body_encoding") == "base64":
            base64.b64decode(payload["body"].encode())
        elif properties.get("body_encoding") is not None:
            return False
        payload["body"].encode()
        return all(isinstance(name, str) for name in named) and not (headers or {}).get(
            "compression"
        )
    except Exception:  # whatever is wrong with it, kombu did not write it
        return False


def _wrapped(item: bytes, key: bytes) -> bytes:
    """An item as the body of a message, so that the inbox makes it a dead letter."""
    queue = key.decode("utf-8", "replace")
    properties = {
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
        "delivery_info": {"exchange": "", "routing_key": queue},
    }
    body = base64.b64encode(bounded(item)).decode()
    return json.dumps({"body": body, "headers": {}, "properties": properties}).encode()

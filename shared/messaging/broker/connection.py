"""Connections to the broker: made, kept, and dropped when they break."""

import math
import random
import threading
import time
from collections.abc import Callable

from kombu import Connection

from shared.core.logs import get_logger
from shared.messaging.broker.topology import (
    HEARTBEAT_SECONDS,
    declare_topology,
    is_amqp,
    on_amqp,
)

log = get_logger(__name__)
LIVED_SECONDS = 5  #: a connection that lasted this long was a good one: pauses begin anew
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SOCKET_SECONDS = 10
"""No read or write of a socket waits longer. py-amqp sets no limit for what has none of its own:
opening a channel, declaring, acknowledging. So a broker that is frozen, or that reads nothing while
its memory is full, would hold a thread for ever."""


EMBEDDED_OPTIONS = {"visibility_timeout": 60, "socket_timeout": SOCKET_SECONDS}


def connect(url: str) -> Connection:
    """A connection that notices a dead broker within a heartbeat.

    Without kombu's `confirm_publish`: our publisher collects its confirms itself.
    """
    options = {} if is_amqp(url) else EMBEDDED_OPTIONS
    return Connection(
        url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=3, transport_options=options
    )


def keep_connected(
    name: str, stop: threading.Event, url: str, work: Callable[[Connection], None]
) -> None:
    """Connect, declare and work until `stop` is set.

    After an error it starts over, with growing jittered pauses.
    """
    pause = SHORTEST_PAUSE
    while not stop.is_set():
        connection, connected = connect(url), math.inf
        try:
            connection.ensure_connection(max_retries=1, timeout=3)
            _limit_socket(connection)
            declare_topology(connection)
            connected = time.monotonic()
            work(connection)
        except Exception as error:
            _log_lost(name, error)
            if time.monotonic() - connected > LIVED_SECONDS:
                pause = SHORTEST_PAUSE
            stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            # Drops the socket. `close()` would wait for a broker that does not answer.
            connection.collect()


def _limit_socket(connection: Connection) -> None:
    if on_amqp(connection):
        connection.connection.transport.sock.settimeout(SOCKET_SECONDS)


def reader_of(connection: Connection) -> Callable[[float], object]:
    """A function that reads once from the broker and calls what waits for it.

    It takes the seconds to wait, and raises TimeoutError. It returns after one frame, be it a
    heartbeat. `drain_events` begins its timeout anew at each heartbeat, so that a timeout longer
    than their interval never ends.
    """
    if on_amqp(connection):
        read: Callable[[float], object] = connection.connection.blocking_read
        return read
    return lambda seconds: connection.drain_events(timeout=seconds)


def _log_lost(name: str, error: Exception) -> None:
    log.warning(
        "bus connection lost, starting over",
        loop=name,
        error=type(error).__name__,
        detail=str(error)[:200],
    )

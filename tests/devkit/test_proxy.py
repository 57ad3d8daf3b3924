"""The proxy of the fault suite does to a connection what it says, and nothing else."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from devkit.faults.proxy import GOOD, Link, Proxy
from devkit.installation import wait_until


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets, and `end` at the end."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        try:
            while chunk := connection.recv(4096):
                connection.sendall(chunk)
            connection.sendall(b"end")
        except OSError:
            pass
        connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(echo) as proxy:
        yield proxy


def client(proxy: Proxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=3)
    connection.sendall(b"hello")
    assert connection.recv(100) == b"hello"
    return connection


def seconds_of(connection: socket.socket, sent: bytes) -> float:
    begun = time.monotonic()
    connection.sendall(sent)
    received = b""
    while len(received) < len(sent):
        received += connection.recv(65536)
    assert received == sent
    return time.monotonic() - begun


def test_a_good_link_passes_a_megabyte_unchanged(proxy: Proxy) -> None:
    connection = client(proxy)
    sent = bytes(range(256)) * 4096
    threading.Thread(target=connection.sendall, args=[sent], daemon=True).start()
    received = b""
    while len(received) < len(sent):
        received += connection.recv(65536)
    assert received == sent


def test_a_slow_link_delays_both_directions(proxy: Proxy) -> None:
    connection = client(proxy)
    proxy.become(Link(delay_seconds=0.1, jitter_seconds=0.05))
    assert 0.2 <= seconds_of(connection, b"slow") < 2
    proxy.become(Link(bytes_per_second=10_000))
    assert seconds_of(connection, b"x" * 4000) >= 0.8


def test_a_reset_is_an_error_at_the_client_at_once(proxy: Proxy) -> None:
    connection = client(proxy)
    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        connection.recv(10)
    wait_until(lambda: proxy.connections == 0, 3, "a reset connection is kept")
    client(proxy)


def test_a_black_hole_answers_nothing_and_loses_nothing_once_it_is_healed(proxy: Proxy) -> None:
    connection = client(proxy)
    proxy.become(Link(black_hole=True))
    connection.sendall(b"late")
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connection.recv(10)
    new = socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3)
    new.sendall(b"new")
    with pytest.raises(TimeoutError):
        new.recv(10)
    proxy.become(GOOD)
    for waiting, word in ((connection, b"late"), (new, b"new")):
        waiting.settimeout(3)
        assert waiting.recv(10) == word


def test_a_link_is_cut_after_so_many_bytes(proxy: Proxy) -> None:
    connection = client(proxy)
    proxy.become(Link(cut_after_bytes=10))
    connection.sendall(b"123456")
    assert connection.recv(100) == b"123456"
    with pytest.raises(ConnectionResetError):
        connection.sendall(b"7890ab")
        connection.recv(100)
        connection.recv(100)


def test_a_half_closed_link_still_answers(proxy: Proxy) -> None:
    connection = client(proxy)
    proxy.half_close()
    assert connection.recv(10) == b"end"


def test_a_server_that_is_away_is_a_reset(echo: int) -> None:
    with Proxy(1) as proxy, pytest.raises(ConnectionResetError):
        connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=3)
        connection.recv(10)

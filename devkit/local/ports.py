"""Ports of 127.0.0.1: find a free one, remember it, and talk to what listens."""

import random
import socket
import time
from pathlib import Path

from devkit.local.files import write_private

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on.

    Below the range that the kernel gives to outgoing connections (from 32768): a client that keeps
    trying to reach a server which is down could else be given the server's own port, and either
    block it or talk to itself.
    """
    for _ in range(1000):
        port = random.randint(20000, 32000)  # noqa: S311 - not a secret
        if port_is_free(port):
            return port
    raise OSError("no free port between 20000 and 32000")


def port_is_free(port: int) -> bool:
    """Whether we could listen on it now, a port of a just-ended server included."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def remembered_port(file: Path, keep: bool = True) -> int:
    """The port written in the file; if there is none, write a free one.

    With `keep=False` a remembered port that is taken is replaced, too.
    """
    if file.exists():
        port = int(file.read_text())
        if keep or port_is_free(port):
            return port
    port = free_port()
    write_private(file, str(port))
    return port


def wait_for_port(port: int, seconds: float = 5) -> None:
    """Return when something listens there, or when the time is over."""
    deadline = time.monotonic() + seconds
    while port_is_free(port) and time.monotonic() < deadline:
        time.sleep(0.02)


def response_of(address: tuple[str, int] | str, request: bytes, until: bytes = b"") -> bytes:
    """What a server answers to a few bytes; nothing if it is away or slower than a second."""
    response = b""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)
            connection.sendall(request)
            while more := connection.recv(4096):
                response += more
                if until in response:
                    break
        except OSError:
            pass
    return response

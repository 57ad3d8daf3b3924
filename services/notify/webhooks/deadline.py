"""A wall-clock limit for one HTTP request.

The timeout of requests does not suffice: it starts again with every byte that arrives.
"""

import socket
from contextvars import ContextVar
from threading import Lock, Timer
from types import TracebackType
from typing import Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Cut every connection that this thread opens inside the `with` block after `seconds`.

    What was read until then may look like a whole response: check `over` before using it.
    Looking up a name is not interrupted; a connection made after a slow look-up is cut at once.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        _current.reset(self._token)
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def watch(self, sock: socket.socket) -> None:
        """Cut this connection, too."""
        # A copy, because TLS takes the file descriptor of the original away.
        with self._lock:
            self._sockets.append(sock.dup())
        if self.over:
            self._cut()

    def _cut(self) -> None:
        self.over = True
        with self._lock:
            for watched in self._sockets:
                try:
                    watched.shutdown(socket.SHUT_RDWR)
                except OSError:  # already closed
                    continue


_current: ContextVar[Deadline] = ContextVar("deadline of this request")


class _WatchedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _current.get().watch(sock)
        return sock


class _WatchedHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _current.get().watch(sock)
        return sock


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


def obey_deadlines(http: requests.Session) -> None:
    """Let deadlines cut the connections of this session, which then needs one for each request."""
    pools = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}
    for adapter in http.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            adapter.poolmanager.pool_classes_by_scheme = pools

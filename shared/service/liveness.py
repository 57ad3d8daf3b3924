"""A gunicorn worker that answers `/healthz` while all its request threads are busy.

The worker's loop accepts connections and never works on a request, so it answers the probe itself:
liveness says that the process turns, whatever its threads wait for. Nothing that a client does
may hold the loop up, nor use up the connections that it may hold:

- A connection takes a thread when a request has begun to come, not when it is opened.
- What waits for a thread is bounded. One request more is answered 503 at once.
- Closing a connection waits for the client up to two seconds, so other threads do that, for a
  bounded number.
- Without a free file descriptor nobody is taken in for a moment; the worker goes on.
"""

import errno
import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from socket import MSG_PEEK, SHUT_WR, socket
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any

from gunicorn.util import http_date
from gunicorn.workers.gthread import TConn, ThreadWorker

from shared.core.problems import Unavailable

PROBE = b"GET /healthz HTTP/1."
LONGEST_PROBE = 8192

SILENT_SECONDS = 10
"""How long a connection may stay open before its first byte."""

MOST_SILENT, MOST_KEPT, MOST_WAITING = 150, 350, 300
"""Connections without a request, between two requests, and waiting for a thread. With the threads,
200 at most, these are gunicorn's 1,000 `worker_connections`: accepting never pauses.
"""

CLOSERS, MOST_CLOSING = 4, 100
"""Threads that close connections, and the connections that wait for their clients to do so, too.
These are not among gunicorn's connections. One more is closed at once.
"""

PASSING = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
NO_DESCRIPTOR_SECONDS = 0.02
"""The next turn would find the same client and fail again, without a pause."""

ALIVE = json.dumps({"status": "ok"})
BUSY = json.dumps(Unavailable().document())


class LiveWorker(ThreadWorker):
    """One process of threads, whose loop answers the liveness probe."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_keepalived = MOST_KEPT
        self._in_hand = 0  # requests with a thread, or waiting for one

    def init_process(self) -> None:
        self._closers = Closers()
        super().init_process()

    def accept(self, server: socket) -> None:
        """Take a connection in, and wait for its first byte without a thread."""
        try:
            sock, client = server.accept()
        except OSError as error:
            if error.errno in NO_DESCRIPTOR:
                sleep(NO_DESCRIPTOR_SECONDS)
            elif error.errno not in PASSING:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, sock, client, server.getsockname())
        conn.closers = self._closers
        conn.timeout = monotonic() + SILENT_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
        if len(self.pending_conns) > MOST_SILENT:
            self._drop_longest_silent()

    def on_pending_socket_readable(self, conn: "Connection", client: socket) -> None:
        if client.fileno() != -1:  # it may have been dropped a moment ago, in the same turn
            super().on_pending_socket_readable(conn, client)

    def enqueue_req(self, conn: "Connection") -> None:
        if conn.sends_probe():
            self._answer(conn, "200 OK", ALIVE, "Content-Type: application/json")
        elif self._in_hand >= self.cfg.threads + MOST_WAITING:
            problem = "Content-Type: application/problem+json\r\nRetry-After: 2"
            self._answer(conn, "503 Service Unavailable", BUSY, problem)
        else:
            self._in_hand += 1
            super().enqueue_req(conn)

    def finish_request(self, conn: "Connection", future: Future[Any]) -> None:
        self._in_hand -= 1
        super().finish_request(conn, future)

    def _answer(self, conn: "Connection", status: str, body: str, headers: str) -> None:
        """Answer from the loop and close. The answer fits into the socket's buffer."""
        answer = (
            f"HTTP/1.1 {status}\r\nDate: {http_date()}\r\nConnection: close\r\n{headers}\r\n"
            f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        with suppress(OSError):  # the client may have gone
            conn.sock.recv(LONGEST_PROBE)
            conn.sock.send(answer.encode())
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _drop_longest_silent(self) -> None:
        conn = self.pending_conns.popleft()
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


class Closers:
    """Threads that wait for clients to close what has ended."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CLOSERS, "closer")
        self._places = BoundedSemaphore(MOST_CLOSING)

    def submit(self, close: Callable[[], None]) -> bool:
        """Run it in a thread; False if too many wait for that."""
        if not self._places.acquire(blocking=False):
            return False
        self._threads.submit(close).add_done_callback(lambda _: self._places.release())
        return True


class Connection(TConn):
    """A client's connection, which the worker's loop can look into and close without waiting."""

    closers: Closers

    def sends_probe(self) -> bool:
        """Whether the next request is a liveness probe that has come whole."""
        if self.parser is not None and self.parser.unreader.buf.getvalue():
            return False  # a request that was read ahead comes first
        try:
            if self.sock.recv(len(PROBE), MSG_PEEK) != PROBE:
                return False
            return b"\r\n\r\n" in self.sock.recv(LONGEST_PROBE, MSG_PEEK)
        except OSError:
            return False

    def close(self, graceful: bool = False) -> None:
        if graceful:
            with suppress(OSError):  # the client may have gone
                self.sock.shutdown(SHUT_WR)  # it learns at once that this was all
            graceful = self.closers.submit(partial(super().close, graceful=True))
        if not graceful:
            super().close()

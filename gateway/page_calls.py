"""How pages ask one service: in threads of its own, for a limited time, and not while it is away.

The thread that serves a page only waits, a second for what the page reads. So a service that hangs
holds its own threads here and no others, in compact mode as well, where a call cannot be cut off.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import InitVar, dataclass, field
from enum import Enum
from threading import BoundedSemaphore

from werkzeug.test import TestResponse

from gateway.circuit import Circuit
from gateway.upstreams import NoAnswer
from shared.core.settings import Settings

AT_ONCE = 8
"""Requests of pages to one service: a page that asks much, or many that ask little. More than that
waits its turn, so that a burst of pages does not use up the service's connections.
"""

LONG_AT_ONCE = 4
"""Of these, forms and reports, which may wait long, and with them the threads that serve pages."""

FAILURES = 3
PLACE_SECONDS = 1.0

Send = Callable[[], TestResponse]


class Patience(Enum):
    """How long a page waits for an answer."""

    PAGE = "page"  #: WISHTREE_PAGE_SECONDS: what a page shows
    FORM = "form"  #: ten seconds: what a form does
    REPORT = "report"  #: half a minute: a file, or figures over a whole history


class PageCalls:
    """Ask one service for pages."""

    def __init__(self, service: str, settings: Settings) -> None:
        self.service = service
        self._seconds = {
            Patience.PAGE: settings.page_seconds,
            Patience.FORM: 10 * settings.page_seconds,
            Patience.REPORT: 30 * settings.page_seconds,
        }
        self._threads = ThreadPoolExecutor(AT_ONCE, f"pages-{service}")
        self._long_places = BoundedSemaphore(LONG_AT_ONCE)
        self._circuit = Circuit(f"{service} pages", FAILURES)

    def seconds_of(self, patience: Patience) -> float:
        return self._seconds[patience]

    def begin(self, send: Send, patience: Patience) -> "Pending":
        """Start a request; `Pending.response` waits for it. Raises NoAnswer at once if it is
        not sent.
        """
        if patience is not Patience.PAGE:
            return self._begin_long(send, self._seconds[patience])
        return self._submit(send, self._seconds[patience])

    def _begin_long(self, send: Send, seconds: float) -> "Pending":
        if not self._take_long_place():
            raise NoAnswer(may_be_done=False)
        try:
            pending = self._submit(send, seconds)
        except NoAnswer:
            self._long_places.release()
            raise
        pending.future.add_done_callback(lambda _: self._long_places.release())
        return pending

    def _take_long_place(self) -> bool:
        """Wait for it a little, unless the service is known to be away."""
        if self._long_places.acquire(blocking=False):
            return True
        return not self._circuit.is_open and self._long_places.acquire(timeout=PLACE_SECONDS)

    def _submit(self, send: Send, seconds: float) -> "Pending":
        if not self._circuit.lets_through(seconds):
            raise NoAnswer(may_be_done=False)
        return Pending(send, seconds, self._circuit, self._threads)


@dataclass(slots=True)
class Pending:
    """A request of a page that is under way, or waits for a thread."""

    send: Send
    seconds: float  #: how long the page waits, the time until it is sent included
    circuit: Circuit
    threads: InitVar[ThreadPoolExecutor]
    future: Future[TestResponse] = field(init=False)
    deadline: float = field(init=False)
    sent_at: float | None = field(init=False, default=None)

    def __post_init__(self, threads: ThreadPoolExecutor) -> None:
        self.deadline = time.monotonic() + self.seconds
        self.future = threads.submit(self._send)

    def _send(self) -> TestResponse:
        self.sent_at = time.monotonic()
        return self.send()

    def response(self) -> TestResponse:
        """Wait for the answer. Raises NoAnswer."""
        try:
            found = self.future.result(max(0.0, self.deadline - time.monotonic()))
        except TimeoutError:
            sent = not self.future.cancel()
            if sent and self._had_time():
                self.circuit.fail()
            raise NoAnswer(may_be_done=sent) from None
        except NoAnswer:
            self.circuit.fail()
            raise
        self.circuit.succeed()
        return found

    def _had_time(self) -> bool:
        """Whether the service had half of the time: what waited for a thread is not its failure.

        A service that answers in time makes nobody wait longer than that for an answer.
        """
        return self.sent_at is not None and self.deadline - self.sent_at >= self.seconds / 2

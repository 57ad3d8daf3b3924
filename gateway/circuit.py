"""A circuit breaker: a service that does not answer is left alone for a while, then tried again.

pybreaker is not used: it holds its lock while the protected function runs, so one request at a
time would go to a service (docs/decisions/libraries.md).
"""

import random
import time
from collections.abc import Callable
from threading import Lock

from shared.core.logs import get_logger

log = get_logger(__name__)

PAUSE_SECONDS = 2.0
"""Between two tries. It varies by a quarter, so that replicas do not try at the same moment."""


class Circuit:
    """Count the failures in a row of requests to one service, and stop sending at `limit`.

    While it is open one request at a time is let through; an answer closes it.
    """

    def __init__(
        self, service: str, limit: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service, self._limit, self._clock = service, limit, clock
        self._lock = Lock()
        self._failures = 0
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= self._limit

    def lets_through(self, seconds: float) -> bool:
        """Whether a request that takes `seconds` at most may be sent.

        Who is let through must tell how it went, with `succeed` or `fail`.
        """
        with self._lock:
            if not self.is_open:
                return True
            if self._clock() < self._next_try:
                return False
            # Should this try never tell, the next one follows when it must have ended.
            self._next_try = self._clock() + seconds + _pause()
            return True

    def succeed(self) -> None:
        with self._lock:
            if self.is_open:
                log.info("service answers again", service=self._service)
            self._failures = 0

    def fail(self) -> None:
        with self._lock:
            self._failures += 1
            if self.is_open:
                self._next_try = self._clock() + _pause()
            if self._failures == self._limit:
                log.warning("service left alone for a while", service=self._service)


def _pause() -> float:
    return PAUSE_SECONDS * random.uniform(0.75, 1.25)  # noqa: S311 - no secret

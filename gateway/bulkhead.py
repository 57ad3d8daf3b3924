"""A bulkhead: requests to one service take so many threads of the gateway and no more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Semaphore

WAIT_SECONDS = 1.0


class Full(Exception):
    """All places are taken, and none became free in time."""


class Bulkhead:
    """Let `places` requests be under way; more wait up to a second.

    Where nobody came or went for a second the service hangs. Nobody waits then, since those who
    wait hold threads, too.
    """

    def __init__(self, places: int) -> None:
        self._free = Semaphore(places)
        self._last_moved = time.monotonic()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place. Raises Full."""
        self._enter()
        try:
            yield
        finally:
            self._last_moved = time.monotonic()
            self._free.release()

    def _enter(self) -> None:
        if not self._free.acquire(blocking=False):
            hangs = time.monotonic() - self._last_moved > WAIT_SECONDS
            if hangs or not self._free.acquire(timeout=WAIT_SECONDS):
                raise Full
        self._last_moved = time.monotonic()

"""A connection to PostgreSQL whose waits end.

A server that is frozen (a stopped process, a machine whose disk hangs) keeps its connections open:
the kernel goes on acknowledging, so neither keepalives nor TCP_USER_TIMEOUT notice it, and the
server's own statement_timeout does not run. libpq has no limit for a wait.
"""

import time
from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout

GRACE_SECONDS = 2
"""How much longer than the server's own limit of a statement we wait for its answer."""


class PatientConnection(psycopg.Connection[Any]):
    """Waits `answer_seconds` for each answer. Then it closes itself and raises OperationalError.

    So it does at `answer_by`, by the monotonic clock, however many answers came before.
    """

    answer_seconds: float | None = None
    answer_by: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for a statement; psycopg calls it for everything that it sends."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        seconds = self._seconds_left()
        try:
            return super().wait(gen, interval, seconds)
        except _WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"the database did not answer within {seconds:.0f} s"
            ) from None

    def _seconds_left(self) -> float | None:
        if self.answer_by is None:
            return self.answer_seconds
        left = max(self.answer_by - time.monotonic(), 0.001)
        return left if self.answer_seconds is None else min(left, self.answer_seconds)

"""A connection to PostgreSQL whose waits end.

A server that is frozen (a stopped process, a machine whose disk hangs) keeps its connections open:
the kernel goes on acknowledging, so neither keepalives nor TCP_USER_TIMEOUT notice it, and the
server's own statement_timeout does not run. libpq has no limit for a wait.
"""

from typing import Any

import psycopg
from psycopg.errors import _WaitTimeout

GRACE_SECONDS = 2
"""How much longer than the server's own limit of a statement we wait for its answer."""


class PatientConnection(psycopg.Connection[Any]):
    """Waits `answer_seconds` for each answer. Then it closes itself and raises OperationalError."""

    answer_seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for a statement; psycopg calls it for everything that it sends."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except _WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"the database did not answer within {self.answer_seconds:.0f} s"
            ) from None

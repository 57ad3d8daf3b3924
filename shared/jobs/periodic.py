"""Jobs, and periodic jobs: one run per interval, however many beats there are."""

import functools
import math
from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.clock import app_now
from shared.core.logs import get_logger, traced
from shared.core.metrics import JOBS
from shared.db.contention import is_passing
from shared.db.engine import Database, transaction, using
from shared.db.statements import inserted
from shared.db.types import Plumbing

log = get_logger(__name__)

databases: dict[str, Database] = {}
"""Where the jobs of each service run; `make_celery` fills it."""
SCHEDULE: dict[str, int] = {}
"""Periodic jobs of the services loaded in this process: name -> seconds."""
PROBE_EVERY_SECONDS = 10
PROBE_PERIOD = 0
"""A probe has one row in `job_runs`, which every run writes anew."""


class JobRun(Plumbing):
    """A periodic job ran for a period. The key is unique, so a second beat does nothing."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True)
    """Number of the interval since 1970 by the database's clock."""
    started_at: Mapped[datetime] = mapped_column(server_default=app_now())


class Job(Task):
    """Runs with its service's database, in the trace of the transaction that enqueued it.

    A database that is away or busy ends it without an alarm: its row is still due.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        service = self.name.partition(".")[0]
        traceparent = (self.request.headers or {}).get("traceparent")
        started, outcome = perf_counter(), "failed"
        with using(databases[service]), traced(traceparent):
            try:
                result = super().__call__(*args, **kwargs)
                outcome = "done"
                return result
            except SQLAlchemyError as error:
                if not is_passing(error):
                    raise
                log.warning("database away or busy, job put off", job=self.name)
                raise Ignore from error
            finally:
                JOBS.labels(self.name, outcome).observe(perf_counter() - started)


def job(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a Celery job. Running it twice must do no harm."""
    return shared_task(name=name, base=Job)  # type: ignore[no-any-return]


def periodic(name: str, every_seconds: int) -> Callable[[Callable[[], Any]], Any]:
    """Declare a job that beat starts. It runs once per interval, however many beats there are."""

    def declare(function: Callable[[], Any]) -> Any:
        @functools.wraps(function)
        def once() -> Any:
            with transaction() as session:
                if not _is_first(session, name, every_seconds):
                    raise Ignore
            return function()

        SCHEDULE[name] = every_seconds
        return job(name)(once)

    return declare


def _is_first(session: Session, name: str, seconds: int) -> bool:
    """Note that the job runs in this interval; False if it already did."""
    period = text("floor(extract(epoch FROM app_now()) / :seconds)::bigint")
    row = insert(JobRun).values(name=name, period=period.bindparams(seconds=seconds))
    return inserted(session, row.on_conflict_do_nothing())


def probe_of(service: str) -> str:
    """The job that shows that jobs travel from beat to a worker of this service."""
    return f"{service}.probe_worker"


def work_off(verb: Callable[[Session, int], int], size: int, seconds: float = math.inf) -> None:
    """Call a verb for batch after batch, each in a transaction of its own.

    It ends when the verb did less than a batch, or returns False for "no more". A job that comes
    often takes `seconds` at most, and its next run goes on: else its runs hold every thread of a
    worker.
    """
    more, deadline = True, perf_counter() + seconds
    while more and perf_counter() < deadline:
        with transaction() as session:
            done = verb(session, size)
        more = done is True or done == size

"""Jobs, and those that beat starts: once per interval, however many beats there are."""

import functools
from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.clock import app_now
from shared.core.logs import traced
from shared.core.metrics import JOBS
from shared.db.engine import Database, transaction, using
from shared.db.types import Plumbing

databases: dict[str, Database] = {}


class JobRun(Plumbing):
    """A periodic job ran for a period. Unique, so two beats are harmless."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True)
    """Number of the interval since 1970 by the database's clock."""
    started_at: Mapped[datetime] = mapped_column(server_default=app_now())


class _Job(Task):
    """Runs inside its service's database and the trace it was kicked from."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        service = self.name.partition(".")[0]
        started, outcome = perf_counter(), "failed"
        with using(databases[service]), traced((self.request.headers or {}).get("traceparent")):
            try:
                result = super().__call__(*args, **kwargs)
                outcome = "done"
                return result
            finally:
                JOBS.labels(self.name, outcome).observe(perf_counter() - started)


def job(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a Celery job. It must be harmless to run twice."""
    return shared_task(name=name, base=_Job)  # type: ignore[no-any-return]


def periodic(name: str, every_seconds: int) -> Callable[[Callable[[], Any]], Any]:
    """Declare a job that beat starts. It runs once per interval, however many beats there are."""

    def declare(function: Callable[[], Any]) -> Any:
        @functools.wraps(function)
        def once() -> Any:
            with transaction() as session:
                if not _first_of_period(session, name, every_seconds):
                    raise Ignore
            return function()

        declared = job(name)(once)
        SCHEDULE[name] = every_seconds
        return declared

    return declare


def work_off(verb: Callable[[Session, int], int], size: int) -> None:
    """Call a verb, each time in a transaction of its own, until it says that there is no more
    (False), or did less than a batch.
    """
    more = True
    while more:
        with transaction() as session:
            done = verb(session, size)
        more = done is True or done == size


SCHEDULE: dict[str, int] = {}
"""Periodic jobs of the services loaded in this process: name -> seconds."""


def _first_of_period(session: Session, name: str, seconds: int) -> bool:
    period = text("floor(extract(epoch FROM app_now()) / :seconds)::bigint").bindparams(
        seconds=seconds
    )
    row = insert(JobRun).values(name=name, period=period).on_conflict_do_nothing()
    return (
        session.scalar(row.returning(JobRun.name)) is not None
    )  # the ORM's INSERTs know no row count

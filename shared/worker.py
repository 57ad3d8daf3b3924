"""Celery for jobs: one service's own work, named `service.verb_noun`, arguments are ids, the truth is a row.

Losing a job message loses nothing: beat sweeps due rows. Facts do not travel here (see `shared.bus`).
The settings follow known Celery failures; each line says which.
"""

import functools
import importlib
from collections.abc import Callable, Iterable
from datetime import datetime
from time import perf_counter
from typing import Any

from celery import Celery, Task, shared_task
from celery.exceptions import Ignore
from celery.signals import setup_logging
from kombu import Exchange, Queue
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.bus import is_amqp
from shared.clock import app_now
from shared.db import Database, Plumbing, after_commit, transaction, using
from shared.logs import configure_logs, current_traceparent, get_logger, traced
from shared.metrics import JOBS
from shared.settings import Settings

KICK_SECONDS = 60  #: by then a sweep has done it; a worker that is down for days finds no heap of kicks

log = get_logger(__name__)

_databases: dict[str, Database] = {}
_kicker: Celery | None = None


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
        with using(_databases[service]), traced((self.request.headers or {}).get("traceparent")):
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
    """Call a verb, each time in a transaction of its own, until it says that there is no more (False), or did less
    than a batch.
    """
    more = True
    while more:
        with transaction() as session:
            done = verb(session, size)
        more = done is True or done == size


SCHEDULE: dict[str, int] = {}
"""Periodic jobs of the services loaded in this process: name -> seconds."""


def _first_of_period(session: Session, name: str, seconds: int) -> bool:
    period = text("floor(extract(epoch FROM app_now()) / :seconds)::bigint").bindparams(seconds=seconds)
    row = insert(JobRun).values(name=name, period=period).on_conflict_do_nothing()
    return session.scalar(row.returning(JobRun.name)) is not None  # the ORM's INSERTs know no row count


def make_celery(services: Iterable[str], settings: Settings) -> Celery:
    """The Celery app of one service, or of all four in compact mode."""
    services = tuple(services)
    app = Celery("wishtree", set_as_current=True)
    amqp = is_amqp(settings.broker_url)
    app.conf.update(
        broker_url=settings.broker_url,
        task_queues=[_task_queue(service, amqp) for service in services],
        task_default_queue=f"{services[0]}.tasks",
        task_routes=({f"{service}.*": {"queue": f"{service}.tasks"} for service in services},),
        task_create_missing_queues=False,
        task_acks_late=True,  # a kill must not lose the message (default acks before running)
        task_reject_on_worker_lost=True,  # else acks_late still acks a killed child's message
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_time_limit=300,  # far below RabbitMQ's 30-minute acknowledgement limit
        task_soft_time_limit=240,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,  # its queues are of a kind that RabbitMQ 4 is giving up
        worker_cancel_long_running_tasks_on_connection_loss=True,  # else it runs here and, redelivered, elsewhere
        worker_soft_shutdown_timeout=20,
        worker_hijack_root_logger=False,
        broker_heartbeat=15 if amqp else None,  # the default notices a hung broker after minutes
        broker_connection_timeout=3,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # the default gives up after 100
        broker_pool_acquire_timeout=5,
        broker_transport_options=(
            {"confirm_publish": True, "confirm_timeout": 5} if amqp else {"visibility_timeout": 600}
        ),
        beat_schedule={name: {"task": name, "schedule": seconds, "options": {"expires": seconds * 2}}
                       for name, seconds in _load(services).items()},
        beat_max_loop_interval=1,
        timezone="UTC",
    )  # fmt: skip
    _databases.update({service: Database(service, settings) for service in services})
    return app


def _load(services: Iterable[str]) -> dict[str, int]:
    """Import the task lists; returns their periodic jobs."""
    for service in services:
        importlib.import_module(f"services.{service}.tasks")
    return {name: seconds for name, seconds in SCHEDULE.items() if name.partition(".")[0] in services}


def _task_queue(service: str, amqp: bool) -> Queue:
    # A topic exchange, because Celery holds countdowns of direct exchanges in worker memory on quorum queues.
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20} if amqp else None
    exchange = Exchange("wishtree.tasks", type="topic" if amqp else "direct")
    return Queue(f"{service}.tasks", exchange, routing_key=f"{service}.tasks", queue_arguments=arguments)


@setup_logging.connect
def _keep_our_logs(loglevel: str | int = "INFO", **_: Any) -> None:
    configure_logs("INFO" if isinstance(loglevel, int) else loglevel)


def kicks_through(app: Celery) -> None:
    """Let `kick` send through this app: bus and worker processes call it, APIs never do."""
    global _kicker  # noqa: PLW0603 - one per process
    _kicker = app


def kick(session: Session, name: str, *args: Any) -> None:
    """After the commit, have a job run at once instead of at the next sweep. If that fails, the sweep does it.

    HTTP handlers never publish: in an API process this does nothing.
    """
    if _kicker is not None:
        key = f"kicked:{name}:{args}"
        if key not in session.info:  # one kick per transaction, however many rows became due
            session.info[key] = True
            after_commit(session, functools.partial(_send, _kicker, name, args, current_traceparent()))


def _send(app: Celery, name: str, args: tuple[Any, ...], traceparent: str | None) -> None:
    try:
        app.send_task(name, args, headers={"traceparent": traceparent}, retry=False, expires=KICK_SECONDS)
    except Exception as error:  # the row is the truth, the sweep repairs
        log.warning("kick failed, the sweep will do it", job=name, error=type(error).__name__)

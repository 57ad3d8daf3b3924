"""The state of the whole installation, read from the databases: no process of ours is asked.

Each service is looked at in a thread of its own, so that one database that is away costs the others
nothing.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from console.options import ADD_DATA
from console.product import product_version
from console.services import definitions_of, operator_transaction
from shared import SERVICES
from shared.core.settings import SettingMissing, Settings, SettingsError
from shared.service.condition import LATE_SECONDS, Condition, State, condition_of
from shared.service.definition import ServiceDefinition
from shared.service.migrate import is_migrated

ANSWER_SECONDS = 2.0
"""A database that takes longer is away. With the start of the command it is less than 5 s."""

Broker = Literal["reached", "away", "unknown"]
BROKER: dict[bool | None, Broker] = {True: "reached", False: "away", None: "unknown"}
EXIT_CODES: dict[State, int] = {"ready": 0, "degraded": 1, "down": 2}


class Reason(BaseModel):
    """Why a service is not ready."""

    code: str
    service: str
    loop: str | None = None
    process: str | None = None
    seconds: float | None = None
    text: str


class LoopStatus(BaseModel):
    """One loop of one process."""

    loop: str
    process: str
    status: Literal["turning", "silent"]
    silent_seconds: float
    waiting: int | None
    oldest_seconds: float | None
    trouble: str | None


class LateJob(BaseModel):
    """A periodic job that did not run when it should have."""

    name: str
    seconds: float


class ServiceStatus(BaseModel):
    """One service."""

    service: str
    status: State
    database: Literal["answers", "away"]
    broker: Broker = "unknown"  #: as its bus sees it
    migrations: Literal["current", "behind", "unknown"] = "unknown"
    outbox_waiting: int | None = None
    outbox_oldest_seconds: float | None = None
    attempts_waiting: int | None = None
    attempts_oldest_seconds: float | None = None
    dead_letters: int | None = None
    late_jobs: list[LateJob] = []
    loops: list[LoopStatus] = []
    reasons: list[Reason]


class Status(BaseModel):
    """All services."""

    status: State
    version: str
    looked_at: datetime
    services: list[ServiceStatus]

    @property
    def reasons(self) -> Iterator[Reason]:
        return (reason for one in self.services for reason in one.reasons)


def installation_status() -> Status:
    """Look at all services at the same time, for two seconds at most."""
    found: dict[str, ServiceStatus] = {}
    # All are imported before the time begins, so that their periodic jobs are known.
    threads = [_Look(definition, found) for definition in definitions_of(SERVICES)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    services = [found.get(service) or _away(service) for service in SERVICES]
    states = {one.status for one in services}
    worst: State = next(state for state in reversed(EXIT_CODES) if state in states)
    return Status(
        status=worst, version=product_version(), looked_at=datetime.now(UTC), services=services
    )


class _Look(threading.Thread):
    """Looks at one service. The command does not wait for it to end."""

    def __init__(self, definition: ServiceDefinition, found: dict[str, ServiceStatus]) -> None:
        super().__init__(name=f"status.{definition.name}", daemon=True)
        self._definition, self._found = definition, found

    def run(self) -> None:
        self._found[self._definition.name] = _status_of(self._definition)


def _status_of(definition: ServiceDefinition) -> ServiceStatus:
    service = definition.name
    try:
        with operator_transaction(service) as session:
            return _read(session, definition)
    except SettingMissing as error:
        return _away(service, f"{error} {ADD_DATA}")
    except SettingsError as error:
        return _away(service, str(error))
    except SQLAlchemyError:
        return _away(service)


def _read(session: Session, definition: ServiceDefinition) -> ServiceStatus:
    service = definition.name
    if not is_migrated(session, definition):
        text = f"The tables of {service} are not those of this version: run `wishtree migrate`."
        behind = Reason(code="migrations_behind", service=service, text=text)
        return ServiceStatus(
            service=service,
            status="degraded",
            database="answers",
            migrations="behind",
            reasons=[behind],
        )
    silent_seconds = Settings.read().loop_silent_seconds
    return _shape(condition_of(session, service, silent_seconds))


def _shape(found: Condition) -> ServiceStatus:
    return ServiceStatus(
        service=found.service,
        status=found.status,
        database="answers",
        broker=BROKER[found.reaches_broker],
        migrations="current",
        outbox_waiting=found.outbox.waiting,
        outbox_oldest_seconds=found.outbox.oldest_seconds,
        attempts_waiting=found.attempts.waiting,
        attempts_oldest_seconds=found.attempts.oldest_seconds,
        dead_letters=found.dead_letters,
        late_jobs=[LateJob(name=job.name, seconds=job.seconds) for job in found.late_jobs],
        loops=[
            LoopStatus(
                loop=one.loop,
                process=one.process,
                status=one.status,
                silent_seconds=one.silent_seconds,
                waiting=one.work.waiting,
                oldest_seconds=one.work.oldest_seconds,
                trouble=one.trouble,
            )
            for one in found.loops
        ],
        reasons=[
            Reason(
                code=one.code,
                service=one.service,
                loop=one.loop,
                process=one.process,
                seconds=one.seconds,
                text=one.text("en"),
            )
            for one in found.reasons
        ],
    )


def _away(service: str, text: str | None = None) -> ServiceStatus:
    reason = Reason(
        code="database_away",
        service=service,
        text=text or f"The database of {service} does not answer.",
    )
    return ServiceStatus(service=service, status="down", database="away", reasons=[reason])


SERVICE_COLUMNS = (
    *("service", "state", "database", "broker", "migrations"),
    *("outbox", "oldest", "attempts", "due for", "dead letters"),
)
LOOP_COLUMNS = ("service", "loop", "process", "state", "last turn", "waiting", "oldest")


def status_lines(status: Status) -> Iterator[str]:
    """The state as text: what is wrong first, then a table of services and one of loops."""
    yield f"Wishtree {status.version} at {status.looked_at:%Y-%m-%d %H:%M:%S} UTC: {status.status}"
    for reason in status.reasons:
        yield f"- {reason.text}"
    for job in (job for one in status.services for job in one.late_jobs):
        if job.seconds > LATE_SECONDS:
            yield f"- {job.name} is late by {job.seconds:.0f} s."
    yield ""
    yield from table(SERVICE_COLUMNS, [_service_row(one) for one in status.services])
    yield ""
    rows = [_loop_row(one.service, loop) for one in status.services for loop in one.loops]
    yield from table(LOOP_COLUMNS, rows)


def _service_row(one: ServiceStatus) -> tuple[str, ...]:
    return (
        *(one.service, one.status, one.database, one.broker, one.migrations),
        *(_number(one.outbox_waiting), _seconds(one.outbox_oldest_seconds)),
        *(_number(one.attempts_waiting), _seconds(one.attempts_oldest_seconds)),
        _number(one.dead_letters),
    )


def _loop_row(service: str, loop: LoopStatus) -> tuple[str, ...]:
    return (
        *(service, loop.loop, loop.process, loop.trouble or loop.status),
        *(f"{loop.silent_seconds:.0f} s ago", _number(loop.waiting)),
        _seconds(loop.oldest_seconds),
    )


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Aligned columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()

"""Liveness, readiness and metrics of a service. Its tables are read, never the broker."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NotRequired, TypedDict
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.auth.access import allow
from shared.core.clock import app_now
from shared.core.language import translate
from shared.core.metrics import ATTEMPTS, DEAD_LETTERS, OUTBOX_AGE, OUTBOX_ROWS
from shared.core.problems import Problem
from shared.db.engine import allow_time, transaction
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.epoch import current_epoch
from shared.messaging.outbox import OutboxRow

BEHIND_SECONDS = 10
MOST_COUNTED = 10_000
PROBE_SECONDS = 2  #: who asks does not wait for long


@dataclass(frozen=True, slots=True)
class Backlog:
    """Outbox rows that wait for the broker."""

    rows: int  #: counted up to 10,000
    oldest_seconds: float


class Readiness(TypedDict):
    """The answer of a readiness probe."""

    service: str
    status: str  #: ready, degraded, down
    reason: NotRequired[str]  #: why it is down
    outbox_waiting: NotRequired[int]
    outbox_oldest_seconds: NotRequired[float]


def readiness(service: str) -> Readiness:
    """Tell whether the service can serve requests.

    `ready`; `degraded` while events wait for the broker (requests are still served); `down`
    without a database, or while a restore is not finished.
    """
    try:
        with transaction() as session:
            allow_time(session, PROBE_SECONDS)
            epoch, waiting = current_epoch(session), backlog(session)
    except SQLAlchemyError:
        return {"service": service, "status": "down", "reason": "the database does not answer"}
    if epoch is None:
        return {"service": service, "status": "down", "reason": "a restore was not finished"}
    behind = waiting.oldest_seconds > BEHIND_SECONDS
    return {
        "service": service,
        "status": "degraded" if behind else "ready",
        "outbox_waiting": waiting.rows,
        "outbox_oldest_seconds": round(waiting.oldest_seconds, 1),
    }


def backlog(session: Session) -> Backlog:
    """Count the outbox rows that wait for the broker."""
    unpublished = select(OutboxRow.created_at).where(OutboxRow.published_at.is_(None))
    waiting = unpublished.limit(MOST_COUNTED).subquery()
    age = func.extract("epoch", app_now() - func.min(waiting.c.created_at))
    rows, oldest = session.execute(select(func.count(), age).select_from(waiting)).one()
    return Backlog(rows, float(oldest or 0))


def measure(service: str) -> None:
    """Bring the gauges up to date, for a scrape."""
    dead = DeadLetter.replayed_at.is_(None)
    try:
        with transaction() as session:
            allow_time(session, PROBE_SECONDS)
            waiting = backlog(session)
            ATTEMPTS.labels(service).set(_count(session, select(Attempt.event_id)))
            DEAD_LETTERS.labels(service).set(_count(session, select(DeadLetter.id).where(dead)))
    except SQLAlchemyError:
        return  # the scrape still shows the rest
    OUTBOX_ROWS.labels(service).set(waiting.rows)
    OUTBOX_AGE.labels(service).set(waiting.oldest_seconds)


def _count(session: Session, rows: Select[UUID]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def probes_blueprint(service: str) -> APIBlueprint:
    """Serve probes, metrics for Prometheus, and the titles of problems."""
    bp = APIBlueprint("operations", __name__, enable_openapi=False)

    @bp.get("/healthz")
    @allow(public=True)
    def healthz() -> Response:
        # Without the database: a restart of this process would not bring it back.
        return jsonify(status="ok")

    @bp.get(f"/{service}/readyz")
    @allow(public=True)
    def readyz() -> tuple[Response, int]:
        state = readiness(service)
        return jsonify(state), 503 if state["status"] == "down" else 200

    @bp.get(f"/{service}/metrics")
    @allow(public=True)
    def metrics() -> Response:
        measure(service)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    @bp.get("/problems/<slug>")
    @allow(public=True)
    def problem(slug: str) -> Response:
        type_ = f"/problems/{slug}"
        return jsonify(type=type_, title=translate(_title_of(type_)))

    return bp


def _title_of(type_: str) -> str:
    titles = {cls.slug(): cls.title() for cls in _all_problems(Problem)}
    return titles.get(type_, "No such problem.")


def _all_problems(cls: type[Problem]) -> Iterable[type[Problem]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _all_problems(sub)

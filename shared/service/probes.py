"""Liveness, readiness and metrics of a service, read from its own tables, so an API never asks the
broker.
"""

from collections.abc import Iterable
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.auth.access import allow
from shared.core.clock import app_now
from shared.core.language import translate
from shared.core.metrics import ATTEMPTS, DEAD_LETTERS, OUTBOX_AGE, OUTBOX_ROWS
from shared.core.problems import Problem
from shared.db.engine import transaction
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.outbox import OutboxRow

BEHIND_SECONDS = 10


def readiness(service: str) -> dict[str, Any]:
    """`ready`; `degraded` while facts wait for the broker (requests are still served); `down`
    without a database.
    """
    try:
        with transaction() as session:
            waiting, age = backlog(session)
    except SQLAlchemyError:
        return {"service": service, "status": "down", "reason": "the database does not answer"}
    status = "degraded" if age > BEHIND_SECONDS else "ready"
    return {
        "service": service,
        "status": status,
        "outbox_waiting": waiting,
        "outbox_oldest_seconds": round(age, 1),
    }


def backlog(session: Session) -> tuple[int, float]:
    """How many outbox rows wait for the broker (counted up to 10,000), and the age of the oldest in
    seconds.
    """
    waiting = (
        select(OutboxRow.created_at)
        .where(OutboxRow.published_at.is_(None))
        .limit(10_000)
        .subquery()
    )
    row = session.execute(
        select(
            func.count(), func.extract("epoch", app_now() - func.min(waiting.c.created_at))
        ).select_from(waiting)
    ).one()
    return row[0], float(row[1] or 0)


def measure(service: str) -> None:
    """Bring the gauges up to date; called by a scrape."""
    try:
        with transaction() as session:
            waiting, age = backlog(session)
            OUTBOX_ROWS.labels(service).set(waiting)
            OUTBOX_AGE.labels(service).set(age)
            ATTEMPTS.labels(service).set(
                session.scalar(select(func.count()).select_from(Attempt)) or 0
            )
            dead = (
                select(func.count()).select_from(DeadLetter).where(DeadLetter.replayed_at.is_(None))
            )
            DEAD_LETTERS.labels(service).set(session.scalar(dead) or 0)
    except SQLAlchemyError:
        return  # the scrape still shows the rest


def probes_blueprint(service: str) -> APIBlueprint:
    """Liveness never touches the database; readiness does. Both are for probes, metrics for
    Prometheus.
    """
    bp = APIBlueprint("operations", __name__, enable_openapi=False)

    @bp.get("/healthz")
    @allow(public=True)
    def healthz() -> Response:
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
        titles = {cls.slug(): cls.title() for cls in _all_problems(Problem)}
        title = titles.get(f"/problems/{slug}", "No such problem.")
        return jsonify(type=f"/problems/{slug}", title=translate(title))

    return bp


def _all_problems(cls: type[Problem]) -> Iterable[type[Problem]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _all_problems(sub)

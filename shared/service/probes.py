"""Liveness, readiness and metrics of a service. Its tables are read, never the broker."""

from collections.abc import Iterable, Sequence
from typing import NotRequired, TypedDict

from apiflask import APIBlueprint
from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from shared.auth.access import allow
from shared.core.language import translate
from shared.core.metrics import (
    ATTEMPTS,
    BROKER_UP,
    DATABASE_UP,
    DEAD_LETTERS,
    JOBS_LATE,
    LOOP_OLDEST,
    LOOP_SILENT,
    OUTBOX_AGE,
    OUTBOX_ROWS,
)
from shared.core.problems import Problem
from shared.db.engine import allow_time_in_all, current_database, transaction
from shared.messaging.turns import LoopKind
from shared.service import audit_runs
from shared.service.condition import (
    Code,
    Condition,
    LastSeen,
    LoopState,
    Reason,
    condition_of,
)

PROBE_SECONDS = 2  #: for all statements of a look: who asks does not wait for long


class ReasonShape(TypedDict):
    """Why a service is not ready."""

    code: str  #: one of a closed set, for programs
    service: str
    loop: str | None
    process: str | None
    seconds: float | None
    text: str  #: a sentence for people, in the language of the request


class LoopShape(TypedDict):
    """One loop of one process."""

    loop: str
    process: str
    status: str  #: turning, silent
    silent_seconds: float
    waiting: int | None
    oldest_seconds: float | None
    trouble: str | None  #: what keeps a loop that turns from its work


class Readiness(TypedDict):
    """The answer of a readiness probe."""

    service: str
    status: str  #: ready, degraded, down
    reason: NotRequired[str]  #: the first of the reasons, as a sentence
    reasons: list[ReasonShape]
    loops: list[LoopShape]
    outbox_waiting: NotRequired[int | None]
    outbox_oldest_seconds: NotRequired[float]


class Probe:
    """Looks at one service for readiness and metrics."""

    def __init__(self, service: str) -> None:
        self._service, self._last_seen = service, LastSeen()

    def readiness(self) -> Readiness:
        """Tell whether the service can serve requests.

        `ready`; `degraded` while something behind it does not work, so that what it accepts has its
        effect late (requests are still served); `down` without a database, or while a restore is
        not finished.
        """
        try:
            condition = self._condition()
        except SQLAlchemyError:
            away = Reason(Code.DATABASE_AWAY, self._service)
            return _readiness(self._service, "down", [away])
        answer = _readiness(self._service, condition.status, condition.reasons)
        answer["loops"] = [_loop_shape(one) for one in condition.loops]
        answer["outbox_waiting"] = condition.outbox.waiting
        answer["outbox_oldest_seconds"] = round(condition.outbox.oldest_seconds or 0, 1)
        return answer

    def measure(self) -> None:
        """Bring the gauges up to date, for a scrape."""
        service = self._service
        try:
            condition = self._condition()
            with transaction() as session:
                allow_time_in_all(session, PROBE_SECONDS)
                audit_runs.measure(session, service)
        except SQLAlchemyError:
            DATABASE_UP.labels(service).set(0)
            return  # the scrape still shows the rest
        DATABASE_UP.labels(service).set(1)
        if (reaches := condition.reaches_broker) is not None:
            BROKER_UP.labels(service).set(reaches)
        ATTEMPTS.labels(service).set(condition.attempts.waiting or 0)
        DEAD_LETTERS.labels(service).set(condition.dead_letters)
        OUTBOX_ROWS.labels(service).set(condition.outbox.waiting or 0)
        OUTBOX_AGE.labels(service).set(condition.outbox.oldest_seconds or 0)
        JOBS_LATE.labels(service).set(max((j.seconds for j in condition.late_jobs), default=0))
        for kind in LoopKind:
            self._measure_loop(condition, kind)

    def _measure_loop(self, condition: Condition, kind: LoopKind) -> None:
        silent = condition.silent_seconds(kind)
        if silent is None:
            silent = self._last_seen.missing_seconds(kind)
        turning = [one for one in condition.loops if one.loop == kind and one.turns]
        oldest = [one.work.oldest_seconds or 0 for one in turning]
        LOOP_SILENT.labels(self._service, kind).set(silent)
        LOOP_OLDEST.labels(self._service, kind).set(max(oldest, default=0))

    def _condition(self) -> Condition:
        silent_seconds = current_database().settings.loop_silent_seconds
        with transaction() as session:
            allow_time_in_all(session, PROBE_SECONDS)
            return condition_of(session, self._service, silent_seconds, self._last_seen)


def _readiness(service: str, status: str, reasons: Sequence[Reason]) -> Readiness:
    answer: Readiness = {
        "service": service,
        "status": status,
        "reasons": [_reason_shape(reason) for reason in reasons],
        "loops": [],
    }
    if reasons:
        answer["reason"] = reasons[0].text()
    return answer


def _reason_shape(reason: Reason) -> ReasonShape:
    return {
        "code": reason.code,
        "service": reason.service,
        "loop": reason.loop,
        "process": reason.process,
        "seconds": None if reason.seconds is None else round(reason.seconds, 1),
        "text": reason.text(),
    }


def _loop_shape(one: LoopState) -> LoopShape:
    oldest = one.work.oldest_seconds
    return {
        "loop": one.loop,
        "process": one.process,
        "status": one.status,
        "silent_seconds": round(one.silent_seconds, 1),
        "waiting": one.work.waiting,
        "oldest_seconds": None if oldest is None else round(oldest, 1),
        "trouble": one.trouble,
    }


def probes_blueprint(service: str) -> APIBlueprint:
    """Serve probes, metrics for Prometheus, and the titles of problems."""
    bp = APIBlueprint("operations", __name__, enable_openapi=False)
    probe = Probe(service)

    @bp.get("/healthz")
    @allow(public=True)
    def healthz() -> Response:
        # Without the database: a restart of this process would not bring it back.
        return jsonify(status="ok")

    @bp.get(f"/{service}/readyz")
    @allow(public=True)
    def readyz() -> tuple[Response, int]:
        state = probe.readiness()
        return jsonify(state), 503 if state["status"] == "down" else 200

    @bp.get(f"/{service}/metrics")
    @allow(public=True)
    def metrics() -> Response:
        probe.measure()
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

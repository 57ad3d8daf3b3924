"""The condition of a service as its tables show it: which loops turn, what waits, what is wrong.

Readiness, metrics and `wishtree status` read it, so that none of them asks a bus, a worker or beat.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.core.language import translate
from shared.jobs.late import LateJob, late_jobs
from shared.messaging.attempts import DeadLetter
from shared.messaging.backlog import MOST_COUNTED, waiting_attempts, waiting_events
from shared.messaging.epoch import current_epoch
from shared.messaging.turns import LoopKind, LoopTurn, Trouble, Work, silence

BEHIND_SECONDS = 10
"""An event may wait so long for the broker."""
LATE_SECONDS = 60
"""Other work may wait so long: messages in the queue, attempts that are due, jobs."""
MISSING_AFTER = 2
"""Times the silence: so long a service may be without a loop while it starts or is restarted."""


State = Literal["ready", "degraded", "down"]


class Code(StrEnum):
    """Why a service is not ready, for programs. Codes are never renamed."""

    LOOP_SILENT = "loop_silent"
    LOOP_MISSING = "loop_missing"
    BROKER_AWAY = "broker_away"
    DATABASE_AWAY = "database_away"
    QUEUE_UNTOUCHED = "queue_untouched"
    OUTBOX_BEHIND = "outbox_behind"
    ATTEMPTS_LATE = "attempts_late"
    JOBS_LATE = "jobs_late"
    RESTORE_UNFINISHED = "restore_unfinished"


TEXTS = {
    Code.LOOP_SILENT: "The %(loop)s of %(service)s on %(process)s"
    " has not turned for %(seconds)s s.",
    Code.LOOP_MISSING: "No %(loop)s of %(service)s runs.",
    Code.BROKER_AWAY: "The %(loop)s of %(service)s on %(process)s does not reach the broker.",
    Code.DATABASE_AWAY: "The database of %(service)s does not answer.",
    Code.QUEUE_UNTOUCHED: "The %(loop)s of %(service)s on %(process)s"
    " has taken nothing for %(seconds)s s, though messages wait in its queue.",
    Code.OUTBOX_BEHIND: "The oldest event of %(service)s"
    " has waited for the broker for %(seconds)s s.",
    Code.ATTEMPTS_LATE: "Another attempt at an event of %(service)s"
    " has been due for %(seconds)s s.",
    Code.JOBS_LATE: "Jobs of %(service)s are late by %(seconds)s s, though beat ticks:"
    " the %(loop)s on %(process)s does not get them or does not end them.",
    Code.RESTORE_UNFINISHED: "A restore of %(service)s was not finished: repeat it.",
}
TO_BROKER = (LoopKind.RELAY, LoopKind.CONSUME)
WAIT_FOR_BROKER = (LoopKind.WORKER, LoopKind.BEAT)
"""Celery's loops stop turning while they wait for the broker."""
LOOP_NAMES = {
    LoopKind.RELAY: "relay",
    LoopKind.CONSUME: "consumer",
    LoopKind.ATTEMPTS: "loop of attempts",
    LoopKind.CATCH_UP: "catch-up",
    LoopKind.WORKER: "worker",
    LoopKind.BEAT: "beat",
}


@dataclass(frozen=True, slots=True)
class LoopState:
    """One loop of one process, as it was seen last."""

    loop: LoopKind
    process: str
    turns: bool
    silent_seconds: float
    work: Work
    trouble: str | None

    @property
    def status(self) -> Literal["turning", "silent"]:
        return "turning" if self.turns else "silent"


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that is not as it should be, and where."""

    code: Code
    service: str
    loop: LoopKind | None = None
    process: str | None = None
    seconds: float | None = None

    def text(self, language: str | None = None) -> str:
        """A sentence for people, in this language or in that of the request."""
        loop = translate(LOOP_NAMES[self.loop], language) if self.loop else ""
        return translate(TEXTS[self.code], language) % {
            "loop": loop,
            "service": self.service,
            "process": self.process,
            "seconds": round(self.seconds or 0),
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """All that is known of a service."""

    service: str
    loops: Sequence[LoopState]
    outbox: Work
    attempts: Work
    dead_letters: int
    late_jobs: Sequence[LateJob]
    reasons: Sequence[Reason]

    @property
    def status(self) -> State:
        """Whether the service can serve requests."""
        if any(reason.code is Code.RESTORE_UNFINISHED for reason in self.reasons):
            return "down"
        return "degraded" if self.reasons else "ready"

    def silent_seconds(self, kind: LoopKind) -> float | None:
        """How long no process has turned this loop; None if there is none to turn it."""
        return min((one.silent_seconds for one in self.loops if one.loop == kind), default=None)

    @property
    def reaches_broker(self) -> bool | None:
        """Whether a relay or consumer is connected; None if none turns that would know."""
        return _reaches_broker(self.loops)


@dataclass(slots=True)
class LastSeen:
    """Since when each loop is missing, as far as this process knows.

    A loop is missing from the start of this process, or from when this process last saw its row.
    """

    _seen: dict[LoopKind, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def note(self, loops: Iterable[LoopState]) -> None:
        self._seen.update({one.loop: time.monotonic() for one in loops})

    def missing_seconds(self, kind: LoopKind) -> float:
        return time.monotonic() - self._seen.get(kind, self._began)


def condition_of(
    session: Session, service: str, silent_seconds: float, last_seen: LastSeen | None = None
) -> Condition:
    """Look at a service's tables.

    A loop is silent after `silent_seconds` without a turn. A missing one is given some time if
    `last_seen` knows since when; else it is missing at once.
    """
    loops = _loops(session, silent_seconds)
    grace = silent_seconds * MISSING_AFTER if last_seen is not None else 0
    if last_seen is not None:
        last_seen.note(loops)
    outbox, attempts = waiting_events(session), waiting_attempts(session)
    late = late_jobs(session, service)
    unfinished = current_epoch(session) is None
    reasons = [
        Reason(Code.RESTORE_UNFINISHED, service) if unfinished else None,
        *(_loop_reason(service, kind, loops, last_seen, grace) for kind in LoopKind),
        _reason_if_late(Code.OUTBOX_BEHIND, service, outbox.oldest_seconds, BEHIND_SECONDS),
        _reason_if_late(Code.ATTEMPTS_LATE, service, attempts.oldest_seconds, LATE_SECONDS),
        _late_jobs_reason(service, loops, late),
    ]
    found = [reason for reason in reasons if reason is not None]
    return Condition(service, loops, outbox, attempts, _dead_letters(session), late, found)


def _loops(session: Session, silent_seconds: float) -> list[LoopState]:
    known = LoopTurn.loop.in_(list(LoopKind))  # a newer version may write others
    turns = select(LoopTurn, silence()).where(known)
    rows = session.execute(turns.order_by(LoopTurn.loop, LoopTurn.process))
    return [
        LoopState(
            LoopKind(row.loop),
            row.process,
            float(silent) < silent_seconds,
            max(float(silent), 0),
            Work(row.waiting, row.oldest_seconds),
            row.trouble,
        )
        for row, silent in rows
    ]


def _reaches_broker(loops: Iterable[LoopState]) -> bool | None:
    known = [one for one in loops if one.turns and one.loop in TO_BROKER]
    return any(one.trouble != Trouble.BROKER_AWAY for one in known) if known else None


def _loop_reason(
    service: str,
    kind: LoopKind,
    loops: Sequence[LoopState],
    last_seen: LastSeen | None,
    grace: float,
) -> Reason | None:
    """What is wrong with the loops of one kind. One that turns and works is enough."""
    ours = sorted((one for one in loops if one.loop == kind), key=lambda one: one.silent_seconds)
    if not ours:
        missing = last_seen.missing_seconds(kind) if last_seen is not None else None
        gone = missing is None or missing > grace
        return Reason(Code.LOOP_MISSING, service, kind, None, missing) if gone else None
    without_broker = _reaches_broker(loops) is False
    wrong = [_wrong_with(service, one, without_broker) for one in ours]
    return None if None in wrong else wrong[0]


def _wrong_with(service: str, one: LoopState, without_broker: bool) -> Reason | None:
    if not one.turns and without_broker and one.loop in WAIT_FOR_BROKER:
        return Reason(Code.BROKER_AWAY, service, one.loop, one.process)
    if not one.turns:
        return Reason(Code.LOOP_SILENT, service, one.loop, one.process, one.silent_seconds)
    if one.trouble in list(Trouble):
        return Reason(Code(one.trouble), service, one.loop, one.process)
    waited = one.work.oldest_seconds or 0
    if one.loop is LoopKind.CONSUME and waited > LATE_SECONDS:
        return Reason(Code.QUEUE_UNTOUCHED, service, one.loop, one.process, waited)
    return None


def _reason_if_late(code: Code, service: str, seconds: float | None, most: float) -> Reason | None:
    return Reason(code, service, seconds=seconds) if (seconds or 0) > most else None


def _late_jobs_reason(
    service: str, loops: Sequence[LoopState], late: Sequence[LateJob]
) -> Reason | None:
    """Name a worker only while beat and workers turn: else that is what is wrong."""
    turning = {one.loop: one for one in loops if one.turns}
    worker = turning.get(LoopKind.WORKER)
    if not late or late[0].seconds <= LATE_SECONDS or worker is None:
        return None
    if LoopKind.BEAT not in turning:
        return None
    return Reason(Code.JOBS_LATE, service, worker.loop, worker.process, late[0].seconds)


def _dead_letters(session: Session) -> int:
    dead = select(DeadLetter.id).where(DeadLetter.replayed_at.is_(None)).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(dead.subquery())) or 0

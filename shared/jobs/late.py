"""Periodic jobs that did not run when they should have: beat, broker or workers are away.

What runs every ten minutes may have 20 minutes between two runs, since a job runs once in each
interval of the clock, wherever in it. So a job is late after twice its interval.
"""

from dataclasses import dataclass

from sqlalchemy import column, func, select, true, values
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Text

from shared.core.clock import app_now
from shared.jobs.periodic import PROBE_EVERY_SECONDS, SCHEDULE, JobRun, probe_of
from shared.messaging.turns import LoopKind, LoopTurn, database_now


@dataclass(frozen=True, slots=True)
class LateJob:
    """A periodic job, and how long it has been late."""

    name: str
    seconds: float


def most_late(session: Session, service: str) -> float:
    """How late the most overdue periodic job of a service is, in seconds; 0 if none is."""
    return max((job.seconds for job in late_jobs(session, service)), default=0.0)


def late_jobs(session: Session, service: str) -> list[LateJob]:
    """The periodic jobs of a service that are late, the most overdue first.

    A job that never ran counts from the start of beat; without beat it cannot be late.
    """
    expected = values(column("name", Text), column("every", BigInteger), name="expected").data(
        list(jobs_of(service).items())
    )
    last = (
        select(JobRun.started_at)
        .where(JobRun.name == expected.c.name)
        .order_by(JobRun.period.desc())
        .limit(1)
        .lateral()
    )
    beat = select(func.max(LoopTurn.started_at)).where(LoopTurn.loop == LoopKind.BEAT)
    since_beat = func.extract("epoch", database_now() - beat.scalar_subquery())
    age = func.extract("epoch", app_now() - last.c.started_at)
    late = func.least(age, since_beat) - 2 * expected.c.every
    rows = session.execute(
        select(expected.c.name, late).select_from(expected.outerjoin(last, true()))
    ).all()
    found = [LateJob(name, float(seconds)) for name, seconds in rows if (seconds or 0) > 0]
    return sorted(found, key=lambda job: -job.seconds)


def jobs_of(service: str) -> dict[str, int]:
    """The periodic jobs of a service, and its probe: how often they run, in seconds."""
    own = {name: every for name, every in SCHEDULE.items() if name.startswith(f"{service}.")}
    return own | {probe_of(service): PROBE_EVERY_SECONDS}

"""The runs of a service's audit, and the differences that they found.

A difference keeps its row for as long as runs find it again; a run that finished without finding it
resolves it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core import clock
from shared.core.clock import app_now
from shared.core.ids import new_id, oldest_id_of
from shared.core.metrics import AUDIT_AGE, AUDIT_DIFFERENCES
from shared.db.types import Plumbing
from shared.service.audit import AuditResult
from shared.service.differences import Difference

EVERY = timedelta(hours=24)
AGAIN_AFTER = timedelta(hours=1)
"""A run that was interrupted is given up by then, and another begins."""
KEPT = timedelta(days=90)
CLOCK = "clock"


class AuditRun(Plumbing):
    """One run of this service's audit."""

    __tablename__ = "audit_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    requested_by: Mapped[str]
    """Role and id, `operator` or `clock`."""
    requested_at: Mapped[datetime] = mapped_column(server_default=app_now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    """None while it runs, and for ever if it was interrupted: then it resolved nothing."""
    compared: Mapped[int] = mapped_column(server_default="0")
    """Rows that were read, there and here."""
    found: Mapped[int] = mapped_column(server_default="0")
    in_flight: Mapped[int] = mapped_column(server_default="0")
    """Rows that differ because of events that are still on their way: no differences."""
    error: Mapped[str | None]
    """Why it could not finish."""

    __table_args__ = (
        Index("ix_audit_runs_requested", "id", postgresql_where=text("started_at IS NULL")),
    )


class AuditDifference(Plumbing):
    """One difference, for as long as it is there."""

    __tablename__ = "audit_differences"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("audit_runs.id"), index=True)
    """The newest run that found it."""
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    """The record, voucher, wish, event ... that differs."""
    here: Mapped[str]
    """What this service has; codes and numbers, nothing about people."""
    there: Mapped[str]
    """What the service has that owns it."""
    first_found_at: Mapped[datetime]
    found_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_audit_differences_open", "id", postgresql_where=text("resolved_at IS NULL")),
        Index(
            "ix_audit_differences_open_kind",
            "kind",
            "id",
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )


def request_run(session: Session, requested_by: str) -> AuditRun:
    """Ask for a run; the service's worker begins it within seconds.

    While one waits, asking again gives that one.
    """
    waiting = session.scalars(_WAITING).first()
    if waiting is not None:
        return waiting
    run = AuditRun(requested_by=requested_by)
    session.add(run)
    session.flush()
    session.refresh(run)
    return run


def begin_run(session: Session, requested_by: str) -> UUID:
    """Begin a run at once, for the operator's command."""
    run = AuditRun(requested_by=requested_by, started_at=app_now())
    session.add(run)
    session.flush()
    return run.id


def begin_due_run(session: Session) -> UUID | None:
    """Begin the run that was requested, or today's; None if none is due."""
    run = session.scalars(_WAITING.with_for_update(skip_locked=True)).first()
    if run is not None:
        run.started_at = app_now()  # type: ignore[assignment]
        return run.id
    recent = select(AuditRun.id).where(
        (AuditRun.finished_at > app_now() - EVERY) | (AuditRun.started_at > app_now() - AGAIN_AFTER)
    )
    return None if session.scalars(recent.limit(1)).first() else begin_run(session, CLOCK)


_WAITING = select(AuditRun).where(AuditRun.started_at.is_(None)).order_by(AuditRun.id).limit(1)


def finish_run(session: Session, run_id: UUID, result: AuditResult) -> None:
    """Note that a run is complete: what it did not find again is resolved."""
    run = session.get_one(AuditRun, run_id, with_for_update=True)
    run.finished_at = app_now()  # type: ignore[assignment]
    run.compared, run.found, run.in_flight = result.compared, result.found, result.in_flight
    session.execute(
        update(AuditDifference)
        .where(AuditDifference.resolved_at.is_(None), AuditDifference.found_at < run.started_at)
        .values(resolved_at=app_now())
        .execution_options(synchronize_session=False)
    )
    _forget_old(session)


def fail_run(session: Session, run_id: UUID, error: str) -> None:
    """Note why a run could not finish. It resolves nothing."""
    session.execute(update(AuditRun).where(AuditRun.id == run_id).values(error=error))


def keep_differences(session: Session, run_id: UUID, found: Sequence[Difference]) -> None:
    """Store differences of a run; those that were open keep the time they were first found."""
    row = insert(AuditDifference)
    new = row.excluded
    is_open = AuditDifference.resolved_at.is_(None)
    again = {
        "run_id": new.run_id,
        "here": new.here,
        "there": new.there,
        "found_at": new.found_at,
        "first_found_at": case((is_open, AuditDifference.first_found_at), else_=new.first_found_at),
        "resolved_at": None,
    }
    moment = session.scalars(select(app_now())).one()
    session.execute(
        row.on_conflict_do_update(index_elements=["kind", "subject_id"], set_=again),
        [_row(run_id, one, moment) for one in found],
    )


def _row(run_id: UUID, found: Difference, moment: datetime) -> Mapping[str, object]:
    return {
        "id": new_id(),
        "run_id": run_id,
        "kind": found.kind,
        "subject_id": found.id,
        "here": found.here,
        "there": found.there,
        "first_found_at": moment,
        "found_at": moment,
    }


def _forget_old(session: Session) -> None:
    """Delete runs, and differences that were resolved, after 90 days."""
    session.execute(delete(AuditDifference).where(AuditDifference.resolved_at < app_now() - KEPT))
    named = select(AuditDifference.run_id).where(AuditDifference.run_id == AuditRun.id).exists()
    too_old = AuditRun.id < oldest_id_of(clock.now() - KEPT)
    session.execute(
        delete(AuditRun).where(too_old, ~named).execution_options(synchronize_session=False)
    )


def newest_run(session: Session) -> AuditRun | None:
    """Return the run that was requested last."""
    return session.scalars(select(AuditRun).order_by(AuditRun.id.desc()).limit(1)).first()


def newest_finished(session: Session) -> AuditRun | None:
    """Return the newest run that finished."""
    finished = select(AuditRun).where(AuditRun.finished_at.is_not(None))
    return session.scalars(finished.order_by(AuditRun.id.desc()).limit(1)).first()


def open_by_kind(session: Session) -> dict[str, int]:
    """Count the open differences of each kind that has any."""
    counted = (
        select(AuditDifference.kind, func.count().label("open"))
        .where(AuditDifference.resolved_at.is_(None))
        .group_by(AuditDifference.kind)
        .order_by(AuditDifference.kind)
    )
    return {row.kind: row.open for row in session.execute(counted)}


def measure(session: Session, service: str) -> None:
    """Bring the gauges of the audit up to date, for a scrape."""
    counts = open_by_kind(session)
    for kind in _measured.setdefault(service, set()) | set(counts):
        AUDIT_DIFFERENCES.labels(service, kind).set(counts.get(kind, 0))
    _measured[service] |= set(counts)
    age = select(func.extract("epoch", app_now() - func.max(AuditRun.finished_at)))
    seconds = session.scalar(age)
    if seconds is not None:
        AUDIT_AGE.labels(service).set(float(seconds))


_measured: dict[str, set[str]] = {}
"""Kinds that this process has shown: they go back to 0."""

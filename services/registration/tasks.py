"""Celery entry points of registration: a few lines each, calling a verb."""

from uuid import UUID

from services.registration import attendance, audit, log_in, sign_ups
from shared.db.engine import transaction
from shared.jobs.periodic import periodic
from shared.service import auditing, housekeeping

housekeeping.declare("registration")
auditing.declare("registration", audit.CHECKS)


@periodic("registration.close_forgotten_check_outs", every_seconds=300)
def close_forgotten_check_outs() -> None:
    """Close attendances whose check-out was forgotten, in short transactions."""
    closed = 1
    while closed:
        with transaction() as session:
            closed = attendance.close_forgotten(session)


@periodic("registration.fill_free_seats", every_seconds=60)
def fill_free_seats() -> None:
    """Give free seats to those who can take them by now, one activity session a transaction."""
    done: UUID | None = UUID(int=0)
    while done is not None:
        with transaction() as session:
            done = sign_ups.fill_free_seats(session, after=done)


@periodic("registration.forget_expired_log_ins", every_seconds=600)
def forget_expired_log_ins() -> None:
    """Delete expired codes, messages and refresh tokens."""
    with transaction() as session:
        log_in.forget_expired_log_ins(session)

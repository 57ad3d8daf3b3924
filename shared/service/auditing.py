"""Run a service's audit and keep what it found: the daily job, and the operator's command."""

from collections.abc import Callable, Sequence
from uuid import UUID

import requests

from shared.core.logs import get_logger
from shared.db.contention import is_passing
from shared.db.engine import current_database, transaction
from shared.db.keyset import PAGE
from shared.jobs.periodic import periodic
from shared.messaging.attempts import in_one_line
from shared.service import audit_runs
from shared.service.arrivals import batches_of
from shared.service.audit import AuditResult, Check, audit
from shared.service.evidence import EvidenceReader, HttpReader

LOOK_EVERY = 30
"""Seconds after which a requested run begins, at the latest."""

log = get_logger(__name__)


def declare(service: str, checks: Sequence[Check]) -> Callable[[], None]:
    """Give a service the job that runs its audit: once a day, and soon after it is requested."""

    @periodic(f"{service}.audit", every_seconds=LOOK_EVERY)
    def run_due() -> None:
        with transaction() as session:
            run_id = audit_runs.begin_due_run(session)
        if run_id is not None:
            run_or_log(service, checks, run_id)

    return run_due  # type: ignore[no-any-return]


def run_or_log(service: str, checks: Sequence[Check], run_id: UUID) -> None:
    """Run it. When another service or the database is away, note that and leave it to later."""
    reader = HttpReader(service, current_database().settings)
    try:
        result = run(service, checks, reader, run_id)
        log.info("audit finished", service=service, compared=result.compared, found=result.found)
    except Exception as error:
        if not isinstance(error, requests.RequestException) and not is_passing(error):
            raise
        log.warning("audit put off", service=service, error=type(error).__name__)


def run(service: str, checks: Sequence[Check], reader: EvidenceReader, run_id: UUID) -> AuditResult:
    """Compare, and keep what was found. An interrupted run resolves nothing and harms nothing."""
    try:
        result = audit(service, current_database().settings, reader, checks)
    except Exception as error:
        with transaction() as session:
            audit_runs.fail_run(session, run_id, in_one_line(error))
        raise
    for batch in batches_of(result.differences, PAGE):
        with transaction() as session:
            audit_runs.keep_differences(session, run_id, batch)
    with transaction() as session:
        audit_runs.finish_run(session, run_id, result)
    return result

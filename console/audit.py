"""The operator's audit across services: run it now, print what differs, repair what is safe."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from time import monotonic

import click
import requests

from console.services import definition_of
from console.unanswered import why_unanswered
from shared.core.settings import Settings
from shared.db.engine import transaction, using
from shared.db.limits import JOBS
from shared.service import audit_runs, auditing
from shared.service.audit import AuditResult
from shared.service.definition import ServiceDefinition
from shared.service.differences import COMMON_KINDS, Difference
from shared.service.evidence import HttpReader
from shared.service.repair import hand_over_again

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit of one service, and how long it took."""

    definition: ServiceDefinition
    result: AuditResult
    seconds: float

    def lines(self) -> Iterable[str]:
        """A line for each difference, and for each kind what to do."""
        service = self.definition.name
        for one in self.result.differences:
            yield f"{service:12} {one.kind:24} {one.id}  here: {one.here}  there: {one.there}"
        found = {one.kind for one in self.result.differences}
        for kind in (*COMMON_KINDS, *self.definition.kinds):
            if kind.name in found:
                yield f"{service:12} {kind.name}: {kind.title} {kind.repair}"

    def summary(self) -> str:
        result = self.result
        return (
            f"{result.service:12} {result.compared:>10,} {result.found:>11,}"
            f" {result.in_flight:>9,} {self.seconds:>7.1f} s"
        )

    def as_json(self) -> dict[str, object]:
        """What `--json` prints of it."""
        result = self.result
        return {
            "service": result.service,
            "compared": result.compared,
            "found": result.found,
            "in_flight": result.in_flight,
            "seconds": round(self.seconds, 1),
            "differences": [_as_json(one) for one in result.differences],
        }


HEADINGS = f"{'service':12} {'compared':>10} {'differences':>11} {'in flight':>9} {'seconds':>9}"


def _as_json(difference: Difference) -> dict[str, object]:
    found = asdict(difference)
    del found["about"]
    return found


def audit_service(service: str) -> Audited:
    """Run a service's audit now. Raises ClickException when another service does not answer."""
    definition, settings = definition_of(service), Settings.read()
    started = monotonic()
    with using(definition.database(settings, JOBS)):
        with transaction() as session:
            run_id = audit_runs.begin_run(session, OPERATOR)
        reader = HttpReader(service, settings)
        try:
            result = auditing.run(service, definition.checks, reader, run_id)
        except requests.RequestException as error:
            raise click.ClickException(
                f"{service} cannot be audited: {why_unanswered(error)}"
            ) from None
    return Audited(definition, result, monotonic() - started)


def repair_service(audited: Audited) -> int:
    """Hand over the events again that never arrived; returns how many."""
    definition, settings = audited.definition, Settings.read()
    database = definition.database(settings, JOBS)
    reader = HttpReader(definition.name, settings)
    with using(database):
        return hand_over_again(
            definition.name, reader, definition.inbox(database), audited.result.differences
        )


def run_audit(
    services: Sequence[str], repair: bool, as_json: bool, show: Callable[[str], None]
) -> bool:
    """Audit these services, and again after a repair. Returns whether differences are left."""
    audited = [audit_service(service) for service in services]
    if repair:
        handed = sum(repair_service(one) for one in audited)
        if not as_json:
            show(f"{handed} events handed over again")
        audited = [audit_service(service) for service in services]
    if as_json:
        show(json.dumps([one.as_json() for one in audited], default=str, indent=2))
    else:
        for line in (line for one in audited for line in one.lines()):
            show(line)
        show(HEADINGS)
        for one in audited:
            show(one.summary())
    return any(one.result.found for one in audited)

"""The audit of one service over HTTP: what it found, by kind, and a request for another run."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy import select

from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.core.language import translate
from shared.db.engine import transaction
from shared.http.paging import PageQuery, page_of
from shared.http.schemas import Code, ResponseModel
from shared.service import audit_runs
from shared.service.audit_runs import AuditDifference, AuditRun
from shared.service.differences import COMMON_KINDS, DifferenceKind


class DifferencesQuery(PageQuery):
    kind: Code | None = None


class AuditRunResponse(ResponseModel):
    id: UUID
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None = Field(description="missing while it runs or waits")
    compared: int = Field(description="rows that were read, there and here")
    found: int
    in_flight: int = Field(description="rows that differ because an event is still on its way")
    error: str | None


class DifferenceKindResponse(ResponseModel):
    kind: str
    title: str
    repair: str = Field(description="what a person does about it")
    open: int


class DifferenceResponse(ResponseModel):
    id: UUID
    kind: str
    subject_id: UUID
    here: str
    there: str
    first_found_at: datetime
    found_at: datetime


class AuditResponse(ResponseModel):
    """What the audit of a service found."""

    service: str
    newest: AuditRunResponse | None = Field(description="the run that was requested last")
    finished: AuditRunResponse | None = Field(description="the newest run that finished")
    kinds: list[DifferenceKindResponse] = Field(description="those with open differences")
    items: list[DifferenceResponse] = Field(description="open differences, newest first")
    next: str | None


def audit_blueprint(service: str, kinds: Sequence[DifferenceKind]) -> APIBlueprint:
    """Serve the audit of a service."""
    bp = APIBlueprint("audit", __name__, tag=f"Audit of {service}")
    known = {kind.name: kind for kind in (*COMMON_KINDS, *kinds)}

    @bp.get(f"/v1/audit/{service}")
    @bp.input(DifferencesQuery, location="query")
    @bp.output(AuditResponse)
    @bp.doc(summary="Where this service's copies differ from what their owners have")
    @allow(Role.STAFF, Role.AUDITOR)
    def get_audit(query_data: DifferencesQuery) -> dict[str, object]:
        statement = select(AuditDifference).where(AuditDifference.resolved_at.is_(None))
        if query_data.kind is not None:
            statement = statement.where(AuditDifference.kind == query_data.kind)
        with transaction() as session:
            items, after = page_of(session, statement, AuditDifference.id, query_data)
            return {
                "service": service,
                "newest": audit_runs.newest_run(session),
                "finished": audit_runs.newest_finished(session),
                "kinds": [
                    _described(known.get(kind), kind, count)
                    for kind, count in audit_runs.open_by_kind(session).items()
                ],
                "items": items,
                "next": after,
            }

    @bp.post(f"/v1/audit/{service}/runs")
    @bp.output(AuditRunResponse, status_code=202)
    @bp.doc(summary="Run the audit now; the worker begins it within half a minute")
    @allow(Role.STAFF)
    def post_run() -> AuditRun:
        with transaction() as session:
            return audit_runs.request_run(session, caller().key)

    return bp


def _described(kind: DifferenceKind | None, name: str, count: int) -> DifferenceKindResponse:
    """A kind in the language of the request; one of an earlier version has only its name."""
    title, repair = (kind.title, kind.repair) if kind else (name, "")
    return DifferenceKindResponse(
        kind=name, title=translate(title), repair=translate(repair) if repair else "", open=count
    )

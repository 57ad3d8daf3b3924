"""Serve a service's evidence to the audits of others: thin rows in the order of ids.

Inside the installation only: the ingress hides it, as it hides metrics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import select

from shared import SERVICES
from shared.auth.access import allow
from shared.auth.principal import Role
from shared.contracts.base import events_handled_by
from shared.contracts.evidence import Evidence
from shared.core.problems import NotFound
from shared.db.engine import transaction
from shared.db.keyset import PAGE, Keyset
from shared.http.schemas import RequestModel
from shared.messaging.outbox import OutboxRow

SCOPE = "evidence:read"
BEGINNING = UUID(int=0)


class EvidenceNotFound(NotFound):
    """There is no such evidence."""


@dataclass(frozen=True, slots=True)
class EvidenceRows:
    """Rows that a service shows; their columns are the fields of the contract."""

    contract: type[Evidence]
    keyset: Keyset


class EvidenceQuery(RequestModel):
    after: UUID = Field(default=BEGINNING, description="the last `id` of the page before")
    limit: int = Field(default=PAGE, ge=1, le=PAGE)


def evidence_blueprint(service: str, shown: Iterable[EvidenceRows]) -> APIBlueprint:
    """Serve the evidence of a service, and its events by the service that handles them."""
    bp = APIBlueprint("evidence", __name__)
    keysets = {one.contract.kind: one.keyset for one in shown} | _events_of(service)

    @bp.get(f"/v1/evidence/{service}/<string:kind>")
    @bp.input(EvidenceQuery, location="query")
    @bp.doc(
        summary="Rows for the audits of other services, in the order of ids",
        responses={
            200: {
                "description": "`items`; pass the last `id` as `after` until there are none",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    @allow(Role.AUDITOR, scope=SCOPE)
    def get_evidence(kind: str, query_data: EvidenceQuery) -> Response:
        keyset = keysets.get(kind)
        if keyset is None:
            raise EvidenceNotFound(f"One of: {', '.join(sorted(keysets))}.")
        with transaction() as session:
            items = keyset.page_as_json(session, query_data.after, query_data.limit)
        return Response(f'{{"items":{items}}}', content_type="application/json")

    return bp


def kind_for(handler: str) -> str:
    """The kind of evidence with the events that a service handles."""
    return f"events-for-{handler}"


def _events_of(service: str) -> dict[str, Keyset]:
    """The published events, by the service that handles them."""
    found = {}
    for handler in SERVICES:
        types = {one.type for one in events_handled_by(handler) if one.source == service}
        if types:
            rows = _EVENTS.where(OutboxRow.type.in_(sorted(types)))
            found[kind_for(handler)] = Keyset(OutboxRow.id, rows)
    return found


_EVENTS = select(
    OutboxRow.id,
    OutboxRow.type,
    OutboxRow.version,
    OutboxRow.subject,
    OutboxRow.sequence,
    OutboxRow.created_at.label("time"),
    OutboxRow.traceparent,
    OutboxRow.data,
)

"""The feed: the events that a service published, for what a broker lost.

It is ordered by (txid, id) and shows only rows below the oldest running transaction, so that it
skips no late commit. A cursor is (epoch, txid, id). The epoch is the identity and timeline of the
database and the installation's own epoch, so that the feed of a restored database starts anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from pydantic_core import to_json
from sqlalchemy import Row, Select, Text, cast, func, select, text
from sqlalchemy.orm import Session

from shared.auth.access import allow, caller
from shared.auth.principal import Principal, Role
from shared.db.engine import transaction
from shared.db.statements import changed
from shared.http.paging import decode_cursor, encode_cursor
from shared.http.schemas import RequestModel
from shared.messaging.envelope import Envelope
from shared.messaging.epoch import FIRST_EPOCH, InstallationEpoch
from shared.messaging.outbox import ENVELOPE_COLUMNS, OutboxRow

EVERY_EVENT = "events:*"
SCOPE_PREFIX = "events:"


class FeedQuery(RequestModel):
    after: str | None = Field(default=None, max_length=400, description="`next` of the page before")
    types: str | None = Field(
        default=None, max_length=2000, description="comma-separated; all granted ones if missing"
    )
    limit: int = Field(default=200, ge=1, le=200)


class FeedPage(BaseModel):
    """One page of the feed, oldest first."""

    items: list[Envelope]
    next: str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: behind the event `last` of transaction `txid`."""

    txid: int
    last: UUID


START = Position(0, UUID(int=0))


def feed_blueprint(service: str) -> APIBlueprint:
    """Serve the feed of a service."""
    bp = APIBlueprint("feed", __name__)

    @bp.get(f"/v1/events/{service}")
    @bp.input(FeedQuery, location="query")
    @bp.doc(
        summary="Events that this service published, oldest first",
        responses={
            200: {
                "description": "`items` are CloudEvents; pass `next` as `after`",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    @allow(Role.STAFF, Role.AUDITOR, scope="events:read")
    def get_events(query_data: FeedQuery) -> Response:
        types = _granted_types(caller(), query_data.types)
        with transaction() as session:
            page = _page(session, service, query_data.after, types, query_data.limit)
        return Response(to_json(page), content_type="application/json")

    return bp


def _granted_types(principal: Principal, wanted: str | None) -> list[str] | None:
    """The types to show, of those wanted; None for all. A system sees what it was granted."""
    types = wanted.split(",") if wanted else None
    if principal.role is not Role.SYSTEM or principal.has(EVERY_EVENT):
        return types
    scopes = (scope for scope in principal.scopes if scope.startswith(SCOPE_PREFIX))
    granted = {scope.removeprefix(SCOPE_PREFIX) for scope in scopes}
    return sorted(granted & set(types)) if types else sorted(granted)


def _page(
    session: Session, service: str, after: str | None, types: list[str] | None, limit: int
) -> FeedPage:
    epoch = session.scalars(select(func.concat(_SYSTEM, "-", _TIMELINE, _RESTORED))).one()
    position = _position(after, epoch)
    rows = session.execute(_behind(position, types).limit(limit)).all()
    if rows:
        position = Position(int(rows[-1].position), rows[-1].id)
    return FeedPage.model_construct(
        items=_envelopes(service, rows),
        next=encode_cursor(epoch, position.txid, str(position.last)),
    )


def _envelopes(service: str, rows: Iterable[Row[Any]]) -> list[Envelope]:
    return [Envelope.of(service, row) for row in rows]


def _position(after: str | None, epoch: str) -> Position:
    """Where to read on. In a restored database that is the start: inboxes know what they had."""
    if not after:
        return START
    known, txid, last = decode_cursor(after, _check_cursor)
    return Position(txid, UUID(last)) if known == epoch else START


def _behind(position: Position, types: list[str] | None) -> Select[*tuple[Any, ...]]:
    statement = select(*ENVELOPE_COLUMNS, cast(OutboxRow.txid, Text).label("position"))
    statement = statement.where(
        _BEHIND.bindparams(txid=str(position.txid), last=position.last), _COMMITTED
    )
    if types is not None:
        statement = statement.where(OutboxRow.type.in_(types))
    return statement.order_by(OutboxRow.txid, OutboxRow.id)


_SYSTEM = text("(SELECT system_identifier FROM pg_control_system())")
_TIMELINE = text("(SELECT timeline_id FROM pg_control_checkpoint())")
_RESTORED = (
    select(func.concat("-", InstallationEpoch.epoch))
    .where(
        InstallationEpoch.epoch != FIRST_EPOCH  # which adds nothing: cursors outlive an upgrade
    )
    .scalar_subquery()
)
_BEHIND = text("(txid, id) > (CAST(CAST(:txid AS text) AS xid8), :last)")
_COMMITTED = text("txid < pg_snapshot_xmin(pg_current_snapshot())")


def _check_cursor(parts: list[Any]) -> None:
    _, txid, last = parts
    UUID(last)
    if type(txid) is not int or not 0 <= txid < 2**64:
        raise ValueError("txid out of range")


def new_epoch(session: Session) -> int:
    """Show rows that a restore into another cluster would hide.

    Their transaction ids may lie ahead of the new cluster's. Returns how many rows were moved;
    repeating it moves none.
    """
    statement = text(
        """
        UPDATE outbox SET txid = pg_current_xact_id()
        WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())
        """
    )
    return changed(session.execute(statement))

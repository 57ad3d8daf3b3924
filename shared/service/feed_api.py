"""The feed of what a service said: a broker that lost all costs minutes, not facts.

Ordered by (txid, id) and shown only below the oldest running transaction, so a late commit is never
skipped. A cursor is (epoch, txid, id); the epoch is the database's own identity and timeline, so a
restored one starts anew.
"""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.orm import Session

from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.db.statements import changed
from shared.http.paging import decode_cursor, encode_cursor
from shared.http.schemas import RequestModel
from shared.messaging.envelope import cloud_event
from shared.messaging.outbox import ENVELOPE_COLUMNS, OutboxRow

START = ("", 0, "00000000-0000-0000-0000-000000000000")


class FeedQuery(RequestModel):
    after: str | None = Field(default=None, max_length=400, description="`next` of the page before")
    types: str | None = Field(
        default=None, max_length=2000, description="comma-separated; all granted ones if missing"
    )
    limit: int = Field(default=200, ge=1, le=200)


def feed_blueprint(service: str) -> APIBlueprint:
    bp = APIBlueprint("feed", __name__)

    @bp.get(f"/v1/events/{service}")
    @bp.input(FeedQuery, location="query")
    @bp.doc(
        summary="What this service said, oldest first",
        responses={
            200: {
                "description": "`items` are CloudEvents; pass `next` as `after`",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    @allow(Role.STAFF, Role.AUDITOR, scope="events:read")
    def get_events(query_data: FeedQuery) -> Response:
        types = query_data.types.split(",") if query_data.types else None
        principal = caller()
        if principal.role is Role.SYSTEM and not principal.has("events:*"):
            granted = {
                scope.removeprefix("events:")
                for scope in principal.scopes
                if scope.startswith("events:")
            }
            types = sorted(granted & set(types)) if types else sorted(granted)
        with transaction() as session:
            return _page(session, service, query_data.after, types, query_data.limit)

    return bp


def _page(
    session: Session, service: str, after: str | None, types: list[str] | None, limit: int
) -> Response:
    epoch = session.scalars(select(func.concat(_SYSTEM, "-", _TIMELINE))).one()
    known, txid, last = decode_cursor(after, _check_cursor) if after else START
    if (
        known != epoch
    ):  # a restored database: everything is new again, and inboxes know what they had
        _, txid, last = START
    where = text(
        "(txid, id) > (CAST(CAST(:txid AS text) AS xid8), :last) AND txid < pg_snapshot_xmin(pg_current_snapshot())"
    )
    statement = select(*ENVELOPE_COLUMNS, cast(OutboxRow.txid, Text).label("position")).where(where)
    if types is not None:
        statement = statement.where(OutboxRow.type.in_(types))
    rows = session.execute(
        statement.order_by(OutboxRow.txid, OutboxRow.id).limit(limit),
        {"txid": str(txid), "last": UUID(last)},
    ).all()
    if rows:
        txid, last = int(rows[-1].position), str(rows[-1].id)
    items = b",".join(cloud_event(service, row) for row in rows)
    following = encode_cursor(epoch, txid, last).encode()
    return Response(
        b'{"items": [' + items + b'], "next": "' + following + b'"}',
        content_type="application/json",
    )


_SYSTEM = text("(SELECT system_identifier FROM pg_control_system())")
_TIMELINE = text("(SELECT timeline_id FROM pg_control_checkpoint())")


def _check_cursor(parts: list[Any]) -> None:
    _, txid, last = parts
    UUID(last)
    if type(txid) is not int or not 0 <= txid < 2**64:
        raise ValueError("txid out of range")


def new_epoch(session: Session) -> int:
    """After a restore into another cluster: rows whose txid lies ahead of this database's would
    stay hidden; show them.

    Repeating it changes nothing. Returns how many rows were moved.
    """
    statement = text(
        "UPDATE outbox SET txid = pg_current_xact_id() WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())"
    )
    return changed(session.execute(statement))

"""The feed of what a service said, and the catch-up that walks it: a broker that lost all costs minutes, not facts.

Ordered by (txid, id) and shown only below the oldest running transaction, so a late commit is never skipped.
A cursor is (epoch, txid, id); the epoch is the database's own identity and timeline, so a restored one starts anew.
"""

import threading
from datetime import datetime, timedelta
from json import dumps
from typing import Any
from uuid import UUID

import requests
from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import clock
from shared.auth import Role, allow, caller
from shared.contracts import facts_heard_by
from shared.db import Database, Plumbing, changed, is_contention, is_database_away, transaction
from shared.fields import Body
from shared.inbox import Delivery, Inbox, TryAgain
from shared.logs import get_logger
from shared.outbox import ENVELOPE_COLUMNS, OutboxRow, cloud_event
from shared.paging import decode_cursor, encode_cursor
from shared.settings import Settings

log = get_logger(__name__)

START = ("", 0, "00000000-0000-0000-0000-000000000000")


class FeedCursor(Plumbing):
    """How far this service has walked another's feed."""

    __tablename__ = "feed_cursors"

    source: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]


class FeedQuery(Body):
    after: str | None = Field(default=None, max_length=400, description="`next` of the page before")
    types: str | None = Field(default=None, max_length=2000, description="comma-separated; all granted ones if missing")
    limit: int = Field(default=200, ge=1, le=200)


def feed_blueprint(service: str) -> APIBlueprint:
    bp = APIBlueprint("feed", __name__)

    @bp.get(f"/v1/events/{service}")
    @bp.input(FeedQuery, location="query")
    @bp.doc(
        summary="What this service said, oldest first",
        responses={200: {"description": "`items` are CloudEvents; pass `next` as `after`",
                         "content": {"application/json": {"schema": {"type": "object"}}}}},
    )  # fmt: skip
    @allow(Role.STAFF, Role.AUDITOR, scope="events:read")
    def get_events(query_data: FeedQuery) -> Response:
        types = query_data.types.split(",") if query_data.types else None
        principal = caller()
        if principal.role is Role.SYSTEM and not principal.has("events:*"):
            granted = {scope.removeprefix("events:") for scope in principal.scopes if scope.startswith("events:")}
            types = sorted(granted & set(types)) if types else sorted(granted)
        with transaction() as session:
            return _page(session, service, query_data.after, types, query_data.limit)

    return bp


def _page(session: Session, service: str, after: str | None, types: list[str] | None, limit: int) -> Response:
    epoch = session.scalars(select(func.concat(_SYSTEM, "-", _TIMELINE))).one()
    known, txid, last = decode_cursor(after, _check_cursor) if after else START
    if known != epoch:  # a restored database: everything is new again, and inboxes know what they had
        _, txid, last = START
    where = text(
        "(txid, id) > (CAST(CAST(:txid AS text) AS xid8), :last) AND txid < pg_snapshot_xmin(pg_current_snapshot())"
    )
    statement = select(*ENVELOPE_COLUMNS, cast(OutboxRow.txid, Text).label("position")).where(where)
    if types is not None:
        statement = statement.where(OutboxRow.type.in_(types))
    rows = session.execute(
        statement.order_by(OutboxRow.txid, OutboxRow.id).limit(limit), {"txid": str(txid), "last": UUID(last)}
    ).all()
    if rows:
        txid, last = int(rows[-1].position), str(rows[-1].id)
    items = b",".join(cloud_event(service, row) for row in rows)
    following = encode_cursor(epoch, txid, last).encode()
    return Response(b'{"items": [' + items + b'], "next": "' + following + b'"}', content_type="application/json")


_SYSTEM = text("(SELECT system_identifier FROM pg_control_system())")
_TIMELINE = text("(SELECT timeline_id FROM pg_control_checkpoint())")


def _check_cursor(parts: list[Any]) -> None:
    _, txid, last = parts
    UUID(last)
    if type(txid) is not int or not 0 <= txid < 2**64:
        raise ValueError("txid out of range")


def new_epoch(session: Session) -> int:
    """After a restore into another cluster: rows whose txid lies ahead of this database's would stay hidden; show them.

    Repeating it changes nothing. Returns how many rows were moved.
    """
    statement = text(
        "UPDATE outbox SET txid = pg_current_xact_id() WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())"
    )
    return changed(session.execute(statement))


class Walker:
    """Walks the feeds of the services this one listens to, and takes in what its inbox lacks."""

    def __init__(self, database: Database, inbox: Inbox, settings: Settings) -> None:
        self.database, self.inbox, self.settings = database, inbox, settings
        self.service = database.service
        self.sources: dict[str, list[str]] = {}
        for contract in facts_heard_by(self.service):
            self.sources.setdefault(contract.source, []).append(contract.type)
        self._token = ""

    def run(self, stop: threading.Event) -> None:
        """At start-up and every few minutes, until told to stop."""
        while not stop.is_set():
            for source in self.sources:
                try:
                    self.walk(source, stop)
                except Exception as error:
                    if _is_passing(error):
                        log.warning("catch-up put off", service=self.service, source=source, error=type(error).__name__)
                    else:
                        log.exception("catch-up failed", service=self.service, source=source)
            stop.wait(self.settings.catch_up_every_seconds)

    def walk(self, source: str, stop: threading.Event | None = None) -> int:
        """Take in everything older than the age that is left to the broker. Returns how many facts were looked at.

        The cursor moves after the facts have taken effect or are remembered; a crash in between walks them again,
        which the inbox makes harmless.
        """
        seen = 0
        while stop is None or not stop.is_set():
            page = self._fetch(source, self._cursor(source))
            old = [event for event in page["items"] if _age(event) >= self.settings.catch_up_age_seconds]
            self.inbox.receive([Delivery(_dump(event)) for event in old])
            seen += len(old)
            if len(old) < len(page["items"]) or not old:
                return seen  # the cursor stays before what is still young: the next walk sees all of this page again
            self._save(source, page["next"])
        return seen

    def _fetch(self, source: str, cursor: str | None) -> Any:
        params: dict[str, str] = {"types": ",".join(self.sources[source]), "limit": "200"}
        if cursor:
            params["after"] = cursor
        url = f"{self.settings.url_of(source)}/v1/events/{source}"
        for _ in range(2):
            answer = requests.get(url, params, headers={"Authorization": f"Bearer {self._token}"}, timeout=10)
            if answer.status_code != 401:
                break
            self._token = service_token(self.settings, self.service)
        answer.raise_for_status()
        return answer.json()

    def _cursor(self, source: str) -> str | None:
        with self.database.transaction() as session:
            row = session.get(FeedCursor, source)
            return row.cursor if row else None

    def _save(self, source: str, cursor: str) -> None:
        with self.database.transaction() as session:
            row = insert(FeedCursor).values(source=source, cursor=cursor)
            session.execute(row.on_conflict_do_update(index_elements=["source"], set_={"cursor": row.excluded.cursor}))


def service_token(settings: Settings, service: str) -> str:
    """This service's own access token, by OAuth2 client credentials (RFC 6749 section 4.4) from registration."""
    answer = requests.post(
        f"{settings.url_of('registration')}/v1/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(f"service-{service}", settings.client_secret_of(service)),
        timeout=5,
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


def _is_passing(error: Exception) -> bool:
    """The other service or the database is away or busy; the next walk mends it."""
    if isinstance(error, requests.RequestException | TryAgain | KeyError | ValueError):
        return True
    return is_database_away(error) or is_contention(error)


def _age(event: dict[str, Any]) -> float:
    return (clock.now() - datetime.fromisoformat(event["time"])) / timedelta(seconds=1)


def _dump(event: dict[str, Any]) -> bytes:
    return dumps(event, ensure_ascii=False).encode()

"""Catch-up: reads the feeds of other services and takes in the events that the broker lost."""

import json
import threading
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.base import events_handled_by
from shared.core import clock
from shared.core.json import JsonObject
from shared.core.logs import get_logger
from shared.core.settings import Settings
from shared.db.contention import is_passing, took_too_long
from shared.db.engine import Database
from shared.db.types import Plumbing
from shared.messaging.inbox import Delivery, Inbox, TryAgain
from shared.messaging.turns import Loop, LoopKind, unwatched
from shared.service.other_services import OtherServices

log = get_logger(__name__)
PAGE_SIZE = 200
FEED_SECONDS = 10  #: for one page


class FeedCursor(Plumbing):
    """How far this service has read another's feed."""

    __tablename__ = "feed_cursors"

    source: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]


class CatchUp:
    """Reads the feeds of the services whose events this one handles."""

    def __init__(self, database: Database, inbox: Inbox, settings: Settings) -> None:
        self.database, self.inbox, self.settings = database, inbox, settings
        self.service = database.service
        self.sources: dict[str, list[str]] = {}
        for contract in events_handled_by(self.service):
            self.sources.setdefault(contract.source, []).append(contract.type)
        self._others = OtherServices(self.service, settings)
        self._loop = unwatched(LoopKind.CATCH_UP)

    def run(self, stop: threading.Event, loop: Loop | None = None) -> None:
        """Read every feed now and every few minutes, until `stop` is set."""
        self._loop = loop or self._loop
        while not stop.is_set():
            for source in self.sources:
                self._read_or_log(source, stop)
            self._loop.wait(stop, self.settings.catch_up_every_seconds)

    def _read_or_log(self, source: str, stop: threading.Event) -> None:
        try:
            self.read_feed(source, stop)
        except Exception as error:
            if not _will_pass(error):
                log.exception("catch-up failed", service=self.service, source=source)
                return
            log.warning(
                "catch-up put off",
                service=self.service,
                source=source,
                error=type(error).__name__,
            )

    def read_feed(self, source: str, stop: threading.Event | None = None) -> int:
        """Take in the events of a feed, but for young ones: those are left to the broker.

        Returns how many events were read. The cursor moves after they took effect or were noted as
        failed. A crash in between reads them again, and the inbox takes in each once.
        """
        count = 0
        while stop is None or not stop.is_set():
            self._loop.turn()
            page = self._fetch(source, self._cursor(source))
            old = [event for event in page["items"] if self._is_old(event)]
            # ASCII holds whatever the page held, and the inbox decides about it.
            self.inbox.receive(
                [Delivery(json.dumps(event).encode(), trusted=True) for event in old]
            )
            count += len(old)
            if len(old) < len(page["items"]) or not old:
                # The cursor stays before the young ones: the next reading begins with this page.
                return count
            self._save(source, page["next"])
        return count

    def _is_old(self, event: JsonObject) -> bool:
        try:
            age = clock.now() - datetime.fromisoformat(event["time"])
        except (KeyError, TypeError, ValueError):  # no event, however long we wait
            return True
        return age >= timedelta(seconds=self.settings.catch_up_age_seconds)

    def _fetch(self, source: str, cursor: str | None) -> Any:
        params = {"types": ",".join(self.sources[source]), "limit": str(PAGE_SIZE)}
        if cursor:
            params["after"] = cursor
        path = f"/v1/events/{source}"
        return self._others.get(source, path, params, FEED_SECONDS).json()

    def _cursor(self, source: str) -> str | None:
        with self.database.transaction() as session:
            row = session.get(FeedCursor, source)
            return row.cursor if row else None

    def _save(self, source: str, cursor: str) -> None:
        row = insert(FeedCursor).values(source=source, cursor=cursor)
        moved = row.on_conflict_do_update(
            index_elements=["source"], set_={"cursor": row.excluded.cursor}
        )
        with self.database.transaction() as session:
            session.execute(moved)


def _will_pass(error: Exception) -> bool:
    """Tell whether the other service or the database is away or busy: read again later."""
    if isinstance(error, requests.RequestException | TryAgain | KeyError | ValueError):
        return True
    return is_passing(error) or took_too_long(error)

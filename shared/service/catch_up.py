"""The catch-up: walks the feeds of other services and takes in what the broker lost."""

import threading
from datetime import datetime, timedelta
from json import dumps
from typing import Any

import requests
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.base import events_handled_by
from shared.core import clock
from shared.core.logs import get_logger
from shared.core.settings import Settings
from shared.db.contention import is_contention, is_database_away
from shared.db.engine import Database
from shared.db.types import Plumbing
from shared.messaging.inbox import Delivery, Inbox, TryAgain

log = get_logger(__name__)


class FeedCursor(Plumbing):
    """How far this service has walked another's feed."""

    __tablename__ = "feed_cursors"

    source: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]


class CatchUp:
    """Walks the feeds of the services this one listens to, and takes in what its inbox lacks."""

    def __init__(self, database: Database, inbox: Inbox, settings: Settings) -> None:
        self.database, self.inbox, self.settings = database, inbox, settings
        self.service = database.service
        self.sources: dict[str, list[str]] = {}
        for contract in events_handled_by(self.service):
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
                        log.warning(
                            "catch-up put off",
                            service=self.service,
                            source=source,
                            error=type(error).__name__,
                        )
                    else:
                        log.exception("catch-up failed", service=self.service, source=source)
            stop.wait(self.settings.catch_up_every_seconds)

    def walk(self, source: str, stop: threading.Event | None = None) -> int:
        """Take in everything older than the age that is left to the broker. Returns how many facts
        were looked at.

        The cursor moves after the facts have taken effect or are remembered; a crash in between
        walks them again, which the inbox makes harmless.
        """
        seen = 0
        while stop is None or not stop.is_set():
            page = self._fetch(source, self._cursor(source))
            old = [
                event
                for event in page["items"]
                if _age(event) >= self.settings.catch_up_age_seconds
            ]
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
            answer = requests.get(
                url, params, headers={"Authorization": f"Bearer {self._token}"}, timeout=10
            )
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
            session.execute(
                row.on_conflict_do_update(
                    index_elements=["source"], set_={"cursor": row.excluded.cursor}
                )
            )


def service_token(settings: Settings, service: str) -> str:
    """This service's own access token, by OAuth2 client credentials (RFC 6749 section 4.4) from
    registration.
    """
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

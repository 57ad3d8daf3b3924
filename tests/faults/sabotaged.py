"""Our command with one guard switched off, to see that the fault suite notices.

`WISHTREE_SABOTAGE=ack_early python -m tests.faults.sabotaged bus rewards`. Production code knows
nothing of this.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from console.main import main
from shared.db.engine import Database
from shared.messaging import inbox
from shared.messaging.broker import connection, consumer, relay
from shared.messaging.broker.consumer import EventConsumer
from shared.messaging.broker.publisher import ConfirmedPublisher, Publisher
from shared.messaging.broker.topology import declare_topology
from shared.service.catch_up import CatchUp


def switch(owner: Any, name: str, instead: Callable[..., Any]) -> None:
    """Replace a function that must exist: one that was renamed would switch nothing off."""
    assert callable(getattr(owner, name)), f"{owner} has no {name}"
    setattr(owner, name, instead)


def ack_early() -> None:
    """Acknowledge messages before they have taken effect."""
    receive: Any = EventConsumer._receive

    def acknowledge_first(self: EventConsumer, deliveries: Any, stop: threading.Event) -> bool:
        for message in (*self.gathered, *self.returned):
            if not message.acknowledged:
                message.ack()
        return bool(receive(self, deliveries, stop))

    switch(EventConsumer, "_receive", acknowledge_first)
    switch(EventConsumer, "_acknowledge", lambda self, taken: None)


def confirms_off() -> None:
    """Count what was written to the socket as published."""
    switch(ConfirmedPublisher, "_await_confirms", lambda self: self._pending.clear())


def mark_before_confirm() -> None:
    """Commit `published_at`, then publish."""

    def mark_first(database: Database, to: Publisher, limit: int) -> int:
        with database.transaction() as session:
            rows = relay._waiting(session, limit)
            relay._mark_published(session, [row.id for row in rows])
        if rows:
            to.publish([relay._message(database.service, row) for row in rows])
        return len(rows)

    switch(relay, "relay_batch", mark_first)


def no_inbox() -> None:
    """Take every delivery for a new event."""

    def all_of(session: Session, ids: Iterable[UUID]) -> set[UUID]:
        ids = set(ids)
        remembered(session, ids)
        return ids

    remembered = inbox.unseen
    switch(inbox, "unseen", all_of)
    switch(inbox, "is_settled", lambda session, event_id: False)


def no_reconnection() -> None:
    """A loop whose connection broke once does nothing any more."""

    def once(name: str, stop: threading.Event, url: str, work: Callable[[Any], None]) -> None:
        with_connection = connection.connect(url)
        try:
            declare_topology(with_connection)
            work(with_connection)
        except Exception:
            stop.wait()

    for module in (consumer, relay):
        switch(module, "keep_connected", once)


def no_catch_up() -> None:
    """Never read a feed."""
    switch(CatchUp, "run", lambda self, stop: stop.wait())


SABOTAGES = {
    sabotage.__name__: sabotage
    for sabotage in (
        *(ack_early, confirms_off, mark_before_confirm),
        *(no_inbox, no_reconnection, no_catch_up),
    )
}

if __name__ == "__main__":
    SABOTAGES[os.environ["WISHTREE_SABOTAGE"]]()
    main()

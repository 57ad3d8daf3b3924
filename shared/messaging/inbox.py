"""The inbox: each event takes effect once, however often and however late it is delivered.

One transaction holds the inbox rows, the effects of the handlers and the events that they publish.
An event whose handler fails is tried again when its row in `attempts` falls due; after five
attempts it becomes a dead letter. The database counts, not the broker. When the database is away
or busy (connection lost, deadlock, serialization), `TryAgain` is raised and no attempt is counted.
A message of the broker that belongs to another epoch is refused: see `shared.messaging.epoch`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import Uuid

from shared.contracts.base import Event
from shared.core import clock
from shared.core.clock import app_now
from shared.core.logs import get_logger, traced
from shared.core.metrics import EVENTS_HANDLED, HANDLER_SECONDS, LAG
from shared.db.contention import is_database_away, is_passing, took_too_long
from shared.db.engine import Database, using
from shared.db.types import Plumbing
from shared.messaging import attempts
from shared.messaging.attempts import (
    MAX_ATTEMPTS,
    BegunAttempt,
    GivenUp,
    Reason,
    as_error,
    in_one_line,
)
from shared.messaging.envelope import (
    KEPT_CHARACTERS,
    MOST_BYTES,
    Unreadable,
    as_text,
    epoch_in,
    event_id_in,
    read_message,
)
from shared.messaging.epoch import current_epoch

log = get_logger(__name__)

Handler = Callable[[Session, list[Any]], None]
HANDLERS_ATTRIBUTE = "__handles__"


class InboxRow(Plumbing):
    """An event that took effect here. Kept 45 days, longer than any feed keeps the event."""

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())


class TryAgain(Exception):
    """The database is away or busy. Keep the messages, wait, and call again; no attempt counted."""


def handles(*events: type[Event]) -> Callable[[Handler], Handler]:
    """Mark the one function of a service that handles these events. It takes a list of them."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, HANDLERS_ATTRIBUTE, events)
        return handler

    return mark


def handlers_in(module: Any) -> dict[type[Event], Handler]:
    """Find every `@handles` function of an `events` module, by event.

    Raises ValueError if an event has two.
    """
    found: dict[type[Event], Handler] = {}
    for value in vars(module).values():
        for contract in getattr(value, HANDLERS_ATTRIBUTE, ()):
            if found.setdefault(contract, value) is not value:
                raise ValueError(f"{contract.type} has two handlers in {module.__name__}.")
    return found


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the broker, the feed or the attempts table hands it over."""

    body: bytes
    redelivered: bool = False
    returned: bool = False  #: the broker gave it up at its delivery limit
    trusted: bool = False  #: from a feed or from our own attempts: its epoch is not compared


class Inbox:
    """Takes in the events that one service handles."""

    def __init__(self, database: Database, handlers: dict[type[Event], Handler]) -> None:
        self.database = database
        self.service = database.service
        self.handlers = handlers
        self._to_take_back: set[UUID] = set()
        """Attempts that failed while the database was away or busy, and are still counted."""

    def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Make every delivery take effect once, or note that it failed.

        Then all may be acknowledged. Repeating it changes nothing. Raises TryAgain.
        """
        with self._working():
            self._handle_together(list(self._read_all(d for d in deliveries if not d.redelivered)))
            for event in self._read_all(d for d in deliveries if d.redelivered):
                self._handle_redelivered(event)

    def retry_due(self, limit: int = 50) -> int:
        """Try again the events that are due, each alone. Returns how many. Raises TryAgain."""
        tried = 0
        with self._working():
            self._take_back()
            # One is counted at a time: if all were, one that kills the process would use up the
            # attempts of the others.
            while tried < limit and (attempt := self._begin_due_attempt()):
                self._handle_alone(attempt)
                tried += 1
        return tried

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Work in this service's database. Raises TryAgain if it is away or busy."""
        try:
            with using(self.database):
                yield
        except Exception as error:
            if is_passing(error) or took_too_long(error):
                raise TryAgain from error
            raise

    def _read_all(self, deliveries: Iterable[Delivery]) -> Iterator[Event]:
        return (event for delivery in deliveries if (event := self._read(delivery)))

    def _read(self, delivery: Delivery) -> Event | None:
        """Read a delivery. One that cannot be handled, however often, is a dead letter at once."""
        if delivery.returned:
            self._give_up_unread(delivery, "returned", None, MAX_ATTEMPTS)
            return None
        try:
            event = read_message(delivery.body, self.handlers, delivery.trusted)
        except MemoryError as error:  # the process is short of memory; the message is not to blame
            raise TryAgain from error
        if isinstance(event, Unreadable):
            self._give_up_unread(delivery, event.reason, as_error(event.error))
            return None
        return event

    def _handle_together(self, events: list[Event]) -> None:
        """Handle all in one transaction. If it fails, handle them singly to find the culprit."""
        if len(events) < 2:
            self._handle_singly(events)
            return
        try:
            self._handle(events)
        except Exception as error:
            if is_database_away(error):
                raise
            self._handle_singly(events)

    def _handle_singly(self, events: Iterable[Event]) -> None:
        """Handle each in a transaction of its own; defer those that fail.

        One whose statement takes too long fails as any other, though later and later by minutes,
        so that it ends as a dead letter. The second of them says that the database is too busy for
        all.
        """
        too_slow = 0
        for event in events:
            try:
                self._handle([event])
            except Exception as error:
                too_slow += took_too_long(error)
                if is_passing(error) or too_slow > 1:
                    raise
                self._defer(event, error)

    def _handle_redelivered(self, event: Event) -> None:
        """Count the attempt, commit it, then handle the event: it may have killed a process."""
        with self.database.transaction() as session:
            if not self._of_this_epoch(session, [event]) or is_settled(session, event.envelope.id):
                return
            attempt = attempts.begin_attempt(session, event)
        self._handle_alone(attempt)

    def _handle_alone(self, attempt: BegunAttempt) -> None:
        """Handle one event whose attempt is already counted and committed."""
        if attempt.number > MAX_ATTEMPTS:
            self._give_up(attempt, "killed", None)
            return
        event = self._read(Delivery(attempt.body.encode(), trusted=attempt.trusted))
        if event is None:
            return
        try:
            self._handle([event], counted=True)
        except Exception as error:
            self._failed(attempt, error)

    def _handle(self, events: list[Event], counted: bool = False) -> None:
        """Write inbox rows, effects and the events that follow in one transaction.

        `counted`: an attempt at the one event was begun. It ends here, also if the epoch has
        changed since; then catch-up brings the event, if it is real.
        """
        started = perf_counter()
        with self.database.transaction() as session, traced(events[0].envelope.traceparent):
            by_id = {event.envelope.id: event for event in self._of_this_epoch(session, events)}
            new = unseen(session, by_id)
            self._call_handlers(session, [by_id[event_id] for event_id in by_id if event_id in new])
            # Only one that is handled alone can have failed.
            if len(events) == 1 and (by_id or counted):
                attempts.forget_attempts(session, events[0].envelope.id)
        self._measure(perf_counter() - started, by_id, new)

    def _of_this_epoch(self, session: Session, events: list[Event]) -> list[Event]:
        """Leave out what the broker kept from before a restore; catch-up brings what is real."""
        epoch = current_epoch(session)
        ours = [event for event in events if event.envelope.trusted or is_of(event, epoch)]
        self._note_foreign(len(events) - len(ours))
        return ours

    def _note_foreign(self, count: int) -> None:
        if count:
            EVENTS_HANDLED.labels(self.service, "", "foreign").inc(count)
            log.warning("events of another epoch refused", service=self.service, count=count)

    def _call_handlers(self, session: Session, events: list[Event]) -> None:
        groups: dict[type[Event], list[Event]] = {}
        for event in events:
            groups.setdefault(type(event), []).append(event)
        for contract, group in groups.items():
            self.handlers[contract](session, group)

    def _measure(self, seconds: float, by_id: dict[UUID, Event], new: set[UUID]) -> None:
        HANDLER_SECONDS.labels(self.service).observe(seconds)
        for event_id, event in by_id.items():
            outcome = "handled" if event_id in new else "seen_before"
            EVENTS_HANDLED.labels(self.service, event.type, outcome).inc()
        if not by_id:
            return
        last = next(reversed(by_id.values()))
        lag = (clock.now() - last.envelope.time).total_seconds()
        LAG.labels(self.service).observe(max(0.0, lag))

    def _begin_due_attempt(self) -> BegunAttempt | None:
        with self.database.transaction() as session:
            return attempts.begin_due_attempt(session)

    def _defer(self, event: Event, error: BaseException) -> None:
        with self.database.transaction() as session:
            attempts.defer(session, event, error)
        EVENTS_HANDLED.labels(self.service, event.type, "deferred").inc()
        log.warning(
            "event failed, will be tried again",
            service=self.service,
            type=event.type,
            event_id=str(event.envelope.id),
            error=in_one_line(error),
        )

    def _failed(self, attempt: BegunAttempt, error: Exception) -> None:
        """Note a failed attempt, or give the event up. Raises the error again if it will pass."""
        if is_passing(error):
            self._to_take_back.add(attempt.event_id)
            with suppress(Exception):  # if the database is away, `retry_due` does it later
                self._take_back()
            raise error
        if attempt.number >= MAX_ATTEMPTS:
            self._give_up(attempt, "failed", in_one_line(error))
            return
        with self.database.transaction() as session:
            attempts.note_failure(session, attempt, error)

    def _take_back(self) -> None:
        for event_id in list(self._to_take_back):
            with self.database.transaction() as session:
                attempts.take_back(session, event_id)
            self._to_take_back.discard(event_id)

    def _give_up(self, attempt: BegunAttempt, reason: Reason, error: str | None) -> None:
        number = min(attempt.number, MAX_ATTEMPTS)
        self._make_dead_letter(GivenUp(attempt.event_id, attempt.body, reason, error, number))

    def _give_up_unread(
        self, delivery: Delivery, reason: Reason, error: str | None, number: int = 1
    ) -> None:
        event_id = event_id_in(delivery.body)
        if event_id is not None and not delivery.trusted:  # without an id it cannot be replayed
            with self.database.transaction() as session:
                epoch = current_epoch(session)
            if epoch is None or epoch_in(delivery.body) != epoch:
                self._note_foreign(1)
                return
        # Each copy without an id is a row of its own, so of these less is kept.
        most = KEPT_CHARACTERS if event_id is None else MOST_BYTES
        body = as_text(delivery.body, most)
        self._make_dead_letter(GivenUp(event_id, body, reason, error, number))

    def _make_dead_letter(self, letter: GivenUp) -> None:
        """Store a dead letter, whatever the event holds. Raises TryAgain if not even that works."""
        try:
            self._store_letter(letter)
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("dead letter refused, its body is left out", service=self.service)
            self._store_without_body(letter)
        EVENTS_HANDLED.labels(self.service, "", "dead").inc()
        log.error(
            "event given up",
            service=self.service,
            event_id=str(letter.event_id),
            reason=letter.reason,
            error=letter.error,
        )

    def _store_letter(self, letter: GivenUp) -> None:
        with self.database.transaction() as session:
            attempts.give_up(session, letter)

    def _store_without_body(self, letter: GivenUp) -> None:
        try:
            self._store_letter(replace(letter, body="(could not be stored)", error=None))
        except Exception as error:
            raise TryAgain from error


_UNSEEN = text(
    """
    INSERT INTO inbox (event_id) SELECT received FROM unnest(:ids) AS received
    WHERE NOT EXISTS (
      SELECT FROM dead_letters AS dead WHERE dead.event_id = received AND dead.replayed_at IS NULL
        AND dead.reason <> 'unreadable'
    )
    ON CONFLICT DO NOTHING RETURNING event_id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
"""An event that was given up counts as seen until somebody replays it. Otherwise each redelivery
would begin its attempts anew. An unreadable copy does not: the feed may hold a readable one."""


def unseen(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Insert inbox rows for these events; return the ids that are new.

    They are sorted, so that two buses lock in one order.
    """
    return set(session.scalars(_UNSEEN, {"ids": sorted(ids)}))


def is_of(event: Event, epoch: UUID | None) -> bool:
    """Tell whether an event carries this epoch. One without any belongs to none."""
    return epoch is not None and event.envelope.epoch == epoch


def is_settled(session: Session, event_id: UUID) -> bool:
    """Tell whether an event took effect here or was given up."""
    if session.get(InboxRow, event_id) is not None:
        return True
    return attempts.is_given_up(session, event_id)

"""The listening side: each fact takes effect once, whatever is delivered twice, late, or cut off by
a crash.

One transaction holds the inbox rows, the effects of the handlers and the facts they publish. What
fails is tried again from a row with a due time, after five attempts it becomes a dead letter; the
database, not the broker, remembers. Connection loss, deadlocks and serialization errors are
nobody's fault: they raise `TryAgain` and count nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import Uuid

from shared.contracts.base import Event, UnknownEvent
from shared.core import clock
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.logs import get_logger, traced
from shared.core.metrics import EVENTS_HANDLED, HANDLER_SECONDS, LAG
from shared.db.contention import is_contention, is_database_away
from shared.db.engine import Database, using
from shared.db.types import Plumbing
from shared.messaging.attempts import (
    IN_HAND,
    MAX_ATTEMPTS,
    Attempt,
    DeadLetter,
    is_buried,
    next_attempt,
)
from shared.messaging.envelope import as_text, event_id_in, read_event

log = get_logger(__name__)

Handler = Callable[[Session, list[Any]], None]
HANDLERS_ATTRIBUTE = "__handles__"


class InboxRow(Plumbing):
    """A fact that took effect here. Kept 45 days, longer than any feed, so that a replay finds
    it.
    """

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=app_now())


class TryAgain(Exception):
    """The database is away or busy. Keep the messages in hand, wait, and call again; nothing was
    counted.
    """


def handles(*events: type[Event]) -> Callable[[Handler], Handler]:
    """Mark the one function of a service that reacts to these facts. It takes a list and may work
    set-wise.
    """

    def mark(handler: Handler) -> Handler:
        setattr(handler, HANDLERS_ATTRIBUTE, events)
        return handler

    return mark


def handlers_in(module: Any) -> dict[type[Event], Handler]:
    """Every `@hears` function of an `events` module, by fact."""
    found: dict[type[Event], Handler] = {}
    for value in vars(module).values():
        for cls in getattr(value, HANDLERS_ATTRIBUTE, ()):
            if found.setdefault(cls, value) is not value:
                raise ValueError(f"{cls.type} has two handlers in {module.__name__}.")
    return found


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the broker, the feed or the attempts table hands it over."""

    body: bytes
    redelivered: bool = False
    returned: bool = False  #: the broker gave up on it (its delivery limit)


@contextmanager
def _trying_again() -> Iterator[None]:
    """Turn what is nobody's fault into TryAgain."""
    try:
        yield
    except Exception as error:
        if is_database_away(error) or is_contention(error):
            raise TryAgain from error
        raise


class Inbox:
    """What one service does with what it hears."""

    def __init__(self, database: Database, handlers: dict[type[Event], Handler]) -> None:
        self.database = database
        self.service = database.service
        self.handlers = handlers
        self._nobodys_fault: set[UUID] = set()

    def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Make every delivery take effect once, or remember it. Afterwards all of them may be
        acknowledged.

        Raises TryAgain when the database is away; calling again with the same deliveries is
        harmless.
        """
        with using(self.database), _trying_again():
            self._together(
                [event for d in deliveries if not d.redelivered and (event := self._read(d))]
            )
            for delivery in deliveries:
                if delivery.redelivered and (event := self._read(delivery)):
                    self._alone(event)

    def retry_due(self, limit: int = 50) -> int:
        """Try again what is due, each alone. Returns how many were tried."""
        tried = 0
        with using(self.database), _trying_again():
            self._give_back()
            # One at a time: were all counted first, one that kills the process would use up its
            # neighbours' attempts.
            while tried < limit and (row := self._claim_due()):
                self._try_alone(row.event_id, row.body, row.attempts)
                tried += 1
        return tried

    def _read(self, delivery: Delivery) -> Event | None:
        """The fact in a delivery. What cannot be read is a dead letter at once."""
        try:
            if delivery.returned:
                self._bury(
                    event_id_in(delivery.body),
                    as_text(delivery.body),
                    "returned",
                    None,
                    MAX_ATTEMPTS,
                )
                return None
            event = read_event(delivery.body)
            if type(event) in self.handlers:
                return event
            raise UnknownEvent(f"{event.type} is not heard here")
        except UnknownEvent as error:
            self._bury(event_id_in(delivery.body), as_text(delivery.body), "unknown", str(error), 1)
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._bury(
                event_id_in(delivery.body), as_text(delivery.body), "unreadable", _name(error), 1
            )
        return None

    def _together(self, events: list[Event]) -> None:
        """All in one transaction; if that fails, one by one, so that the culprit is found."""
        if not events:
            return
        try:
            self._handle(events)
            return
        except Exception as error:
            if is_database_away(error) or (is_contention(error) and len(events) == 1):
                raise
            if len(events) == 1:
                self._defer(events[0], error)
                return
        for event in events:
            self._together([event])

    def _alone(self, event: Event) -> None:
        """A redelivered message may be what killed a process: its attempt is committed before it is
        handled.

        The first delivery was never counted, so this one is at least the second.
        """
        event_id, body = event.envelope.id, event.envelope.body
        with self.database.transaction() as session:
            if session.get(InboxRow, event_id) is not None or is_buried(session, event_id):
                return
            attempts = session.scalars(
                insert(Attempt)
                .values(event_id=event_id, body=body, attempts=2, due_at=IN_HAND)
                .on_conflict_do_update(
                    index_elements=["event_id"],
                    set_={"attempts": Attempt.attempts + 1, "due_at": IN_HAND},
                )
                .returning(Attempt.attempts)
            ).one()
        self._try_alone(event_id, body, attempts)

    def _try_alone(self, event_id: UUID, body: str, attempts: int) -> None:
        """Handle one fact whose attempt is already counted and committed."""
        if attempts > MAX_ATTEMPTS:
            self._bury(event_id, body, "killed", None, MAX_ATTEMPTS)
            return
        event = self._read(Delivery(body.encode()))
        if event is None:
            return
        try:
            self._handle([event])
        except Exception as error:
            if is_database_away(error) or is_contention(error):
                self._nobodys_fault.add(event_id)
                with suppress(Exception):  # at once, if the database lets us; else when it is back
                    self._give_back()
                raise
            if attempts >= MAX_ATTEMPTS:
                self._bury(event_id, body, "failed", _name(error), attempts)
            else:
                self._note(event_id, _name(error), attempts)

    def _handle(self, events: list[Event]) -> None:
        """One transaction: inbox rows, effects, facts that follow. Raises what a handler raises,
        with all undone.
        """
        started = perf_counter()
        by_id = {event.envelope.id: event for event in events}
        with self.database.transaction() as session, traced(events[0].envelope.traceparent):
            new = unseen(session, by_id)
            for contract, group in _by_contract(
                by_id[event_id] for event_id in by_id if event_id in new
            ).items():
                self.handlers[contract](session, group)
            if len(events) == 1:  # only then may it have been tried before
                session.execute(delete(Attempt).where(Attempt.event_id == events[0].envelope.id))
        HANDLER_SECONDS.labels(self.service).observe(perf_counter() - started)
        for event_id, event in by_id.items():
            EVENTS_HANDLED.labels(
                self.service, event.type, "handled" if event_id in new else "seen_before"
            ).inc()
        LAG.labels(self.service).observe(
            max(0.0, (clock.now() - events[-1].envelope.time).total_seconds())
        )

    def _defer(self, event: Event, error: BaseException) -> None:
        with self.database.transaction() as session:
            session.execute(
                insert(Attempt)
                .values(
                    event_id=event.envelope.id,
                    body=event.envelope.body,
                    attempts=1,
                    error=_name(error),
                    due_at=next_attempt(1),
                )
                .on_conflict_do_nothing()
            )
        EVENTS_HANDLED.labels(self.service, event.type, "deferred").inc()
        log.warning(
            "fact failed, to be tried again",
            service=self.service,
            type=event.type,
            event_id=str(event.envelope.id),
            error=_name(error),
        )

    def _note(self, event_id: UUID, error: str, attempts: int) -> None:
        with self.database.transaction() as session:
            noted = update(Attempt).where(Attempt.event_id == event_id)
            session.execute(noted.values(error=error, due_at=next_attempt(attempts)))

    def _give_back(self) -> None:
        """Take back the counts of attempts that failed by nobody's fault, and make them due
        soon.
        """
        for event_id in list(self._nobodys_fault):
            with self.database.transaction() as session:
                counted = update(Attempt).where(Attempt.event_id == event_id)
                session.execute(
                    counted.values(attempts=Attempt.attempts - 1, due_at=next_attempt(1))
                )
            self._nobodys_fault.discard(event_id)

    def _claim_due(self) -> Any:
        """Count the attempt and push the due time on before trying, so that a crash in between is
        counted too.
        """
        with self.database.transaction() as session:
            due = (
                select(Attempt.event_id)
                .where(Attempt.due_at <= app_now())
                .order_by(Attempt.due_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            return session.execute(
                update(Attempt)
                .where(Attempt.event_id.in_(due.scalar_subquery()))
                .values(attempts=Attempt.attempts + 1, due_at=IN_HAND)
                .returning(Attempt.event_id, Attempt.body, Attempt.attempts)
                .execution_options(synchronize_session=False)
            ).one_or_none()

    def _bury(
        self, event_id: UUID | None, body: str, reason: str, error: str | None, attempts: int
    ) -> None:
        with self.database.transaction() as session:
            dead = insert(DeadLetter).values(
                id=new_id(),
                event_id=event_id,
                body=body,
                reason=reason,
                error=error,
                attempts=attempts,
            )
            session.execute(
                dead.on_conflict_do_update(
                    index_elements=["event_id"],
                    set_={
                        "reason": reason,
                        "error": error,
                        "died_at": app_now(),
                        "replayed_at": None,
                    },
                )
            )
            session.execute(delete(Attempt).where(Attempt.event_id == event_id))
        EVENTS_HANDLED.labels(self.service, "", "dead").inc()
        log.error(
            "fact given up",
            service=self.service,
            event_id=str(event_id),
            reason=reason,
            error=error,
        )


_UNSEEN = text(
    """
    INSERT INTO inbox (event_id) SELECT heard FROM unnest(:ids) AS heard
    WHERE NOT EXISTS (SELECT FROM dead_letters dead WHERE dead.event_id = heard AND dead.replayed_at IS NULL)
    ON CONFLICT DO NOTHING RETURNING event_id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
"""What was given up counts as seen until somebody replays it: else each redelivery would begin its
attempts anew.
"""


def unseen(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Take these facts in, and say which of them are new. Sorted, so that two buses lock in one
    order.
    """
    return set(session.scalars(_UNSEEN, {"ids": sorted(ids)}))


def _by_contract(events: Iterable[Event]) -> dict[type[Event], list[Event]]:
    groups: dict[type[Event], list[Event]] = {}
    for event in events:
        groups.setdefault(type(event), []).append(event)
    return groups


def _name(error: BaseException) -> str:
    """Class and first line: what a person needs, without parameters of statements (they may be
    personal).
    """
    first = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:500]

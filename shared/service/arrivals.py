"""Which events of other services have taken effect here, and which are still on their way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.contracts.base import events_handled_by
from shared.contracts.evidence import EventHeading
from shared.core import clock
from shared.core.clock import app_now
from shared.core.ids import oldest_id_of
from shared.core.settings import Settings
from shared.db.engine import transaction
from shared.db.keyset import PAGE
from shared.db.statements import among
from shared.messaging.attempts import Attempt, DeadLetter
from shared.messaging.inbox import InboxRow
from shared.messaging.outbox import OutboxRow
from shared.service.differences import EVENT_GIVEN_UP, EVENT_MISSING, NOTHING, Difference
from shared.service.evidence import EvidenceReader, evidence_from
from shared.service.evidence_api import kind_for

LOOKED_BACK = timedelta(days=29)
"""A day less than a feed keeps its events: none is deleted while it is compared."""
LATELY = timedelta(minutes=5)
"""Longer than any transaction and than clocks differ: an event with an older id was seen before."""
MARGIN = timedelta(seconds=60)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that has not taken effect here."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime


class Arrivals:
    """The events that one service handles, seen from its inbox."""

    def __init__(self, service: str, settings: Settings, reader: EvidenceReader) -> None:
        self._reader, self._kind = reader, kind_for(service)
        self._sources = sorted({contract.source for contract in events_handled_by(service)})
        self._handled_there = {
            contract.type
            for source in self._sources
            for contract in events_handled_by(source)
            if contract.source == service
        }
        self._patience = MARGIN + timedelta(
            seconds=settings.catch_up_age_seconds + settings.catch_up_every_seconds
        )
        self._lately = clock.now() - LATELY
        self._arrived_lately: set[UUID] = set()
        self.waiting: dict[UUID, WaitingEvent] = {}
        self.about: set[str] = set()  #: ids and subjects of events that are on their way
        self.looked_at = 0

    def look(self) -> None:
        """Look up every event of the last weeks, before anything is compared."""
        lately = oldest_id_of(self._lately)
        for source, events in self._events_since(clock.now() - LOOKED_BACK):
            arrived = _arrived(events)
            self._arrived_lately |= {one for one in arrived if one >= lately}
            self._wait_for(source, [event for event in events if event.id not in arrived])
            self.looked_at += len(events)

    def look_again(self) -> None:
        """Add what came meanwhile: rows that were compared may be older or newer than that."""
        for _, events in self._events_since(self._lately):
            self._explain_by(one for one in events if one.id not in self._arrived_lately)
        self.about |= self._own_on_their_way()

    def differences(self) -> list[Difference]:
        """The events that should have arrived by now.

        Those that wait for another attempt are on their way.
        """
        late = clock.now() - self._patience
        overdue = [event for event in self.waiting.values() if event.time < late]
        found: list[Difference] = []
        for batch in batches_of(overdue, PAGE):
            with transaction() as session:
                found += _differences(session, batch)
        return found

    def _wait_for(self, source: str, events: Sequence[EventHeading]) -> None:
        self._explain_by(events)
        for event in events:
            self.waiting[event.id] = WaitingEvent(
                event.id, source, event.type, event.subject, event.time
            )

    def _explain_by(self, events: Iterable[EventHeading]) -> None:
        for event in events:
            self.about |= {str(event.id), event.subject}

    def _events_since(self, moment: datetime) -> Iterator[tuple[str, list[EventHeading]]]:
        """Pages of the events that this service handles, source by source."""
        for source in self._sources:
            events = evidence_from(
                self._reader, EventHeading, source, self._kind, oldest_id_of(moment)
            )
            for page in batches_of(events, PAGE):
                yield source, page

    def _own_on_their_way(self) -> set[str]:
        """The subjects of events of ours that the others may not have handled yet."""
        since = oldest_id_of(clock.now() - self._patience - LATELY)
        own = select(OutboxRow.subject).where(
            OutboxRow.id > since,
            OutboxRow.created_at > app_now() - self._patience,
            OutboxRow.type.in_(sorted(self._handled_there)),
        )
        with transaction() as session:
            return set(session.scalars(own))


def _arrived(events: Sequence[EventHeading]) -> set[UUID]:
    with transaction() as session:
        return _in_inbox(session, [event.id for event in events])


def _in_inbox(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    return set(session.scalars(select(InboxRow.event_id).where(among(InboxRow.event_id, ids))))


def _differences(session: Session, events: Sequence[WaitingEvent]) -> Iterator[Difference]:
    ids = [event.id for event in events]
    tried = select(Attempt.event_id).where(among(Attempt.event_id, ids))
    settled = _in_inbox(session, ids).union(session.scalars(tried))
    letters = session.execute(
        select(DeadLetter.event_id, DeadLetter.id).where(
            among(DeadLetter.event_id, ids), DeadLetter.replayed_at.is_(None)
        )
    )
    given_up = {row.event_id: row.id for row in letters}
    for event in events:
        there = f"{event.type} {event.subject}"
        if event.id in given_up:
            yield EVENT_GIVEN_UP(event.id, f"dead letter {given_up[event.id]}", there)
        elif event.id not in settled:
            yield EVENT_MISSING(event.id, NOTHING, there)


def batches_of(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Split into lists of `size`; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch

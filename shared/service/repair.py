"""The one repair that is safe by itself: hand an event to this service's inbox once more.

The inbox takes in each event once, and what a handler writes has the key of its cause, so an event
that had taken effect before changes nothing. Books are never written directly.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from pydantic_core import from_json

from shared.contracts.base import events_handled_by
from shared.contracts.evidence import EventEvidence
from shared.messaging.envelope import Envelope
from shared.messaging.inbox import Delivery, Inbox
from shared.service.arrivals import batches_of
from shared.service.differences import EVENT_MISSING, Difference
from shared.service.evidence import EvidenceReader, read_page
from shared.service.evidence_api import kind_for

TOGETHER = 200
"""Events in one transaction, as from a feed."""


def hand_over_again(
    service: str, reader: EvidenceReader, inbox: Inbox, found: Iterable[Difference]
) -> int:
    """Hand the events that never arrived to the inbox; returns how many.

    They take effect once, or fail and are tried again like any other. Raises TryAgain.
    """
    missing = [one.id for one in found if one.kind == EVENT_MISSING.name]
    events = (event for id_ in missing for event in _event(service, reader, id_))
    handed = 0
    for batch in batches_of(events, TOGETHER):
        inbox.receive([Delivery(envelope.to_bytes(), trusted=True) for envelope in batch])
        handed += len(batch)
    return handed


def _event(service: str, reader: EvidenceReader, event_id: UUID) -> Iterator[Envelope]:
    """The message of an event, from whichever service published it."""
    before = UUID(int=event_id.int - 1)
    for source in sorted({contract.source for contract in events_handled_by(service)}):
        for one in read_page(reader, EventEvidence, source, kind_for(service), before, 1):
            if one.id == event_id:
                yield _envelope(source, one)


def _envelope(source: str, event: EventEvidence) -> Envelope:
    return Envelope(
        id=event.id,
        source=f"/{source}",
        type=event.type,
        subject=event.subject,
        time=event.time,
        dataschema=f"/events/{source}/{event.type}/v{event.version}",
        sequence=event.sequence,
        traceparent=event.traceparent,
        data=from_json(event.data),
    )

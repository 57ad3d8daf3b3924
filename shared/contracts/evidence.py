"""What a service shows to an audit: its own rows, as thin as a comparison with copies needs them.

The service that keeps a copy reads them and compares. They hold ids, amounts and states, and the
public names of organisations; nothing about people.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import Event, Received, UnknownEvent, catalogue
from shared.contracts.wishes import ClaimerKind


class Evidence(BaseModel):
    """Base of all evidence: one row of the service that owns it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: ClassVar[str]  #: the service that owns the rows
    kind: ClassVar[str]  #: the last part of the path

    id: UUID  #: rows come in the order of ids


class RecordEvidence(Evidence):
    """A service record that earns: verified, not imported, as it was first recorded."""

    source, kind = "registration", "records"

    volunteer_id: UUID  #: whose it is now, after mergers
    minutes: int


class CorrectionEvidence(Evidence):
    """An approved correction of a record that earns. `id` is the new record."""

    source, kind = "registration", "corrections"

    record_id: UUID  #: the first record of the chain
    minutes: int  #: new minus old; may be negative


class VolunteerEvidence(Evidence):
    """Where a volunteer's registration stands."""

    source, kind = "registration", "volunteers"

    status: str  #: applied, active, suspended, left, merged, erased
    merged_into_id: UUID | None


class OrganisationEvidence(Evidence):
    """An organisation and its place in the tree."""

    source, kind = "registration", "organisations"

    name: str  #: public
    organisation_kind: str
    parent_id: UUID | None


class WishEvidence(Evidence):
    """A wish that is or was on the tree, or was withdrawn."""

    source, kind = "wishes", "wishes"

    status: str  #: published, claimed, fulfilled, confirmed, withdrawn, expired
    claimer_id: UUID | None
    claimer_kind: ClaimerKind | None
    proposed_minutes: int


class EventHeading(Evidence):
    """A published event without its fields: whether it arrived is all that is asked."""

    type: str
    subject: str
    time: datetime  #: when the publisher committed it


class EventEvidence(EventHeading):
    """A published event, whole, so that it can be handed over again."""

    version: int
    sequence: int
    traceparent: str | None
    data: str  #: its fields as JSON

    def read(self) -> Event:
        """Read it as its contract. Raises UnknownEvent, or ValueError for bad data."""
        contract = catalogue().get((self.type, self.version))
        if contract is None:
            raise UnknownEvent(f"{self.type} v{self.version}")
        received = Received(self.id, self.sequence, self.time, self.traceparent)
        return contract.model_validate_json(self.data).received_in(received)

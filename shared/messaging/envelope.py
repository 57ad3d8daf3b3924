"""The message around an event: CloudEvents 1.0 as structured JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic_core import from_json, to_json

from shared.contracts.base import Event, Received, UnknownEvent, catalogue
from shared.core.json import JsonObject
from shared.messaging.outbox import EnvelopeRow

Sequence = Annotated[int, PlainSerializer(str, return_type=str)]
"""A string in the message, as the extension wants it:
https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md"""

Instant = Annotated[AwareDatetime, PlainSerializer(datetime.isoformat, return_type=str)]
"""With `+00:00`, as ever: older parsers of subscribers do not read `Z`."""


class Envelope(BaseModel):
    """One message: the attributes of CloudEvents 1.0, three extensions, and `data`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: Sequence
    traceparent: str | None = Field(default=None, exclude_if=lambda value: value is None)
    epoch: UUID | None = Field(default=None, exclude_if=lambda value: value is None)
    data: JsonObject  #: the event's own fields, checked by its contract

    @classmethod
    def of(cls, source: str, row: EnvelopeRow) -> Self:
        """Build the message of an outbox row. The row is ours, so nothing is checked again."""
        return cls.model_construct(
            id=row.id,
            source=f"/{source}",
            type=row.type,
            subject=row.subject,
            time=row.created_at,
            dataschema=f"/events/{source}/{row.type}/v{row.version}",
            sequence=row.sequence,
            traceparent=row.traceparent,
            epoch=row.epoch,
            data=from_json(row.data),
        )

    def to_bytes(self) -> bytes:
        """Write the message as UTF-8 JSON."""
        return to_json(self)

    @property
    def version(self) -> int:
        """The version of the event's contract, the last part of `dataschema`."""
        return int(self.dataschema.rpartition("/v")[2])


def read_event(body: bytes, trusted: bool = False) -> Event:
    """Read a received message as its contract. Unknown fields are ignored.

    Raises UnknownEvent for a type or version that is not in the catalogue, ValueError for what is
    no CloudEvent.
    """
    envelope = Envelope.model_validate_json(body)
    contract = catalogue().get((envelope.type, envelope.version))
    if contract is None:
        raise UnknownEvent(f"{envelope.type} v{envelope.version}")
    received = Received(
        id=envelope.id,
        sequence=envelope.sequence,
        time=envelope.time,
        traceparent=envelope.traceparent,
        body=body.decode(),
        epoch=envelope.epoch,
        trusted=trusted,
    )
    return contract.model_validate(envelope.data).received_in(received)


def event_id_in(body: bytes) -> UUID | None:
    """The id in a message that may be unreadable otherwise; None if there is none."""
    try:
        return UUID(from_json(body)["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def epoch_in(body: bytes) -> UUID | None:
    """The epoch in a message that may be unreadable otherwise; None if there is none."""
    try:
        return UUID(from_json(body)["epoch"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def as_text(body: bytes) -> str:
    """A message as a text column can hold it: no bytes but UTF-8, no NUL."""
    return body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")

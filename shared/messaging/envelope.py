"""The message around an event: CloudEvents 1.0 as structured JSON.

Reading is total: any bytes are an event, or `Unreadable` with the reason.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import from_json, to_json

from shared.contracts import bounds
from shared.contracts.base import Event, Received, UnknownEvent, catalogue
from shared.core.json import JsonObject, made_storable, read_json
from shared.messaging.outbox import EnvelopeRow

MOST_BYTES = 64 * 1024
"""The largest message that is read; ours have less than 2 KB. With 400 in the prefetch window of
each of four services, the largest take 100 MB of a bus."""
KEPT_CHARACTERS = 16 * 1024
"""How much a dead letter keeps of a larger one, or of one without a readable id."""


def _if_text(value: Any) -> Any:
    """Ignore a trace that is none: it only serves logs, and `traced` ignores a malformed one."""
    return value if isinstance(value, str) else None


Sequence = Annotated[
    int, Field(ge=0, le=bounds.LAST_SEQUENCE), PlainSerializer(str, return_type=str)
]
"""A string in the message, as the extension wants it:
https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md"""

Instant = Annotated[
    AwareDatetime, AfterValidator(bounds.near), PlainSerializer(datetime.isoformat, return_type=str)
]
"""With `+00:00`, as ever: older parsers of subscribers do not read `Z`."""

Trace = Annotated[str | None, BeforeValidator(_if_text)]
Attribute = Annotated[str, Field(max_length=200, pattern=bounds.WITHOUT_NUL)]


class Envelope(BaseModel):
    """One message: the attributes of CloudEvents 1.0, three extensions, and `data`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: Attribute
    type: Attribute
    subject: Attribute
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[Attribute, Field(pattern=r"/v[0-9]{1,6}$")]
    sequence: Sequence
    traceparent: Trace = Field(default=None, exclude_if=lambda value: value is None)
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


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that cannot be handled, however often it comes."""

    reason: Literal["unreadable", "unknown"]
    error: str


def read_message(
    body: bytes, handled: Container[type[Event]], trusted: bool = False
) -> Event | Unreadable:
    """Read any bytes as one of the events that are handled. Raises nothing but MemoryError."""
    try:
        event = read_event(body, trusted)
        if type(event) not in handled:
            raise UnknownEvent(f"{event.type} is not handled here")
        return event
    except UnknownEvent as error:
        return Unreadable("unknown", str(error))
    except MemoryError:  # says something about this process, not about the message
        raise
    except Exception as error:  # whatever is wrong with it, it stays wrong
        return Unreadable("unreadable", _in_words(error))


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)[:3]
        reasons = (f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in found)
        return f"{error.title}: {'; '.join(reasons)}"
    return f"{type(error).__name__}: {error}"


def read_event(body: bytes, trusted: bool = False) -> Event:
    """Read a received message as its contract. Unknown fields are ignored.

    Raises UnknownEvent for a type or version that is not in the catalogue, ValueError or
    RecursionError for what is no CloudEvent.
    """
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    text = body.decode()
    envelope = Envelope.model_validate(read_json(text))
    contract = catalogue().get((envelope.type, envelope.version))
    if contract is None:
        raise UnknownEvent(f"{envelope.type} v{envelope.version}")
    received = Received(
        id=envelope.id,
        sequence=envelope.sequence,
        time=envelope.time,
        traceparent=envelope.traceparent,
        body=text,
        epoch=envelope.epoch,
        trusted=trusted,
    )
    return contract.model_validate(envelope.data).received_in(received)


def event_id_in(body: bytes) -> UUID | None:
    """The id in a message that may be unreadable otherwise; None if there is none."""
    try:
        return UUID(from_json(body[: MOST_BYTES + 1])["id"])
    except Exception:  # it is only a hint
        return None


def epoch_in(body: bytes) -> UUID | None:
    """The epoch in a message that may be unreadable otherwise; None if there is none."""
    try:
        return UUID(from_json(body[: MOST_BYTES + 1])["epoch"])
    except Exception:  # without one it is foreign
        return None


def as_text(body: bytes, most: int = MOST_BYTES) -> str:
    """A message as a text column can hold it, and one of more than `most` bytes shortened."""
    if len(body) <= most:
        return made_storable(body.decode("utf-8", "backslashreplace"))
    # The cut may lie inside of a character, and bytes that are written out need four characters.
    kept = made_storable(body[:KEPT_CHARACTERS].decode("utf-8", "backslashreplace"))
    return f"{kept[:KEPT_CHARACTERS]} ... cut: the message had more than {most} bytes"

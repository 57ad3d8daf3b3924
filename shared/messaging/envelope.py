"""The message around a fact: structured CloudEvents 1.0 JSON, written and read."""

from datetime import datetime
from json import dumps
from uuid import UUID

from pydantic_core import from_json

from shared.contracts.base import Envelope, Event, UnknownEvent, catalogue
from shared.messaging.outbox import EnvelopeRow


def cloud_event(source: str, row: EnvelopeRow) -> bytes:
    """The row as a structured CloudEvents 1.0 JSON message; `data` is put in as it was stored."""
    attributes = {
        "specversion": "1.0",
        "id": str(row.id),
        "source": f"/{source}",
        "type": row.type,
        "subject": row.subject,
        "time": row.created_at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"/events/{source}/{row.type}/v{row.version}",
        "sequence": str(row.sequence),
    }
    if row.traceparent:
        attributes["traceparent"] = row.traceparent
    return (dumps(attributes, ensure_ascii=False)[:-1] + ', "data": ' + row.data + "}").encode()


def read_event(body: bytes | str) -> Event:
    """A received CloudEvent as its contract. Unknown fields are ignored.

    Raises UnknownFact for a type or version that is not in the catalogue, ValueError for what is no
    CloudEvent.
    """
    event = from_json(body)
    envelope = Envelope(
        id=UUID(event["id"]),
        sequence=int(event["sequence"]),
        time=datetime.fromisoformat(event["time"]),
        traceparent=event.get("traceparent"),
        body=as_text(body),
    )
    _, _, version = event["dataschema"].rpartition("/v")
    contract = catalogue().get((event["type"], int(version)))
    if contract is None:
        raise UnknownEvent(f"{event['type']} v{version}")
    return contract.model_validate(event["data"]).received_in(envelope)


def event_id_in(body: bytes | str) -> UUID | None:
    try:
        return UUID(from_json(body)["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def as_text(body: bytes | str) -> str:
    return (
        body
        if isinstance(body, str)
        else body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    )

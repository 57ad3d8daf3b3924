"""Messages as an enemy, a bug or a bad disk would write them: seeded, and the same each time."""

import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from shared.contracts.base import Event, events_handled_by
from shared.contracts.registration import VolunteerActivated
from shared.contracts.wishes import ClaimerKind, WishConfirmed
from shared.core import clock
from shared.core.ids import new_id
from shared.messaging.envelope import Envelope, epoch_in, event_id_in
from shared.messaging.epoch import FIRST_EPOCH

NUMBERS = [0, -1, 1440, 1441, 2**31, 2**53, 2**63 - 1, 2**63, 10**18, 10**400, 1e400, -1e400, 0.5]
TEXTS = [
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202e",
    "\x1b[2J",
    "𐀀" * 300,
    "x" * 9_000,
]
TIMES = ["2026-11-23T08:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "now", "1"]
HOSTILE: list[Any] = [*NUMBERS, *TEXTS, *TIMES, None, True, float("nan"), [], {}, [[[]]], {"": {}}]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
hostile = st.sampled_from(HOSTILE) | json_values


def message_of(source: str, contract: type[Event], data: Any, event_id: UUID) -> dict[str, Any]:
    """A message of a contract with any data."""
    row = SimpleNamespace(
        id=event_id,
        sequence=7,
        type=contract.type,
        version=contract.version,
        subject=str(event_id),
        data=json.dumps(data),
        traceparent=None,
        created_at=clock.now(),
        epoch=FIRST_EPOCH,
    )
    found: dict[str, Any] = json.loads(Envelope.of(source, row).to_bytes())
    return found


def expected_ids(messages: Iterable[bytes]) -> list[UUID | None]:
    """The event ids that are handled or buried afterwards; None for each without an id.

    What names an event of another epoch, or of none, is refused and leaves no trace.
    """
    found = ((event_id_in(body), epoch_in(body)) for body in messages)
    return [event_id for event_id, epoch in found if event_id is None or epoch == FIRST_EPOCH]


def good_message(service: str) -> tuple[UUID, bytes]:
    """An honest event that a service handles, and its id."""
    event_id, contract = (
        new_id(),
        WishConfirmed if service == "registration" else VolunteerActivated,
    )
    data: dict[str, Any] = {"volunteer_id": str(new_id())}
    if contract is WishConfirmed:
        data = {
            "wish_id": str(new_id()),
            "station_id": str(new_id()),
            "title": "一本书",
            "claimer_id": str(new_id()),
            "claimer_kind": ClaimerKind.VOLUNTEER.value,
        }
    return event_id, json.dumps(message_of(contract.source, contract, data, event_id)).encode()


@st.composite
def honest(draw: st.DrawFn, service: str) -> dict[str, Any]:
    """A message that keeps to the schema of its contract."""
    contract = draw(
        st.sampled_from(sorted(events_handled_by(service), key=lambda one: one.routing_key()))
    )
    data = draw(_data_of(contract))
    return message_of(contract.source, contract, data, draw(st.uuids()))


@cache
def _data_of(contract: type[Event]) -> st.SearchStrategy[Any]:
    schema = contract.model_json_schema()
    fields = {name: _of(field, schema) for name, field in schema["properties"].items()}
    return st.fixed_dictionaries(fields)


def _of(field: dict[str, Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a field, by its part of a contract's schema."""
    if "$ref" in field:
        return _of(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "enum" in field:
        return st.sampled_from(field["enum"])
    if "anyOf" in field:
        return st.one_of(*(_of(option, schema) for option in field["anyOf"]))
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(field.get("minimum", 0), field.get("maximum", 9)),
        "string": _TEXTS_OF.get(field.get("format", ""), st.text(st.characters(codec="utf-8"))),
    }
    return by_type[field["type"]]


_TEXTS_OF: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str),
    "date-time": st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day}T08:00:00.5Z"),
}


@st.composite
def with_a_hostile_value(draw: st.DrawFn, service: str) -> bytes:
    """One member of the envelope or of its data is gone, or something else."""
    message = draw(honest(service))
    where = message["data"] if draw(st.booleans()) and message["data"] else message
    key = draw(st.sampled_from(sorted(set(where) - {"epoch"})))
    if draw(st.integers(0, 4)) == 0:
        del where[key]
    else:
        where[key] = draw(hostile)
    return json.dumps(message).encode()


@st.composite
def with_broken_bytes(draw: st.DrawFn, service: str) -> bytes:
    """Bytes were lost, added or changed on the way."""
    body = json.dumps(draw(honest(service))).encode()
    begin = draw(st.integers(0, len(body)))
    end = draw(st.integers(begin, min(len(body), begin + 20)))
    return body[:begin] + draw(st.binary(max_size=8)) + body[end:]


@st.composite
def with_a_repeated_key(draw: st.DrawFn, service: str) -> bytes:
    message = draw(honest(service))
    key = draw(st.sampled_from(sorted(message)))
    return b'{"%s":%s,' % (key.encode(), json.dumps(draw(hostile)).encode()) + json.dumps(
        message
    ).encode().lstrip(b"{")


NESTED = [b"[" * n + b"]" * n for n in (50, 900, 10_000)] + [b'{"a":' * 10_000, b"[" * 70_000]


def messages_for(service: str) -> st.SearchStrategy[bytes]:
    """Any message that may lie in a service's queue."""
    return st.one_of(
        honest(service).map(lambda message: json.dumps(message).encode()),
        with_a_hostile_value(service),
        with_a_hostile_value(service),
        with_broken_bytes(service),
        with_a_repeated_key(service),
        json_values.map(lambda value: json.dumps(value).encode()),
        st.binary(max_size=200),
        st.sampled_from(NESTED),
    )


def poison(services: Iterable[str], count: int, number: int) -> list[tuple[str, bytes]]:
    """So many messages with the service whose queue they go to; `number` is the seed."""
    found: list[tuple[str, bytes]] = []
    one = st.sampled_from(sorted(services)).flatmap(
        lambda service: st.tuples(st.just(service), messages_for(service))
    )

    @seed(number)
    @settings(
        max_examples=max(1, count // 20),
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(one, min_size=20, max_size=20))
    def draw(messages: list[tuple[str, bytes]]) -> None:
        found.extend(messages)

    draw()
    return found[:count]

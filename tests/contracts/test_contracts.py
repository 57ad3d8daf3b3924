"""Contracts of events only grow, have one publisher, and every queue has the handlers it needs."""

import ast
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from console.contracts import DOCS
from console.services import definition_of
from shared import SERVICES
from shared.contracts.base import Event, catalogue, events_handled_by, events_published_by
from shared.messaging.envelope import Envelope

ROOT = Path(__file__).parents[2]
CONTRACTS = sorted(catalogue().values(), key=lambda c: c.dataschema())
PERSONAL = (
    "phone",
    "email",
    "openid",
    "birth",
    "address",
    "identity",
    "guardian",
    "beneficiary",
    "person_name",
    "code",
)


def exported(contract: type[Event]) -> dict[str, Any]:
    path = Path(DOCS) / f"{contract.source}.{contract.type}.v{contract.version}.json"
    assert path.exists(), f"{path.name} is missing: run `wishtree events catalogue --write`"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def lost_between(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """List what a handler could rely on before and no longer can."""
    lost = [
        f"{name}: no longer always there" for name in old["required"] if name not in new["required"]
    ]
    for name, field in old["properties"].items():
        if name not in new["properties"]:
            lost.append(f"{name}: gone")
        elif shape(field, old) != shape(new["properties"][name], new):
            lost.append(f"{name}: another type")
    return lost


def shape(field: dict[str, Any], document: dict[str, Any]) -> Any:
    """Return type and format of a field; of an enum only that it is one: values may be added."""
    if "$ref" in field:
        target = document["$defs"][field["$ref"].rpartition("/")[2]]
        return ("enum", target["type"]) if "enum" in target else shape(target, document)
    if "anyOf" in field:
        return tuple(sorted(str(shape(option, document)) for option in field["anyOf"]))
    return (field.get("type"), field.get("format"))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.routing_key())
def test_a_contract_only_grows(contract: type[Event]) -> None:
    old, new = exported(contract), contract.model_json_schema(mode="serialization")
    assert not lost_between(old, new), (
        "handlers rely on what was exported: make a new version instead"
    )
    assert old == new, (
        "the contract grew: run `wishtree events catalogue --write` and commit the schema"
    )


def narrowed_between(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """List bounds that refuse what was published before.

    A field without a bound may get one: no honest event exceeds it, and its API refuses the rest.
    """
    return [
        f"{name}: {keyword}"
        for name, field in old["properties"].items()
        for keyword, widens in WIDENS.items()
        if keyword in field and not widens(field[keyword], new["properties"][name].get(keyword))
    ]


WIDENS: dict[str, Callable[[Any, Any], bool]] = {
    "maximum": lambda old, new: new is None or new >= old,
    "maxLength": lambda old, new: new is None or new >= old,
    "minimum": lambda old, new: new is None or new <= old,
    "pattern": lambda old, new: new in (None, old),
}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.routing_key())
def test_bounds_are_only_widened(contract: type[Event]) -> None:
    new = contract.model_json_schema(mode="serialization")
    assert not narrowed_between(exported(contract), new), "events in outboxes would be unreadable"


@pytest.mark.parametrize("change", [("maximum", 60), ("minimum", 2)])
def test_a_bound_that_is_narrowed_is_noticed(change: tuple[str, int]) -> None:
    old = catalogue()["hours.recorded", 1].model_json_schema(mode="serialization")
    new = json.loads(json.dumps(old))
    new["properties"]["minutes"][change[0]] = change[1]
    assert narrowed_between(old, new)
    assert not narrowed_between(new, old)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.routing_key())
def test_every_number_and_text_of_an_event_is_bounded(contract: type[Event]) -> None:
    schema = contract.model_json_schema()
    for name, field in schema["properties"].items():
        for option in field.get("anyOf", [field]):
            if option.get("type") == "integer":
                assert {"minimum", "maximum"} <= option.keys(), name
            elif option.get("type") == "string" and "format" not in option:
                assert {"maxLength", "pattern"} <= option.keys(), name
            assert option.get("type") not in ("array", "object", "number"), name


@pytest.mark.parametrize("change", ["remove", "retype", "optional"])
def test_a_contract_that_shrinks_is_noticed(change: str) -> None:
    old = catalogue()["hours.recorded", 1].model_json_schema(mode="serialization")
    new = json.loads(json.dumps(old))
    if change == "remove":
        del new["properties"]["minutes"]
    elif change == "retype":
        new["properties"]["minutes"] = {"type": "string"}
    else:
        new["required"].remove("minutes")
    assert lost_between(old, new)


def test_no_exported_schema_lost_its_contract() -> None:
    known = {f"{c.source}.{c.type}.v{c.version}.json" for c in CONTRACTS}
    assert {path.name for path in Path(DOCS).glob("*.v*.json")} == known


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.routing_key())
def test_a_contract_says_what_it_means_and_carries_nothing_personal(contract: type[Event]) -> None:
    assert contract.__doc__
    assert contract.subject_field in contract.model_fields
    for name in contract.model_fields:
        assert not any(word in name for word in PERSONAL if name != "reason_code"), (
            f"{contract.type}.{name}"
        )
    Draft202012Validator.check_schema(contract.model_json_schema())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_handles_exactly_what_its_queue_is_bound_to(service: str) -> None:
    assert set(definition_of(service).handlers()) == set(events_handled_by(service))


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_is_published_by_its_source_and_by_no_other_service(service: str) -> None:
    names = {contract.__name__ for contract in CONTRACTS}
    made = {name for name in classes_called_in(ROOT / "services" / service) if name in names}
    assert made == {contract.__name__ for contract in events_published_by(service)}


def classes_called_in(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id


def test_a_message_is_a_cloud_event() -> None:
    """Checked by the rules of CloudEvents 1.0, not by our own code."""
    row = SimpleNamespace(
        id=UUID(int=7),
        sequence=3,
        type="voucher.issued",
        version=1,
        subject="x",
        data='{"points": 1}',
        traceparent=None,
        created_at=datetime.now(UTC),
    )
    event = json.loads(Envelope.of("rewards", row).to_bytes())
    assert event["specversion"] == "1.0"
    assert {"id", "source", "type"} <= event.keys()
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert all(name.isalnum() and name.islower() for name in event)
    assert event["data"] == {"points": 1}

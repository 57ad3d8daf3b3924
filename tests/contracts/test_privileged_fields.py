"""Nobody writes a field that is not theirs: every write refuses fields that it does not name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devkit.testkit import District, Member
from shared import SERVICES
from shared.auth.access import access_of
from shared.auth.principal import Role
from shared.core.ids import new_id

PRIVILEGED = {
    *(
        "id",
        "status",
        "role",
        "roles",
        "is_admin",
        "is_staff",
        "admin",
        "scope",
        "scopes",
        "secret",
    ),
    *("organisation_id", "venue_id", "holder_id", "volunteer_id", "claimer_id", "phone_hash"),
    *("created_at", "created_by", "approved_by", "confirmed_by", "lease_until", "fence", "bucket"),
    *("points", "balance", "amount", "points_available", "minutes_credited", "verified", "txid"),
    *("sequence", "__proto__", "constructor"),
}
CHOOSES = {"/v1/rules": {"kind": "earn"}}  #: what decides on the fields that a body has
WHOLE_BODY = ""
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True, slots=True)
class Write:
    """A route that takes a JSON body, with the fields that it names."""

    method: str
    path: str
    fields: frozenset[str]
    roles: frozenset[Role]


def writes_of(member: Member) -> Iterator[Write]:
    """Every write of which the document describes a JSON object."""
    document = member.call("GET", f"/{member.service}/openapi.json").get_json()
    views = {
        (method, rule.rule): access_of(member.app.view_functions[rule.endpoint])
        for rule in member.app.url_map.iter_rules()
        for method in (rule.methods or set()) & WRITES
    }
    for (method, rule), access in sorted(views.items()):
        path = rule.replace("<uuid:", "{").replace("<", "{").replace(">", "}")
        operation = document["paths"].get(path, {}).get(method.lower(), {})
        schema = _resolved(document, _json_schema(operation))
        if schema:
            example = path
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    example = example.replace(f"{{{parameter['name']}}}", str(new_id()))
            yield Write(method, example, frozenset(schema.get("properties", {})), access.roles)


def _json_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    found: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return found


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def sender(district: District, write: Write) -> str | None:
    """Somebody who may call it; nobody if it is open to all."""
    if not write.roles:
        return district.token("system", "s", scopes="messages:send records:write")
    for role in (Role.STAFF, Role.COORDINATOR, Role.VOLUNTEER, Role.VENUE):
        if role in write.roles:
            return district.token(role, organisation=new_id())
    raise AssertionError(write)


def pointers(response: Any) -> set[str]:
    return {error["pointer"].removeprefix("/") for error in response.get_json().get("errors", [])}


@pytest.mark.check("S3")
@pytest.mark.parametrize("service", SERVICES)
def test_every_write_refuses_every_field_that_it_does_not_name(
    district: District, service: str
) -> None:
    member, wrong, tried = district.services[service], [], 0
    for write in writes_of(member):
        foreign = PRIVILEGED - write.fields
        body = dict.fromkeys(foreign, "1") | CHOOSES.get(write.path, {})
        response = member.call(write.method, write.path, body, as_=sender(district, write))
        tried += 1
        named = pointers(response)
        if response.status_code != 422 or not (foreign <= named or WHOLE_BODY in named):
            wrong.append((write.method, write.path, response.status_code, response.get_json()))
    assert tried >= 4
    assert not wrong, wrong


@pytest.mark.check("S3")
@pytest.mark.parametrize("body", ["text", 5, [], [{}], True, {"": {}}], ids=str)
@pytest.mark.parametrize("service", SERVICES)
def test_every_write_refuses_a_body_of_another_type(
    district: District, service: str, body: Any
) -> None:
    member = district.services[service]
    for write in writes_of(member):
        response = member.call(write.method, write.path, body, as_=sender(district, write))
        assert response.status_code in (400, 422), (write, response.get_json())

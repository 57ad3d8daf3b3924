"""Who may call which route: the list in `who_may_call.txt`, the code and the documents agree, and
every route is called as everybody.

The list is written by hand, so that a change of rights is seen in a review: each line is
`service METHOD path: who`, where `who` is roles, `system:scope`, or `anybody`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.routing import Rule

from devkit.testkit import District, Member
from shared import SERVICES
from shared.auth.access import access_of
from shared.auth.principal import Role
from shared.auth.tokens import sign_token
from shared.core.ids import new_id
from shared.service.openapi import CONVERTED

LIST = Path(__file__).with_name("who_may_call.txt")
ANYBODY = "anybody"
DOCS = '<any("docs.css", "icon.svg"):name>'
UNASKED = {"HEAD", "OPTIONS"}  #: Flask adds them to every route


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, and who may call it."""

    service: str
    method: str
    path: str
    allowed: frozenset[str]

    def __str__(self) -> str:
        return line(self.service, self.method, self.path, self.allowed)

    def example(self) -> str:
        """A path that matches, with ids that nobody has."""
        return CONVERTED.sub(str(new_id()), self.path.replace(DOCS, "docs.css"))


def line(service: str, method: str, path: str, allowed: Iterable[str]) -> str:
    return f"{service} {method} {path}: {' '.join(sorted(allowed))}"


def listed() -> set[str]:
    lines = LIST.read_text().splitlines()
    return {row for row in lines if row and not row.startswith("#")}


def routes_of(member: Member) -> Iterator[Route]:
    """What the code says, from the map of URLs."""
    for rule in member.app.url_map.iter_rules():
        access = access_of(member.app.view_functions[rule.endpoint])
        allowed = [ANYBODY] if access.public else access.needed()
        for method in methods_of(rule):
            yield Route(member.service, method, rule.rule, frozenset(map(str, allowed)))


def methods_of(rule: Rule) -> set[str]:
    return set(rule.methods or ()) - UNASKED


@pytest.mark.check("S2")
def test_the_code_lets_in_who_is_on_the_list_and_nobody_else(district: District) -> None:
    routes = {str(route) for member in district.services.values() for route in routes_of(member)}
    assert len(routes) > 100
    assert sorted(routes) == sorted(listed())


@pytest.mark.check("S2")
@pytest.mark.parametrize("service", SERVICES)
def test_the_document_names_every_route_of_the_api_and_who_may_call_it(
    district: District, service: str
) -> None:
    member = district.services[service]
    document = member.call("GET", f"/{service}/openapi.json").get_json()
    described = {
        line(service, method.upper(), path, operation.get("x-roles", [ANYBODY]))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    api = {
        line(service, route.method, CONVERTED.sub(r"{\1}", route.path), route.allowed)
        for route in routes_of(member)
        if route.path.startswith("/v1/")
    }
    assert len(api) > 10 and sorted(api - described) == []


def callers(district: District) -> dict[str, str | None]:
    """A token of everybody who may come: each role, a system with each scope that is asked for."""
    scopes = {who for row in listed() for who in row.split() if who.startswith("system:")}
    roles = {str(role): district.token(role) for role in Role if role is not Role.SYSTEM}
    systems = {who: district.token("system", "s", scopes=who.partition(":")[2]) for who in scopes}
    expired = sign_token(district.settings, role=Role.STAFF, subject=new_id(), seconds=-60)
    nobodies = {
        "nobody": None,
        "a stranger": district.token("system", "s", scopes="nothing:at_all"),
        "expired": expired,
    }
    return {**roles, **systems, **nobodies}


@pytest.mark.check("S2")
@pytest.mark.long(reason="every route as everybody")
@pytest.mark.parametrize("service", SERVICES)
def test_every_route_refuses_everybody_who_is_not_on_the_list(
    district: District, service: str
) -> None:
    member, wrong, cells = district.services[service], [], 0
    known = callers(district)
    for route in routes_of(member):
        for name, token in known.items():
            status = member.call(route.method, route.example(), as_=token).status_code
            cells += 1
            if not is_right(route, name, status):
                wrong.append(f"{route} answers {name} with {status}")
    assert cells > 200
    assert not wrong, "\n".join(wrong)


def is_right(route: Route, caller: str, status: int) -> bool:
    """Refused are 401 without a good token and 403 with one. The others get as far as the verb."""
    if caller == "expired":
        return status == 401
    if ANYBODY in route.allowed:
        return status < 500
    if caller == "nobody":
        return status == 401
    return status != 401 and status < 500 if caller in route.allowed else status == 403

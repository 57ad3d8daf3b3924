"""One table of routes: what `gateway.routing` lists and what the apps serve are the same."""

import re
from collections.abc import Iterable

import pytest

from devkit.testkit import District
from gateway.routing import BY_SERVICE, OWN_PAGES, RESOURCES, owner_of
from shared import SERVICES

AT_EACH_SERVICE_ALONE = ("/healthz", "/problems/")
"""The same at every service, so not at the one address."""


def paths_of(district: District, service: str) -> list[str]:
    return [rule.rule for rule in district.services[service].app.url_map.iter_rules()]


def first_parts(paths: Iterable[str], below: str) -> set[str]:
    found = (re.match(rf"/{below}/([a-z.-]+)", path) for path in paths)
    return {match[1] for match in found if match}


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_lists_what_the_service_serves_and_nothing_else(
    district: District, service: str
) -> None:
    paths = paths_of(district, service)
    assert first_parts(paths, "v1") - set(BY_SERVICE) == set(RESOURCES[service])
    assert first_parts(paths, service) == set(OWN_PAGES)


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_has_it_as_its_owner(district: District, service: str) -> None:
    paths = [
        path for path in paths_of(district, service) if not path.startswith(AT_EACH_SERVICE_ALONE)
    ]
    assert {path: owner_of(path) for path in paths} == dict.fromkeys(paths, service)


def test_no_resource_has_two_owners() -> None:
    resources = [resource for names in RESOURCES.values() for resource in names]
    assert len(resources) == len(set(resources))

"""deploy/nginx.conf sends each path to the service that `gateway.routing` names."""

import re
from pathlib import Path

import pytest

from gateway.nginx_map import HIDDEN, nginx_map, with_map
from gateway.pass_through import SAFE_METHODS
from gateway.routing import OWN_PAGES, RESOURCES, owner_of
from shared import SERVICES

CONF = (Path(__file__).parents[2] / "deploy" / "nginx.conf").read_text()
RULES = [
    (re.compile(pattern), target)
    for pattern, target in re.findall(r'^\s+"~(\S+)"\s+([a-z-]+:\d+);$', CONF, re.MULTILINE)
]
AT_SERVICES = [
    *(
        f"/v1/{name}{rest}"
        for names in RESOURCES.values()
        for name in names
        for rest in ("", "/1", ":batch", "/1/a?b=c")
    ),
    *(f"/{service}/{page}" for service in SERVICES for page in OWN_PAGES if page not in HIDDEN),
    *(f"/v1/{part}/{service}" for part in ("events", "audit") for service in SERVICES),
    *(f"/v1/audit/{service}/runs" for service in SERVICES),
    "/.well-known/jwks.json",
]
AT_THE_GATEWAY = [
    "/",
    "/wishes/0192f1c8",
    "/activities",
    "/me",
    "/inbox",
    "/desk",
    "/certificates/QZ-1",
    "/readyz",
    "/healthz",
    "/v1",
    "/v1/nothing",
    "/v1/wishesandmore",
    "/v1/events/nobody",
    "/static/app.css",
]


def target_of(path: str) -> str:
    return next((target for pattern, target in RULES if pattern.search(path)), "gateway:8000")


@pytest.mark.parametrize("path", AT_SERVICES)
def test_a_resource_goes_straight_to_its_service(path: str) -> None:
    path = path.partition("?")[0]
    owner = owner_of(path)
    assert owner is not None
    assert target_of(path) == f"{owner}-api:{8001 + SERVICES.index(owner)}"


@pytest.mark.parametrize("path", AT_THE_GATEWAY)
def test_everything_else_goes_to_the_gateway(path: str) -> None:
    assert owner_of(path) is None
    assert target_of(path) == "gateway:8000"


def test_metrics_stay_inside() -> None:
    hidden = re.search(r"location ~ (\S+) {\s+return 404;", CONF)
    assert hidden is not None
    assert all(re.search(hidden[1], f"/{service}/metrics") for service in SERVICES)


def test_evidence_stays_inside() -> None:
    hidden = re.findall(r"location ~ (\S+) {\s+return 404;", CONF)
    for service in SERVICES:
        assert any(re.search(one, f"/v1/evidence/{service}/records") for one in hidden)
        assert target_of(f"/v1/evidence/{service}/records") == "gateway:8000"


def test_what_a_service_knows_of_its_processes_stays_inside() -> None:
    assert {target_of(f"/{service}/readyz") for service in SERVICES} == {"gateway:8000"}


def test_a_change_that_got_no_answer_may_have_been_made() -> None:
    assert re.findall(r"error_page (\d+) = (\S+);", CONF) == [
        ("502", "$on_502"),
        ("504", "@unanswered"),
    ]
    (by_method,) = re.findall(r"map \$request_method \$on_502 {(.*?)}", CONF, re.DOTALL)
    assert dict(re.findall(r"(\S+) +(@\w+);", by_method)) == {
        "default": "@unanswered",
        **dict.fromkeys(SAFE_METHODS, "@away"),
    }


def test_the_map_is_the_one_that_is_written_from_the_table() -> None:
    assert with_map(CONF) == CONF, "run `python -m gateway.nginx_map`"
    assert nginx_map() in CONF
    assert with_map(CONF.replace("wishes-api:8002", "gateway:8000")) == CONF

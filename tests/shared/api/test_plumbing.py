"""Probes, metrics, OpenAPI and the feed: the same in every service."""

import pytest

from devkit.testkit import District
from shared import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_that_it_is_alive_and_ready(district: District, service: str) -> None:
    member = district.services[service]
    assert member.call("GET", "/healthz").get_json() == {"status": "ok"}
    readiness = member.call("GET", f"/{service}/readyz")  # why it is ready: test_readiness.py
    assert readiness.status_code == 200 and readiness.get_json()["service"] == service
    assert member.call("GET", f"/{service}/metrics").status_code == 200
    assert member.call("GET", f"/{service}/openapi.json").get_json()["openapi"].startswith("3.1")


def test_the_feed_is_not_for_strangers(district: District) -> None:
    answer = district.rewards.call("GET", "/v1/events/rewards")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["request_id"]

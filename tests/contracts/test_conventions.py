"""What all endpoints have in common: times, text, errors, ETags."""

import json
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client

from devkit.testkit import District
from gateway.app import Gateway


@pytest.mark.parametrize(
    "at", [1, 1700000000.5, "1795460000", "2026-11-23", "2026-11-23T08:00:00", True, None, [], "x"]
)
def test_a_time_is_rfc_3339_with_a_zone(district: District, at: Any) -> None:
    path = f"/v1/activities/{'0' * 8}-0000-7000-8000-{'0' * 12}/sessions"
    body = {"starts_at": at, "ends_at": "2026-11-23T10:00:00Z", "capacity": 1, "place": "站"}
    response = district.registration.call("POST", path, body, as_=district.token("staff"))
    assert response.status_code == 422
    assert "/starts_at" in {error["pointer"] for error in response.get_json()["errors"]}


@pytest.mark.check("S7")
@pytest.mark.parametrize("text", ["测试\x00", "\ud800"])
def test_text_that_cannot_be_stored_names_its_place(district: District, text: str) -> None:
    response = district.registration.call(
        "POST",
        "/v1/organisations",
        as_=district.token("staff"),
        content_type="application/json",
        data=json.dumps({"name": text, "kind": "company"}),
    )
    assert response.status_code == 422
    assert "at /name" in response.get_json()["detail"]


def test_a_public_read_that_did_not_change_has_no_body(district: District) -> None:
    first = district.rewards.call("GET", "/v1/products")
    again = district.rewards.call(
        "GET", "/v1/products", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (first.status_code, again.status_code) == (200, 304)
    assert not again.data


def test_a_response_for_one_person_is_never_cached(district: District) -> None:
    response = district.rewards.call("GET", "/v1/products", as_=district.token("staff"))
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/nonsense"), ("POST", "/v1/nonsense"), ("GET", "/registration/x")],
)
def test_an_unknown_path_of_the_api_is_a_problem_document(
    district: District, method: str, path: str
) -> None:
    apps: dict[str, Any] = {name: member.app for name, member in district.services.items()}

    pages = Flask("pages")
    pages.extensions["settings"] = district.settings

    @pages.before_request
    def no_page() -> None:
        raise AssertionError("a page was requested")

    response = Client(Gateway(apps, pages)).open(path, method=method)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.check("S9")
def test_a_framework_error_says_what_to_do(district: District) -> None:
    response = district.registration.call(
        "POST",
        "/v1/organisations",
        as_=district.token("staff"),
        data=b"{",
        content_type="application/json",
    )
    body = response.get_json()
    assert (response.status_code, body["type"]) == (400, "/problems/bad-request")
    assert body["detail"]


def test_all_unknown_methods_are_one_metric(district: District) -> None:
    for number in range(3):
        district.wishes.call(f"AAA{number}", "/v1/wishes")
    assert "AAA" not in district.wishes.call("GET", "/wishes/metrics").get_data(as_text=True)

"""POST /v1/oauth/token: client credentials (RFC 6749)."""

import base64
from dataclasses import asdict

import pytest

from services.registration.clients import create_client
from shared.auth.verifier import Verifier


@pytest.fixture
def client(world):
    with world.district.registration.session() as session:
        return asdict(create_client(session, "School", ["records:write", "records:verified"]))


def ask(world, form, basic=None):
    headers = {}
    if basic:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    return world.call("POST", "/v1/oauth/token", data=form, headers=headers)


GRANT = {"grant_type": "client_credentials"}


def test_a_client_gets_a_token_by_form_or_basic(world, client):
    by_form = ask(world, GRANT | client)
    by_basic = ask(
        world, GRANT | {"scope": "records:write"}, (client["client_id"], client["client_secret"])
    )
    assert (by_form.status_code, by_form.json["scope"]) == (200, "records:verified records:write")
    assert (by_basic.status_code, by_basic.json["scope"]) == (200, "records:write")
    assert by_form.headers["Cache-Control"] == "no-store"
    shen_fang = world.volunteer("沈芳")
    made = world.call(
        "POST", "/v1/service-records", world.record(shen_fang), as_=by_form.json["access_token"]
    )
    assert (made.status_code, made.json["status"]) == (201, "recorded")


def test_errors_are_those_of_the_rfc(world, client):
    wrong = client | {"client_secret": "wrong"}
    for form, status, error in (
        (GRANT | wrong, 401, "invalid_client"),
        (GRANT, 401, "invalid_client"),
        (client, 400, "invalid_request"),
        (client | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (GRANT | client | {"scope": "events:*"}, 400, "invalid_scope"),
    ):
        response = ask(world, form)
        assert (response.status_code, response.json) == (status, {"error": error})
    assert ask(world, GRANT, ("nobody", "x")).headers["WWW-Authenticate"].startswith("Basic")


def test_our_own_services_are_clients_by_settings(world):
    env = world.district.env
    good = ask(world, GRANT, ("service-notify", env["WISHTREE_NOTIFY_CLIENT_SECRET"]))
    assert good.json["scope"] == "contacts:read events:* events:read evidence:read messages:send"
    assert (
        ask(world, GRANT, ("service-notify", env["WISHTREE_WISHES_CLIENT_SECRET"])).status_code
        == 401
    )
    assert ask(world, GRANT, ("service-nobody", "x")).status_code == 401


def test_the_published_keys_check_our_tokens(world, client):
    keys = world.ok("GET", "/.well-known/jwks.json")
    assert keys["keys"][0]["kty"] == "EC" and "d" not in keys["keys"][0]
    token = ask(world, GRANT | client).json["access_token"]
    registration = world.district.registration
    with registration.session():
        assert Verifier(registration.settings).principal(token).subject == client["client_id"]


def test_staff_register_clients_and_see_no_secrets(world):
    made = world.ok(
        "POST", "/v1/clients", {"name": "School", "scopes": ["records:write"]}, as_=world.staff
    )
    assert ask(world, GRANT | made).status_code == 200
    shown = world.ok("GET", "/v1/clients", as_=world.staff)["items"]
    assert shown == [
        {"client_id": made["client_id"], "name": "School", "scopes": ["records:write"]}
    ]
    bad = world.call(
        "POST", "/v1/clients", {"name": "School", "scopes": ["everything"]}, as_=world.staff
    )
    assert bad.status_code == 422
    assert (
        world.status(
            "POST",
            "/v1/clients",
            {"name": "x", "scopes": ["records:write"]},
            as_=world.coordinator(),
        )
        == 403
    )

"""/v1/organisations and /v1/activities: the tree, and how far a coordinator's rights reach."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.core.ids import new_id


def test_the_tree_has_its_order(world):
    for body, status in (
        ({"name": "x", "kind": "station"}, 422),
        ({"name": "x", "kind": "station", "parent_id": str(world.federation)}, 422),
        ({"name": "x", "kind": "branch", "parent_id": str(world.station)}, 422),
        ({"name": "x", "kind": "federation", "parent_id": str(world.federation)}, 422),
        ({"name": "x", "kind": "company", "parent_id": str(new_id())}, 422),
        ({"name": "x", "kind": "company", "parent_id": str(world.station)}, 201),
        ({"name": "x", "kind": "group"}, 201),
        ({"name": "x", "kind": "party"}, 422),
    ):
        assert world.status("POST", "/v1/organisations", body, as_=world.staff) == status
    assert (
        world.status(
            "POST", "/v1/organisations", {"name": "x", "kind": "group"}, as_=world.coordinator()
        )
        == 403
    )
    assert len(world.events("organisation.registered")) == 5
    tree = world.ok("GET", f"/v1/organisations/{world.branch}/tree")["items"]
    assert [item["kind"] for item in tree] == ["branch", "station", "company"]
    assert world.status("GET", f"/v1/organisations/{new_id()}/tree") == 404
    pages = world.ok("GET", "/v1/organisations?limit=3")
    assert len(pages["items"]) == 3
    assert len(world.ok("GET", f"/v1/organisations?limit=3&after={pages['next']}")["items"]) == 2


def draft(world, token, organisation=None, **more):
    body = {
        "organisation_id": str(organisation or world.station),
        "title": "社区清洁",
        "kind": "service",
        "category": "environment",
        "risk_statement": "Gloves are worn.",
    }
    return world.call("POST", "/v1/activities", body | more, as_=token)


def test_a_coordinators_rights_hold_for_the_subtree_and_no_further(world):
    assert draft(world, world.coordinator(world.federation)).status_code == 201
    assert draft(world, world.coordinator(world.station)).status_code == 201
    above = draft(world, world.coordinator(world.station), world.branch)
    unknown = draft(world, world.coordinator(world.station), new_id())
    assert above.status_code == unknown.status_code == 404
    assert above.json["type"] == unknown.json["type"]
    assert draft(world, world.token(new_id())).status_code == 403


def test_nothing_is_published_without_a_risk_statement(world):
    token = world.coordinator()
    bare = draft(world, token, risk_statement=None).json["id"]
    assert world.status("PUT", f"/v1/activities/{bare}/publication", as_=token) == 409
    assert world.status("GET", f"/v1/activities/{bare}") == 404
    good = draft(world, token).json
    assert good["status"] == "draft"
    for _ in range(2):
        assert (
            world.ok("PUT", f"/v1/activities/{good['id']}/publication", as_=token)["status"]
            == "published"
        )
    assert [event["subject"] for event in world.events("activity.published")] == [good["id"]]
    assert [item["id"] for item in world.ok("GET", "/v1/activities")["items"]] == [good["id"]]
    drafts = f"/v1/activities?status=draft&organisation_id={world.station}"
    assert [item["id"] for item in world.ok("GET", drafts, as_=token)["items"]] == [bare]
    assert world.status("GET", drafts) == 401
    assert world.status("GET", drafts, as_=world.token(new_id())) == 404
    assert world.ok("GET", "/v1/activities?status=draft", as_=world.token(new_id()))["items"] == []


def test_only_staff_enter_a_session_that_has_begun(world):
    activity = UUID(draft(world, world.coordinator()).json["id"])
    start = datetime.now(UTC) - timedelta(hours=1)
    body = {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
        "capacity": 5,
        "place": "广场",
    }
    path = f"/v1/activities/{activity}/sessions"
    assert world.status("POST", path, body, as_=world.coordinator()) == 422
    assert world.status("POST", path, body, as_=world.staff) == 201
    assert world.status("POST", path, body | {"ends_at": body["starts_at"]}, as_=world.staff) == 422
    assert world.status("POST", path, body | {"capacity": 0}, as_=world.staff) == 422
    assert len(world.ok("GET", path, as_=world.staff)["items"]) == 1
    assert world.status("GET", path) == 404


def test_a_coordinators_role_ends_with_their_tokens(world):
    shen_fang = world.volunteer("沈芳")
    path = f"/v1/organisations/{world.station}/coordinators/{shen_fang}"
    for _ in range(2):
        assert world.status("PUT", path, as_=world.staff) == 204
    token = world.coordinator(person=shen_fang)
    assert draft(world, token).status_code == 201
    for _ in range(2):
        assert world.status("DELETE", path, as_=world.staff) == 204
    world.district.registration.app.verifier._denied_until = 0.0
    assert draft(world, token).status_code == 401
    assert [event["subject"] for event in world.events("person.access_changed")] == [str(shen_fang)]
    applied = world.volunteer("王强", active=False)
    refused = world.call(
        "PUT", f"/v1/organisations/{world.station}/coordinators/{applied}", as_=world.staff
    )
    assert refused.status_code == 409

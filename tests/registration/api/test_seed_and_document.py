"""The demo district can be put into an empty database, and the OpenAPI document is served."""

from console.demo import district as demo
from console.demo.registration import seed


def test_the_demo_district_is_seeded_once(district):
    for _ in range(2):
        with district.registration.session() as session:
            assert list(seed(session)) == []  # no log-ins outside embedded mode
    tree = district.registration.call("GET", f"/v1/organisations/{demo.FEDERATION_ID}/tree").json[
        "items"
    ]
    assert [item["id"] for item in tree] == [
        str(place.id)
        for place in (*demo.ORGANISATIONS[:2], *demo.ORGANISATIONS[3:], demo.ORGANISATIONS[2])
    ]
    listed = district.registration.call("GET", f"/v1/activities/{demo.ACTIVITY_ID}/sessions").json[
        "items"
    ]
    assert [(item["id"], item["confirmed"]) for item in listed] == [(str(demo.SESSION_ID), 1)]
    assert len(district.registration.published("volunteer.activated")) == 3


def test_the_document_says_who_may_call(world):
    document = world.ok("GET", "/registration/openapi.json")
    assert document["paths"]["/v1/service-records:batch"]["post"]["x-roles"] == [
        "coordinator",
        "staff",
        "system:records:write",
    ]

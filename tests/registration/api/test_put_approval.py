"""A second person approves service records, and their corrections."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def pending(world):
    world.shen_fang = world.volunteer("沈芳")
    return world.ok(
        "POST",
        "/v1/service-records",
        world.record(world.shen_fang),
        as_=world.system("records:write"),
    )["id"]


def hours(world):
    return world.ok(
        "GET", f"/v1/volunteers/{world.shen_fang}/hours", as_=world.token(world.shen_fang)
    )


def test_an_approved_record_counts_as_supplemented_unless_the_approval_names_a_bucket(
    world, pending
):
    listed = world.ok(
        "GET", f"/v1/service-records?organisation_id={world.station}", as_=world.coordinator()
    )
    assert [item["id"] for item in listed["items"]] == [pending]
    for _ in range(2):
        response = world.call(
            "PUT",
            f"/v1/service-records/{pending}/approval",
            {"decision": "approve"},
            as_=world.staff,
        )
        assert (response.status_code, response.json["status"]) == (200, "recorded")
    assert hours(world) == {"verified_minutes": 0, "supplemented_minutes": 120}
    assert [event["data"]["bucket"] for event in world.events("hours.recorded")] == ["supplemented"]


def test_a_second_person_may_vouch_for_it(world, pending):
    body = {"decision": "approve", "bucket": "verified"}
    world.ok(
        "PUT", f"/v1/service-records/{pending}/approval", body, as_=world.coordinator(world.branch)
    )
    assert hours(world) == {"verified_minutes": 120, "supplemented_minutes": 0}


def test_a_rejected_record_frees_its_time(world, pending):
    world.ok(
        "PUT", f"/v1/service-records/{pending}/approval", {"decision": "reject"}, as_=world.staff
    )
    assert len(world.events("hours.rejected")) == 1
    assert world.events("hours.recorded") == []
    late = world.call(
        "PUT", f"/v1/service-records/{pending}/approval", {"decision": "approve"}, as_=world.staff
    )
    assert (late.status_code, late.json["type"]) == (409, "/problems/record-not-pending")
    world.ok(
        "POST", "/v1/service-records", world.record(world.shen_fang, "r-2"), as_=world.system()
    )


def test_strangers_cannot_decide(world, pending):
    company = world.ok(
        "POST", "/v1/organisations", {"name": "星光", "kind": "company"}, as_=world.staff
    )["id"]
    path = f"/v1/service-records/{pending}/approval"
    assert world.status("PUT", path, {"decision": "approve"}, as_=world.coordinator(company)) == 404
    assert (
        world.status("PUT", path, {"decision": "approve"}, as_=world.token(world.shen_fang)) == 403
    )
    assert (
        world.status("GET", f"/v1/service-records/{pending}", as_=world.coordinator(company)) == 404
    )
    assert (
        world.status("GET", f"/v1/service-records/{pending}", as_=world.token(world.shen_fang))
        == 200
    )


def test_who_typed_it_in_cannot_approve_it(world):
    world.shen_fang = world.volunteer("沈芳")
    typist = world.coordinator()
    made = world.ok("POST", "/v1/service-records", world.record(world.shen_fang), as_=typist)["id"]
    response = world.call(
        "PUT", f"/v1/service-records/{made}/approval", {"decision": "approve"}, as_=typist
    )
    assert response.status_code == 403
    assert world.events("hours.recorded") == []


def test_many_decisions_at_once_count_once(world, pending):
    path = f"/v1/service-records/{pending}/approval"
    bodies = [{"decision": d} for d in ("approve", "reject") * 3]
    tokens = [world.district.token("staff") for _ in bodies]
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(
                lambda b: world.call("PUT", path, b[0], as_=b[1]), zip(bodies, tokens, strict=True)
            )
        )
    assert sorted(a.status_code for a in responses) == [200, 409, 409, 409, 409, 409]
    assert len(world.events("hours.recorded")) + len(world.events("hours.rejected")) == 1


NEW = {
    "started_at": "2026-03-01T08:00:00+08:00",
    "ended_at": "2026-03-01T09:00:00+08:00",
    "reason": "Left early",
}


@pytest.fixture
def recorded(world):
    world.shen_fang = world.volunteer("沈芳")
    return world.ok(
        "POST", "/v1/service-records", world.record(world.shen_fang), as_=world.system()
    )["id"]


def test_a_correction_takes_two_people_and_names_the_first_record(world, recorded):
    asked = world.call("POST", f"/v1/service-records/{recorded}/corrections", NEW, as_=world.staff)
    assert (asked.status_code, asked.json["status"]) == (201, "asked")
    assert hours(world)["verified_minutes"] == 120
    path = f"/v1/corrections/{asked.json['id']}/approval"
    assert world.status("PUT", path, as_=world.staff) == 403
    for _ in range(2):
        assert world.call("PUT", path, as_=world.second_staff).json["status"] == "approved"
    assert hours(world)["verified_minutes"] == 60
    new = world.call("PUT", path, as_=world.second_staff).json["new_record_id"]
    again = world.ok(
        "POST",
        f"/v1/service-records/{new}/corrections",
        NEW | {"ended_at": NEW["started_at"], "reason": "Was not there"},
        as_=world.staff,
    )
    world.ok("PUT", f"/v1/corrections/{again['id']}/approval", as_=world.second_staff)
    corrected = [event["data"] for event in world.events("hours.corrected")]
    assert [(c["record_id"], c["old_minutes"], c["new_minutes"]) for c in corrected] == [
        (recorded, 120, 60),
        (recorded, 60, 0),
    ]
    assert hours(world)["verified_minutes"] == 0
    explained = world.ok(
        "GET", f"/v1/volunteers/{world.shen_fang}/hours/explain", as_=world.token(world.shen_fang)
    )
    assert [(r["minutes"], r["status"], r["counts"]) for r in explained["records"]] == [
        (120, "superseded", False),
        (60, "superseded", False),
        (0, "recorded", True),
    ]
    assert explained["records"][1]["correction"]["reason"] == "Left early"
    assert {k: explained[k] for k in hours(world)} == hours(world)
    assert len(world.events("hours.recorded")) == 1


def test_two_corrections_of_one_record_cannot_both_win(world, recorded):
    never = NEW | {
        "ended_at": NEW["started_at"]
    }  # an empty time collides with nothing: only the status decides
    asked = [
        world.ok("POST", f"/v1/service-records/{recorded}/corrections", never, as_=world.staff)[
            "id"
        ]
        for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        responses = list(
            pool.map(
                lambda c: world.call(
                    "PUT", f"/v1/corrections/{c}/approval", as_=world.second_staff
                ),
                asked,
            )
        )
    assert sorted(a.status_code for a in responses) == [200, 409, 409, 409]
    assert len(world.events("hours.corrected")) == 1


def test_a_correction_cannot_take_time_of_another_record(world, recorded):
    next_one = world.record(
        world.shen_fang,
        "r-2",
        started_at="2026-03-01T10:00:00+08:00",
        ended_at="2026-03-01T11:00:00+08:00",
    )
    world.ok("POST", "/v1/service-records", next_one, as_=world.system())
    longer = NEW | {"ended_at": "2026-03-01T10:30:00+08:00"}
    asked = world.ok(
        "POST", f"/v1/service-records/{recorded}/corrections", longer, as_=world.staff
    )["id"]
    response = world.call("PUT", f"/v1/corrections/{asked}/approval", as_=world.second_staff)
    assert (response.status_code, response.json["type"]) == (409, "/problems/overlapping-record")
    assert hours(world)["verified_minutes"] == 180


def test_a_correction_cannot_count_time_that_has_not_passed(world, recorded):
    soon = datetime.now(UTC) + timedelta(hours=1)
    later = NEW | {
        "started_at": (soon - timedelta(hours=3)).isoformat(),
        "ended_at": soon.isoformat(),
    }
    asked = world.ok("POST", f"/v1/service-records/{recorded}/corrections", later, as_=world.staff)[
        "id"
    ]
    response = world.call("PUT", f"/v1/corrections/{asked}/approval", as_=world.second_staff)
    assert (response.status_code, response.json["type"]) == (422, "/problems/not-worked-yet")
    assert world.events("hours.corrected") == []
    assert hours(world)["verified_minutes"] == 120

"""POST /v1/service-records: the hot path."""

from sqlalchemy import select, update

from services.registration.models import ServiceRecord, Volunteer, VolunteerStatus
from shared.core import clock


def test_a_verified_system_records_hours_that_count_at_once(world):
    shen_fang = world.volunteer("沈芳")
    response = world.call(
        "POST", "/v1/service-records", world.record(shen_fang), as_=world.system()
    )
    assert response.status_code == 201
    assert {k: response.json[k] for k in ("status", "minutes")} == {
        "status": "recorded",
        "minutes": 120,
    }
    (event,) = world.events("hours.recorded")
    assert event["data"] == {
        "record_id": response.json["id"],
        "volunteer_id": str(shen_fang),
        "organisation_id": str(world.station),
        "session_id": None,
        "minutes": 120,
        "category": "environment",
        "bucket": "verified",
        "origin": "system",
        "worked_on": "2026-03-01",
    }
    shown = world.ok("GET", f"/v1/volunteers/{shen_fang}/hours", as_=world.token(shen_fang))
    assert shown == {"verified_minutes": 120, "supplemented_minutes": 0}


def test_without_the_scope_verified_hours_wait_and_nothing_is_published(world):
    shen_fang = world.volunteer("沈芳")
    made = world.ok(
        "POST", "/v1/service-records", world.record(shen_fang), as_=world.system("records:write")
    )
    assert made["status"] == "pending"
    assert world.events("hours.recorded") == []
    assert (
        world.ok("GET", f"/v1/volunteers/{shen_fang}/hours", as_=world.staff)[
            "supplemented_minutes"
        ]
        == 0
    )


def test_sending_the_same_reference_again_gives_the_first_record(world):
    shen_fang = world.volunteer("沈芳")
    first = world.call("POST", "/v1/service-records", world.record(shen_fang), as_=world.system())
    again = world.call("POST", "/v1/service-records", world.record(shen_fang), as_=world.system())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert len(world.events("hours.recorded")) == 1


def test_a_reference_cannot_be_reused_for_other_content(world):
    shen_fang = world.volunteer("沈芳")
    world.ok("POST", "/v1/service-records", world.record(shen_fang), as_=world.system())
    other = world.call(
        "POST",
        "/v1/service-records",
        world.record(shen_fang, category="tutoring"),
        as_=world.system(),
    )
    assert other.status_code == 409
    assert other.json["type"] == "/problems/reference-reused"
    foreign = world.call(
        "POST",
        "/v1/service-records",
        world.record(shen_fang, started_at="2026-03-02T08:00:00Z", ended_at="2026-03-02T09:00:00Z"),
        as_=world.system(name="hospital"),
    )
    assert foreign.status_code == 201  # references belong to a client


def test_two_records_of_one_person_never_overlap(world):
    shen_fang, wang_qiang = world.volunteer("沈芳"), world.volunteer("王强")
    world.ok("POST", "/v1/service-records", world.record(shen_fang), as_=world.system())
    later = world.record(
        shen_fang,
        "r-2",
        started_at="2026-03-01T09:59:00+08:00",
        ended_at="2026-03-01T11:00:00+08:00",
    )
    response = world.call("POST", "/v1/service-records", later, as_=world.system())
    assert (response.status_code, response.json["type"]) == (409, "/problems/overlapping-record")
    next_to = later | {"started_at": "2026-03-01T10:00:00+08:00"}
    assert world.status("POST", "/v1/service-records", next_to, as_=world.system()) == 201
    other = world.call(
        "POST", "/v1/service-records", world.record(wang_qiang, "r-3"), as_=world.system()
    )
    assert other.status_code == 201


def test_unknown_people_and_places_and_the_future_are_refused(world):
    shen_fang, next_year = world.volunteer("沈芳"), clock.now().year + 1
    for change, problem in (
        ({"volunteer_id": str(world.station)}, "unknown-volunteer"),
        ({"organisation_id": str(shen_fang)}, "unknown-organisation"),
        (
            {"started_at": f"{next_year}-01-01T00:00Z", "ended_at": f"{next_year}-01-01T01:00Z"},
            "not-worked-yet",
        ),
        ({"ended_at": "2026-03-01T08:00:30+08:00"}, "invalid"),
    ):
        response = world.call(
            "POST", "/v1/service-records", world.record(shen_fang) | change, as_=world.system()
        )
        assert (response.status_code, response.json["type"]) == (422, f"/problems/{problem}")
    assert world.events("hours.recorded") == []


def test_hours_of_a_merged_volunteer_go_to_the_one_who_stays(world):
    old, stays = world.volunteer("沈芳"), world.volunteer("沈芳")
    world.ok("POST", "/v1/service-records", world.record(old), as_=world.system())
    world.ok("PUT", f"/v1/volunteers/{old}/merger", {"into_id": str(stays)}, as_=world.staff)
    late = world.record(
        old, "r-2", started_at="2026-03-02T08:00:00Z", ended_at="2026-03-02T09:00:00Z"
    )
    world.ok("POST", "/v1/service-records", late, as_=world.system())
    assert (
        world.ok("GET", f"/v1/volunteers/{stays}/hours", as_=world.staff)["verified_minutes"] == 180
    )
    assert world.events("hours.recorded")[-1]["subject"] and world.events("hours.recorded")[-1][
        "data"
    ]["volunteer_id"] == str(stays)
    repeated = world.call("POST", "/v1/service-records", world.record(old), as_=world.system())
    assert repeated.status_code == 200


def test_somebody_who_left_gets_no_more_hours(world):
    shen_fang = world.volunteer("沈芳")
    with world.district.registration.session() as session:
        session.execute(
            update(Volunteer).where(Volunteer.id == shen_fang).values(status=VolunteerStatus.LEFT)
        )
    response = world.call(
        "POST", "/v1/service-records", world.record(shen_fang), as_=world.system()
    )
    assert response.status_code == 422
    with world.district.registration.session() as session:
        assert session.scalars(select(ServiceRecord)).all() == []


def test_a_coordinator_types_hours_for_their_own_organisation_only(world):
    shen_fang = world.volunteer("沈芳")
    own = world.call(
        "POST", "/v1/service-records", world.record(shen_fang), as_=world.coordinator()
    )
    assert (own.status_code, own.json["status"]) == (201, "pending")
    company = world.ok(
        "POST", "/v1/organisations", {"name": "星光", "kind": "company"}, as_=world.staff
    )["id"]
    foreign = world.call(
        "POST",
        "/v1/service-records",
        world.record(shen_fang, "x"),
        as_=world.coordinator(organisation_id=company),
    )
    assert foreign.status_code == 404

"""/v1/volunteers: applying, being accepted, leaving, being merged."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from services.registration.identifiers import is_volunteer_number
from services.registration.models import ContactLook, SignUp, Volunteer

SHEN_FANG = {"name": "沈芳", "phone": "138 0000 0001", "birth_date": "1990-05-01"}


def test_somebody_applies_and_staff_accept(world):
    made = world.call("POST", "/v1/volunteers", SHEN_FANG)
    assert (made.status_code, made.json["status"]) == (201, "applied")
    assert is_volunteer_number(made.json["number"])
    path = f"/v1/volunteers/{made.json['id']}/activation"
    for _ in range(2):
        assert world.ok("PUT", path, as_=world.staff)["status"] == "active"
    assert [event["type"] for event in world.events() if event["type"].startswith("vol")] == [
        "volunteer.registered",
        "volunteer.activated",
    ]
    assert "沈芳" not in str(world.events())
    assert world.events("volunteer.registered")[0]["data"].keys() == {"volunteer_id", "number"}
    with world.district.registration.session() as session:
        row = session.get(Volunteer, UUID(made.json["id"]))
        assert b"13800000001" not in row.phone_sealed


def test_a_second_registration_reveals_nothing_and_is_marked_for_staff(world):
    first, second = (world.call("POST", "/v1/volunteers", SHEN_FANG) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json.keys() == second.json.keys()
    listed = world.ok("GET", "/v1/volunteers?status=applied", as_=world.staff)["items"]
    assert [item["possible_duplicate"] for item in listed] == [True, False]
    own = world.ok(
        "GET", f"/v1/volunteers/{second.json['id']}", as_=world.token(UUID(second.json["id"]))
    )
    assert own["possible_duplicate"] is None


def test_of_many_registrations_at_once_one_is_the_first(world):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: world.call("POST", "/v1/volunteers", SHEN_FANG), range(6)))
    with world.district.registration.session() as session:
        assert (
            session.scalar(select(func.count()).where(Volunteer.possible_duplicate.is_(False))) == 1
        )
        assert session.scalar(select(func.count(Volunteer.id))) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"phone": "12345"},
        {"phone": "not a phone"},
        {"birth_date": "2015-01-01"},
        {
            "birth_date": "2015-01-01",
            "guardian": {"name": "大明", "phone": "13900000001", "consent": False},
        },
        {"birth_date": "2100-01-01"},
        {"name": "沈\x00芳"},
        {"surprise": 1},
    ],
)
def test_a_bad_application_is_refused(world, change):
    assert world.status("POST", "/v1/volunteers", SHEN_FANG | change) == 422
    assert world.events("volunteer.registered") == []


def test_a_minor_registers_with_a_guardians_consent(world):
    guardian = {"name": "大明", "phone": "13900000001", "consent": True}
    body = SHEN_FANG | {"birth_date": "2015-01-01", "guardian": guardian}
    made = world.call("POST", "/v1/volunteers", body)
    assert made.status_code == 201
    with world.district.registration.session() as session:
        assert session.get(Volunteer, UUID(made.json["id"])).guardian_consented_at is not None


def test_strangers_see_nobody(world):
    shen_fang, wang_qiang = world.volunteer("沈芳"), world.volunteer("王强")
    for path in ("", "/hours", "/hours/explain", "/sign-ups"):
        full = f"/v1/volunteers/{shen_fang}{path}"
        assert world.status("GET", full) == 401
        assert world.status("GET", full, as_=world.token(wang_qiang)) == 404
        assert world.status("GET", full, as_=world.token(shen_fang)) == 200
        assert world.status("GET", full, as_=world.staff) == 200
    unknown = world.call("GET", f"/v1/volunteers/{world.station}/hours", as_=world.staff)
    assert unknown.status_code == 404


def test_a_suspended_volunteer_can_come_back(world):
    shen_fang = world.volunteer("沈芳")
    for _ in range(2):
        assert (
            world.ok("PUT", f"/v1/volunteers/{shen_fang}/suspension", as_=world.staff)["status"]
            == "suspended"
        )
    assert (
        len(world.events("volunteer.suspended")) == len(world.events("person.access_changed")) == 1
    )
    for _ in range(2):
        assert (
            world.ok("DELETE", f"/v1/volunteers/{shen_fang}/suspension", as_=world.staff)["status"]
            == "active"
        )
    assert len(world.events("volunteer.activated")) == 2


def test_who_only_applied_is_not_activated_by_lifting_a_suspension(world):
    applied = world.volunteer("沈芳", active=False)
    assert world.status("DELETE", f"/v1/volunteers/{applied}/suspension", as_=world.staff) == 409


@pytest.mark.check("P3")
def test_leaving_keeps_hours_and_erasing_keeps_only_the_number(world):
    shen_fang = world.volunteer("沈芳")
    world.ok(
        "POST",
        "/v1/service-records",
        world.record(shen_fang, note="沈芳 helped"),
        as_=world.system(),
    )
    for _ in range(2):
        assert (
            world.ok("PUT", f"/v1/volunteers/{shen_fang}/departure", as_=world.token(shen_fang))[
                "status"
            ]
            == "left"
        )
        world.district.registration.app.verifier._denied_until = float("inf")
    world.district.registration.app.verifier._denied_until = 0.0
    assert world.status("PUT", f"/v1/volunteers/{shen_fang}/activation", as_=world.staff) == 409
    for _ in range(2):
        assert (
            world.ok("PUT", f"/v1/volunteers/{shen_fang}/erasure", as_=world.staff)["status"]
            == "erased"
        )
    with world.district.registration.session() as session:
        row = session.get(Volunteer, shen_fang)
        assert (row.name, row.phone_sealed, row.phone_hash, row.birth_date) == (
            None,
            None,
            None,
            None,
        )
    assert (
        world.ok("GET", f"/v1/volunteers/{shen_fang}/hours", as_=world.staff)["verified_minutes"]
        == 120
    )
    assert len(world.events("volunteer.left")) == len(world.events("volunteer.erased")) == 1


def test_a_contact_is_for_services_that_deliver_and_every_look_is_logged(world):
    shen_fang = world.volunteer("沈芳")
    path = f"/v1/volunteers/{shen_fang}/contact"
    assert world.ok("GET", path, as_=world.system("contacts:read", "service-notify")) == {
        "phone": "+8613800100001"
    }
    for token in (world.staff, world.token(shen_fang), world.system("records:write")):
        assert world.status("GET", path, as_=token) == 403
    with world.district.registration.session() as session:
        assert session.scalars(select(ContactLook.looked_by)).all() == ["service-notify"]


def test_a_merger_moves_records_and_seats_and_is_published(world):
    old, stays = world.volunteer("沈芳"), world.volunteer("沈芳")
    activity = world.activity()
    same, other = world.session(activity), world.session(activity, starts_in=timedelta(days=3))
    for session_id, person in ((same, old), (same, stays), (other, old)):
        world.ok("PUT", f"/v1/sessions/{session_id}/sign-ups/{person}", as_=world.staff)
    world.ok("POST", "/v1/service-records", world.record(old), as_=world.system())
    for _ in range(2):
        merged = world.ok(
            "PUT", f"/v1/volunteers/{old}/merger", {"into_id": str(stays)}, as_=world.staff
        )
        assert (merged["status"], merged["merged_into_id"]) == ("merged", str(stays))
    assert (
        world.ok("GET", f"/v1/volunteers/{stays}/hours", as_=world.staff)["verified_minutes"] == 120
    )
    with world.district.registration.session() as session:
        rows = session.execute(select(SignUp.session_id, SignUp.volunteer_id, SignUp.status)).all()
    assert {(r.session_id, r.volunteer_id, r.status.value) for r in rows} == {
        (same, stays, "confirmed"),
        (same, old, "cancelled"),
        (other, stays, "confirmed"),
    }
    assert [event["data"] for event in world.events("volunteer.merged")] == [
        {"volunteer_id": str(old), "into_id": str(stays)}
    ]
    third = world.volunteer("沈芳")
    world.ok("PUT", f"/v1/volunteers/{stays}/merger", {"into_id": str(third)}, as_=world.staff)
    assert world.ok("GET", f"/v1/volunteers/{old}", as_=world.staff)["merged_into_id"] == str(third)


def test_a_merger_loses_no_hour(world):
    old, stays = world.volunteer("沈芳"), world.volunteer("沈芳")
    for n, person in enumerate((old, stays)):
        world.ok("POST", "/v1/service-records", world.record(person, f"r-{n}"), as_=world.system())
    response = world.call(
        "PUT", f"/v1/volunteers/{old}/merger", {"into_id": str(stays)}, as_=world.staff
    )
    assert (response.status_code, response.json["type"]) == (409, "/problems/records-collide")
    itself = world.call(
        "PUT", f"/v1/volunteers/{old}/merger", {"into_id": str(old)}, as_=world.staff
    )
    assert itself.status_code == 422


def test_hours_sent_during_a_merger_are_on_the_one_who_stays(world):
    old, stays = world.volunteer("沈芳"), world.volunteer("沈芳")
    records = [
        world.record(
            old,
            f"r-{n}",
            started_at=f"2026-03-{n + 1:02d}T08:00:00Z",
            ended_at=f"2026-03-{n + 1:02d}T09:00:00Z",
        )
        for n in range(20)
    ]
    merger = ("PUT", f"/v1/volunteers/{old}/merger", {"into_id": str(stays)}, world.staff)
    work = [("POST", "/v1/service-records", record, world.system()) for record in records]
    work.insert(10, merger)
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda w: world.call(w[0], w[1], w[2], as_=w[3]), work))
    for (_, _, body, _), response in zip(work, responses, strict=True):
        if response.status_code == 503:
            assert world.status("POST", "/v1/service-records", body, as_=world.system()) == 201
    assert (
        world.ok("GET", f"/v1/volunteers/{stays}/hours", as_=world.staff)["verified_minutes"]
        == 1200
    )
    assert len(world.events("hours.recorded")) == 20

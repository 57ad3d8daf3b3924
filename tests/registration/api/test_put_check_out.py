"""PUT /v1/sessions/{id}/check-in and check-out: what of the time counts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from services.registration.attendance import close_forgotten
from services.registration.models import ActivitySession, Attendance
from services.registration.service_records import Submission, Work, record_hours
from shared.contracts.registration import Origin


class Shift:
    """A session of two hours that ended an hour ago, and 沈芳 signed up."""

    def __init__(self, world, *, ended_ago=timedelta(hours=1), published=True, signed_up=True):
        self.world, self.person = world, world.volunteer("沈芳")
        self.starts_at = datetime.now(UTC) - ended_ago - timedelta(hours=2)
        self.activity = world.activity(published=published)
        self.id = world.session(self.activity, starts_in=-ended_ago - timedelta(hours=2))
        if signed_up:
            world.ok("PUT", f"/v1/sessions/{self.id}/sign-ups/{self.person}", as_=world.staff)

    def call(self, kind, minutes=None, as_=None, method="PUT"):
        at = (
            None
            if minutes is None
            else {"at": (self.starts_at + timedelta(minutes=minutes)).isoformat()}
        )
        path = f"/v1/sessions/{self.id}/{kind}/{self.person}"
        return self.world.call(method, path, at, as_=as_ or self.world.coordinator())

    def attend(self, came=1, went=119, **more):
        assert self.call("check-in", came, **more).status_code == 200
        return self.call("check-out", went, **more)


def test_a_checked_shift_counts_at_once(world):
    shift = Shift(world)
    out = shift.attend()
    assert out.status_code == 200
    assert (out.json["minutes"], out.json["credit"]) == (118, "recorded")
    (event,) = world.events("hours.recorded")
    assert (event["data"]["minutes"], event["data"]["bucket"], event["data"]["origin"]) == (
        118,
        "verified",
        "attendance",
    )
    assert event["data"]["session_id"] == str(shift.id)
    assert [
        event["type"] for event in world.events() if event["type"].startswith("attendance")
    ] == [
        "attendance.checked_in",
        "attendance.checked_out",
    ]
    assert (
        world.ok("GET", f"/v1/volunteers/{shift.person}/hours", as_=world.staff)["verified_minutes"]
        == 118
    )


def test_repeating_a_check_out_changes_nothing(world):
    shift = Shift(world)
    first, again = shift.attend(), shift.call("check-out", 119)
    assert (again.status_code, again.json) == (200, first.json)
    assert len(world.events("hours.recorded")) == len(world.events("attendance.checked_out")) == 1
    assert shift.call("check-out", 110).status_code == 409
    assert shift.call("check-in", 1).status_code == 200
    assert len(world.events("attendance.checked_in")) == 1
    assert shift.call("check-in", 2).status_code == 409


def test_many_check_outs_at_once_count_once(world):
    shift = Shift(world)
    shift.call("check-in", 0)
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda n: shift.call("check-out", 110 + n), range(6)))
    assert sorted(a.status_code for a in responses) == [200, 409, 409, 409, 409, 409]
    assert len(world.events("hours.recorded")) == 1


@pytest.mark.parametrize(
    ("options", "came", "went", "credit"),
    [
        ({"published": False, "signed_up": False}, 1, 119, "pending"),
        ({"signed_up": False}, 1, 119, "pending"),
        ({"ended_ago": timedelta(days=8)}, 1, 119, "pending"),
        ({}, -30, 119, "pending"),  # came before the tolerance: cut, and somebody looks
        ({}, 1, 150, "pending"),
        ({}, 1, 70, "too_short"),
        ({}, -14, 134, "recorded"),
    ],
)
def test_only_what_is_beyond_doubt_counts_at_once(world, options, came, went, credit):
    shift = Shift(world, **options)
    out = shift.attend(came, went)
    assert out.json["credit"] == credit
    assert len(world.events("hours.recorded")) == (credit == "recorded")
    assert (out.json["record_id"] is None) == (credit == "too_short")


def test_nobody_vouches_for_themselves(world):
    shift = Shift(world)
    out = shift.attend(as_=world.coordinator(person=shift.person))
    assert out.json["credit"] == "pending"
    path = f"/v1/service-records/{out.json['record_id']}/approval"
    own = world.call(
        "PUT", path, {"decision": "approve"}, as_=world.coordinator(person=shift.person)
    )
    assert own.status_code == 403
    other = world.call("PUT", path, {"decision": "approve"}, as_=world.coordinator())
    assert (other.status_code, other.json["status"], other.json["bucket"]) == (
        200,
        "recorded",
        "verified",
    )


def test_minutes_are_cut_to_the_session_and_its_tolerance(world):
    assert Shift(world, ended_ago=timedelta(hours=4)).attend(-60, 300).json["minutes"] == 150


def test_a_mistaken_check_in_can_be_undone_until_the_check_out(world):
    shift = Shift(world)
    shift.call("check-in", 5)
    for _ in range(2):
        assert shift.call("check-in", method="DELETE").status_code == 204
    assert shift.call("check-out", 100).status_code == 404
    shift.attend()
    assert shift.call("check-in", method="DELETE").status_code == 409


def test_leaving_before_coming_is_refused(world):
    shift = Shift(world)
    shift.call("check-in", 60)
    assert shift.call("check-out", 59).status_code == 422


def test_a_foreign_coordinator_and_the_volunteer_cannot_check_anybody_in(world):
    shift = Shift(world)
    company = world.ok(
        "POST", "/v1/organisations", {"name": "星光", "kind": "company"}, as_=world.staff
    )["id"]
    assert (
        shift.call("check-in", 1, as_=world.coordinator(organisation_id=company)).status_code == 404
    )
    assert shift.call("check-in", 1, as_=world.token(shift.person)).status_code == 403


def test_a_forgotten_check_out_is_closed_at_the_end_and_waits_for_a_second_person(world):
    shift = Shift(world, ended_ago=timedelta(hours=2))
    shift.call("check-in", 0)
    with world.district.registration.session() as session:
        assert close_forgotten(session) == 0  # somebody is typing it in just now
        session.execute(update(Attendance).values(created_at=shift.starts_at))
    with world.district.registration.session() as session:
        assert close_forgotten(session) == 1
    with world.district.registration.session() as session:
        assert close_forgotten(session) == 0
        found = session.get(Attendance, (shift.id, shift.person))
        ends_at = session.get(ActivitySession, shift.id).ends_at
        assert (found.closed_by_clock, found.checked_out_at, found.credit) == (
            True,
            ends_at,
            "pending",
        )
    assert world.events("hours.recorded") == []


def test_time_that_is_in_another_record_is_not_credited_twice(world):
    shift = Shift(world)
    taken = world.record(
        shift.person,
        started_at=shift.starts_at.isoformat(),
        ended_at=(shift.starts_at + timedelta(hours=1)).isoformat(),
    )
    world.ok("POST", "/v1/service-records", taken, as_=world.system())
    assert shift.attend().json["credit"] == "overlaps"
    assert len(world.events("hours.recorded")) == 1


@pytest.mark.parametrize("goes", ["departure", "erasure"])
def test_a_check_out_of_somebody_who_left_credits_nothing(world, goes):
    shift = Shift(world)
    shift.call("check-in", 1)
    world.ok("PUT", f"/v1/volunteers/{shift.person}/departure", as_=world.staff)
    if goes == "erasure":
        world.ok("PUT", f"/v1/volunteers/{shift.person}/erasure", as_=world.staff)
    out = shift.call("check-out", 119)
    assert (out.status_code, out.json["credit"], out.json["record_id"]) == (200, "left", None)
    assert world.events("hours.recorded") == []


def test_any_other_refusal_of_the_time_is_not_called_an_overlap(world):
    shift = Shift(world)
    shift.call("check-in", 1)
    taken = Work(
        shift.person,
        world.station,
        shift.starts_at - timedelta(days=2),
        shift.starts_at - timedelta(days=1),
        "environment",
        f"{shift.id}:{shift.person}",
    )
    with world.district.registration.session() as session:
        record_hours(session, [taken], Submission("attendance", "another", Origin.ATTENDANCE))
    assert shift.call("check-out", 119).json["credit"] == "refused"
    assert world.events("hours.recorded") == []

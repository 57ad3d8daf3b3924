"""A granted wish proposes minutes; the station gives the times when it approves."""

from datetime import UTC, datetime, timedelta

from services.registration.events import propose_granted_hours
from shared.contracts.base import Received
from shared.contracts.wishes import ClaimerKind, WishConfirmed
from shared.core.ids import new_id


def confirmed(world, claimer, minutes=90, kind=ClaimerKind.VOLUNTEER, wish=None):
    event = WishConfirmed(
        wish_id=wish or new_id(),
        station_id=world.station,
        title="A walk",
        claimer_id=claimer,
        claimer_kind=kind,
        proposed_minutes=minutes,
    )
    return event.received_in(
        Received(id=new_id(), sequence=1, time=datetime.now(UTC) - timedelta(hours=1))
    )


def handle(world, *events):
    with world.district.registration.session() as session:
        propose_granted_hours(session, list(events))


def pending_records(world):
    return world.ok(
        "GET", f"/v1/service-records?organisation_id={world.station}", as_=world.coordinator()
    )["items"]


def test_proposed_minutes_wait_until_the_station_gives_the_times(world):
    shen_fang = world.volunteer("沈芳")
    wish = new_id()
    for _ in range(2):
        handle(
            world,
            confirmed(world, shen_fang, wish=wish),
            confirmed(world, shen_fang, 0),
            confirmed(world, world.station, kind=ClaimerKind.ORGANISATION),
            confirmed(world, new_id()),
        )
    (record,) = pending_records(world)
    assert (record["minutes"], record["status"], record["times_known"]) == (90, "pending", False)
    assert world.events("hours.recorded") == []
    path = f"/v1/service-records/{record['id']}/approval"
    assert world.status("PUT", path, {"decision": "approve"}, as_=world.coordinator()) == 422
    times = {"started_at": "2026-03-01T08:00:00Z", "ended_at": "2026-03-01T09:00:00Z"}
    done = world.ok(
        "PUT", path, {"decision": "approve", "bucket": "verified"} | times, as_=world.coordinator()
    )
    assert (done["minutes"], done["status"], done["bucket"]) == (60, "recorded", "verified")
    assert [event["data"]["minutes"] for event in world.events("hours.recorded")] == [60]


def test_two_proposals_at_the_same_moment_do_not_collide_but_their_times_do(world):
    shen_fang = world.volunteer("沈芳")
    handle(world, confirmed(world, shen_fang), confirmed(world, shen_fang))
    first, second = pending_records(world)
    body = {
        "decision": "approve",
        "started_at": "2026-03-01T08:00:00Z",
        "ended_at": "2026-03-01T09:00:00Z",
    }
    world.ok("PUT", f"/v1/service-records/{first['id']}/approval", body, as_=world.coordinator())
    response = world.call(
        "PUT", f"/v1/service-records/{second['id']}/approval", body, as_=world.coordinator()
    )
    assert (response.status_code, response.json["type"]) == (409, "/problems/overlapping-record")


def test_an_approved_proposal_covers_at_most_a_day_and_only_time_that_has_passed(world):
    handle(world, confirmed(world, world.volunteer("沈芳")))
    (record,) = pending_records(world)
    path = f"/v1/service-records/{record['id']}/approval"

    def approve(starts_at, ends_at):
        body = {
            "decision": "approve",
            "started_at": starts_at.isoformat(),
            "ended_at": ends_at.isoformat(),
        }
        return world.call("PUT", path, body, as_=world.coordinator())

    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert approve(start, start + timedelta(hours=24, minutes=1)).status_code == 422
    assert approve(datetime(1970, 1, 2, tzinfo=UTC), start).status_code == 422
    soon = datetime.now(UTC) + timedelta(hours=1)
    early = approve(soon - timedelta(hours=2), soon)
    assert (early.status_code, early.json["type"]) == (422, "/problems/not-worked-yet")
    assert [item["status"] for item in pending_records(world)] == ["pending"]
    assert world.events("hours.recorded") == []
    done = approve(start, start + timedelta(hours=24))
    assert (done.status_code, done.json["minutes"]) == (200, 1440)

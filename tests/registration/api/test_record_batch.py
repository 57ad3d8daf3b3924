"""POST /v1/service-records:batch: each item by itself, in a few statements."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import event, func, select

from services.registration.models import ServiceRecord

BATCH = "/v1/service-records:batch"
START = datetime(2026, 1, 1, tzinfo=UTC)


def items(world, volunteer_id, count, prefix="b"):
    return [
        world.record(
            volunteer_id,
            f"{prefix}-{n}",
            started_at=(START + timedelta(hours=n)).isoformat(),
            ended_at=(START + timedelta(hours=n, minutes=30)).isoformat(),
        )
        for n in range(count)
    ]


def test_one_bad_item_spoils_no_other(world):
    shen_fang = world.volunteer("沈芳")
    good = items(world, shen_fang, 4)
    sent = [
        good[0],
        good[1] | {"ended_at": "never"},
        good[0],  # the same again
        good[1] | {"reference": "b-overlap", "started_at": good[0]["started_at"]},
        good[2] | {"volunteer_id": str(world.station)},
        "not an object",
        good[3] | {"note": "nul \x00"},
        good[0] | {"category": "other"},
    ]
    response = world.ok("POST", BATCH, {"items": sent}, as_=world.system())["items"]
    assert [item["outcome"] for item in response] == [
        "created",
        "refused",
        "exists",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    assert [item["index"] for item in response] == list(range(8))
    assert response[2]["id"] == response[0]["id"]
    assert [item["problem"]["type"] for item in response if item["outcome"] == "refused"] == [
        "/problems/invalid",
        "/problems/overlapping-record",
        "/problems/unknown-volunteer",
        "/problems/invalid",
        "/problems/invalid",
        "/problems/reference-reused",
    ]
    assert [event["data"]["record_id"] for event in world.events("hours.recorded")] == [
        response[0]["id"]
    ]


def test_a_thousand_items_take_a_few_statements(world):
    people = [world.volunteer(f"志愿者{n}") for n in range(10)]
    sent = [item for n, person in enumerate(people) for item in items(world, person, 100, f"p{n}")]
    statements = []
    engine = world.district.registration.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    response = world.ok("POST", BATCH, {"items": sent}, as_=world.system())["items"]
    assert {item["outcome"] for item in response} == {"created"}
    assert len([s for s in statements if "denied_people" not in s]) <= 3
    assert len(world.events("hours.recorded")) == 1000
    again = world.ok("POST", BATCH, {"items": sent}, as_=world.system())["items"]
    assert {item["outcome"] for item in again} == {"exists"}
    assert len(world.events("hours.recorded")) == 1000


def test_more_than_a_thousand_items_or_none_are_refused(world):
    assert world.status("POST", BATCH, {"items": [1] * 1001}, as_=world.system()) == 422
    assert world.status("POST", BATCH, {"items": []}, as_=world.system()) == 422


def test_the_same_batch_sent_by_many_at_once_counts_once(world):
    shen_fang = world.volunteer("沈芳")
    token, sent = world.system(), {"items": items(world, shen_fang, 20)}
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: world.call("POST", BATCH, sent, as_=token), range(6)))
    assert {a.status_code for a in responses} == {200}
    assert sum(i["outcome"] == "created" for a in responses for i in a.json["items"]) == 20
    assert all(i["outcome"] in ("created", "exists") for a in responses for i in a.json["items"])
    assert len(world.events("hours.recorded")) == 20


def test_overlapping_hours_sent_by_many_systems_at_once_count_once(world):
    shen_fang = world.volunteer("沈芳")
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(
                lambda n: world.call(
                    "POST",
                    "/v1/service-records",
                    world.record(shen_fang),
                    as_=world.system(name=f"s{n}"),
                ),
                range(6),
            )
        )
    assert sorted(a.status_code for a in responses) == [201, 409, 409, 409, 409, 409]
    with world.district.registration.session() as session:
        assert session.scalar(select(func.count(ServiceRecord.id))) == 1

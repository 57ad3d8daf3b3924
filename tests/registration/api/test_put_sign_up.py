"""PUT and DELETE /v1/sessions/{id}/sign-ups/{volunteer_id}: seats and the waiting list."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from uuid import UUID

from sqlalchemy import select

from services.registration.models import ActivitySession, SignUp
from services.registration.sign_ups import fill_free_seats, sign_up


def path(session_id, volunteer_id):
    return f"/v1/sessions/{session_id}/sign-ups/{volunteer_id}"


def seats(world, session_id):
    """Return the status of each volunteer in a session, and how many seats are counted."""
    with world.district.registration.session() as session:
        rows = session.execute(
            select(SignUp.volunteer_id, SignUp.status).where(SignUp.session_id == session_id)
        ).all()
        confirmed = session.get(ActivitySession, session_id).confirmed
    return {row.volunteer_id: row.status.value for row in rows}, confirmed


def test_a_volunteer_gets_a_seat_and_repeating_it_changes_nothing(world):
    shen_fang, cleaning = world.volunteer("沈芳"), world.session()
    first = world.call("PUT", path(cleaning, shen_fang), as_=world.token(shen_fang))
    again = world.call("PUT", path(cleaning, shen_fang), as_=world.token(shen_fang))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["status"] == again.json["status"] == "confirmed"
    assert seats(world, cleaning) == ({shen_fang: "confirmed"}, 1)
    assert [event["data"]["volunteer_id"] for event in world.events("signup.confirmed")] == [
        str(shen_fang)
    ]
    shown = world.ok("GET", f"/v1/volunteers/{shen_fang}/sign-ups", as_=world.token(shen_fang))
    assert [(i["session_id"], i["status"]) for i in shown["items"]] == [
        (str(cleaning), "confirmed")
    ]


def test_who_comes_too_late_waits_and_moves_up_when_a_seat_is_given_back(world):
    shen_fang, wang_qiang, li_jing = (world.volunteer(n) for n in ("沈芳", "王强", "李静"))
    cleaning = world.session(capacity=1)
    for person in (shen_fang, wang_qiang, li_jing):
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    assert seats(world, cleaning) == (
        {shen_fang: "confirmed", wang_qiang: "waitlisted", li_jing: "waitlisted"},
        1,
    )
    for _ in range(2):
        gone = world.call("DELETE", path(cleaning, shen_fang), as_=world.token(shen_fang))
        assert (gone.status_code, gone.json["status"]) == (200, "cancelled")
    assert seats(world, cleaning) == (
        {shen_fang: "cancelled", wang_qiang: "confirmed", li_jing: "waitlisted"},
        1,
    )
    assert len(world.events("signup.cancelled")) == 1
    back = world.call("PUT", path(cleaning, shen_fang), as_=world.token(shen_fang))
    assert (back.status_code, back.json["status"]) == (201, "waitlisted")
    world.ok("DELETE", path(cleaning, wang_qiang), as_=world.coordinator())
    assert seats(world, cleaning)[0] == {
        shen_fang: "waitlisted",
        wang_qiang: "cancelled",
        li_jing: "confirmed",
    }


def test_who_found_a_seat_elsewhere_is_passed_over(world):
    shen_fang, wang_qiang, li_jing = (world.volunteer(n) for n in ("沈芳", "王强", "李静"))
    cleaning, other = world.session(capacity=1), world.session()
    for person in (shen_fang, wang_qiang, li_jing):
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    world.ok("PUT", path(other, wang_qiang), as_=world.token(wang_qiang))
    world.ok("DELETE", path(cleaning, shen_fang), as_=world.token(shen_fang))
    assert seats(world, cleaning) == (
        {shen_fang: "cancelled", wang_qiang: "waitlisted", li_jing: "confirmed"},
        1,
    )


def test_every_refusal_has_a_name(world):
    shen_fang, applied = world.volunteer("沈芳"), world.volunteer("王强", active=False)
    child = world.ok(
        "POST",
        "/v1/volunteers",
        {
            "name": "小明",
            "phone": "13900000000",
            "birth_date": "2015-01-01",
            "guardian": {"name": "大明", "phone": "13900000001", "consent": True},
        },
    )["id"]
    world.ok("PUT", f"/v1/volunteers/{child}/activation", as_=world.staff)
    cleaning = world.session()
    world.ok("PUT", path(cleaning, shen_fang), as_=world.staff)
    for session_id, person, reason in (
        (world.session(world.activity(published=False)), shen_fang, "not_published"),
        (world.session(), applied, "not_active"),
        (world.session(), world.station, "not_active"),
        (world.session(world.activity(minimum_age=16)), child, "too_young"),
        (world.session(), shen_fang, "overlaps"),
    ):
        response = world.call("PUT", path(session_id, person), as_=world.staff)
        assert (response.status_code, response.json.get("reason")) == (409, reason)
    assert world.status("PUT", path(world.station, shen_fang), as_=world.staff) == 404
    assert len(world.events("signup.confirmed")) == 1


def test_a_session_that_ended_takes_no_sign_ups_but_one_entered_afterwards_does(world):
    shen_fang, wang_qiang = world.volunteer("沈芳"), world.volunteer("王强")
    entered_afterwards = world.session(starts_in=timedelta(hours=-3))
    assert (
        world.status("PUT", path(entered_afterwards, shen_fang), as_=world.token(shen_fang)) == 201
    )
    over = world.session(starts_in=timedelta(hours=-6))
    with world.district.registration.session() as session:
        activity_session = session.get(ActivitySession, over)
        activity_session.created_at = activity_session.starts_at
    response = world.call("PUT", path(over, wang_qiang), as_=world.token(wang_qiang))
    assert (response.status_code, response.json["reason"]) == (409, "over")


def test_nobody_signs_up_somebody_else_unless_they_coordinate(world):
    shen_fang, wang_qiang, cleaning = (
        world.volunteer("沈芳"),
        world.volunteer("王强"),
        world.session(),
    )
    company = world.ok(
        "POST", "/v1/organisations", {"name": "星光", "kind": "company"}, as_=world.staff
    )["id"]
    for token in (world.token(wang_qiang), world.coordinator(organisation_id=company)):
        assert world.status("PUT", path(cleaning, shen_fang), as_=token) == 404
    assert (
        world.status("PUT", path(cleaning, shen_fang), as_=world.coordinator(world.federation))
        == 201
    )


def test_the_last_seats_are_never_given_twice(world):
    people = [world.volunteer(f"志愿者{n}") for n in range(8)]
    cleaning = world.session(capacity=3)
    with ThreadPoolExecutor(8) as pool:
        responses = list(
            pool.map(lambda p: world.call("PUT", path(cleaning, p), as_=world.token(p)), people)
        )
    assert {a.status_code for a in responses} == {201}
    statuses, confirmed = seats(world, cleaning)
    assert (confirmed, sorted(statuses.values())) == (3, ["confirmed"] * 3 + ["waitlisted"] * 5)


def test_at_rest_no_seat_is_free_while_somebody_waits(world):
    people = [world.volunteer(f"志愿者{n}") for n in range(8)]
    cleaning = world.session(capacity=2)
    first = people[:2]
    for person in first:
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    with ThreadPoolExecutor(8) as pool:
        work = [("DELETE", p) for p in first] + [("PUT", p) for p in people[2:]]
        responses = list(
            pool.map(lambda w: world.call(w[0], path(cleaning, w[1]), as_=world.token(w[1])), work)
        )
    assert all(a.status_code < 300 for a in responses)
    statuses, confirmed = seats(world, cleaning)
    assert confirmed == 2 == list(statuses.values()).count("confirmed")


def test_a_seat_given_back_while_somebody_queues_goes_to_them(world):
    shen_fang, wang_qiang, cleaning = (
        world.volunteer("沈芳"),
        world.volunteer("王强"),
        world.session(capacity=1),
    )
    world.ok("PUT", path(cleaning, shen_fang), as_=world.token(shen_fang))
    with ThreadPoolExecutor(1) as pool:
        with world.district.registration.session() as session:
            assert sign_up(session, cleaning, wang_qiang)[0].status == "waitlisted"
            cancelled = pool.submit(
                world.ok, "DELETE", path(cleaning, shen_fang), as_=world.token(shen_fang)
            )
            sleep(0.3)  # the other connection has reached the session's row by now
        cancelled.result(10)
    assert seats(world, cleaning) == ({shen_fang: "cancelled", wang_qiang: "confirmed"}, 1)


def test_nobody_gets_two_seats_at_the_same_time(world):
    shen_fang = world.volunteer("沈芳")
    activity = world.activity()
    sessions = [world.session(activity) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(
                lambda s: world.call("PUT", path(s, shen_fang), as_=world.token(shen_fang)),
                sessions,
            )
        )
    assert sorted(a.status_code for a in responses) == [201, 409, 409, 409, 409, 409]
    assert sum(seats(world, s)[1] for s in sessions) == 1


def test_suspending_a_volunteer_gives_their_seat_to_the_next(world):
    shen_fang, wang_qiang, cleaning = (
        world.volunteer("沈芳"),
        world.volunteer("王强"),
        world.session(capacity=1),
    )
    for person in (shen_fang, wang_qiang):
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    world.ok("PUT", f"/v1/volunteers/{shen_fang}/suspension", as_=world.staff)
    assert seats(world, cleaning)[0] == {shen_fang: "cancelled", wang_qiang: "confirmed"}


def test_a_seat_given_back_after_the_end_stays_empty(world):
    shen_fang, wang_qiang = world.volunteer("沈芳"), world.volunteer("王强")
    cleaning = world.session(capacity=1, starts_in=timedelta(hours=-3))
    for person in (shen_fang, wang_qiang):
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    world.ok("DELETE", path(cleaning, shen_fang), as_=world.token(shen_fang))
    fill(world)
    assert seats(world, cleaning) == ({shen_fang: "cancelled", wang_qiang: "waitlisted"}, 0)
    assert [event["data"]["volunteer_id"] for event in world.events("signup.confirmed")] == [
        str(shen_fang)
    ]


def fill(world):
    """Do what the periodic job does; returns the sessions that it filled."""
    filled, done = [], UUID(int=0)
    while done is not None:
        with world.district.registration.session() as session:
            done = fill_free_seats(session, after=done)
        filled += [done] if done else []
    return filled


def passed_over(world):
    """王强 waited for a seat, which became free while he had one elsewhere at that time."""
    shen_fang, wang_qiang = world.volunteer("沈芳"), world.volunteer("王强")
    cleaning, elsewhere = world.session(capacity=1), world.session()
    for person in (shen_fang, wang_qiang):
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    world.ok("PUT", path(elsewhere, wang_qiang), as_=world.token(wang_qiang))
    world.ok("DELETE", path(cleaning, shen_fang), as_=world.token(shen_fang))
    assert fill(world) == []
    assert seats(world, cleaning) == ({shen_fang: "cancelled", wang_qiang: "waitlisted"}, 0)
    return cleaning, elsewhere, wang_qiang


def test_who_gives_a_seat_back_gets_the_free_one_they_waited_for(world):
    cleaning, elsewhere, wang_qiang = passed_over(world)
    world.ok("DELETE", path(elsewhere, wang_qiang), as_=world.token(wang_qiang))
    assert fill(world) == [cleaning]
    assert fill(world) == []
    statuses, confirmed = seats(world, cleaning)
    assert (statuses[wang_qiang], confirmed) == ("confirmed", 1)
    assert [event["data"]["session_id"] for event in world.events("signup.confirmed")][-1] == str(
        cleaning
    )
    assert len(world.events("signup.confirmed")) == 3


def test_filling_at_once_fills_once_and_waits_for_nobody(world):
    cleaning, elsewhere, wang_qiang = passed_over(world)
    world.ok("DELETE", path(elsewhere, wang_qiang), as_=world.token(wang_qiang))
    with ThreadPoolExecutor(4) as pool:
        with world.district.registration.session() as session:
            session.get(ActivitySession, cleaning, with_for_update=True)
            assert pool.submit(fill, world).result(10) == []  # left to whoever works on it
        filled = list(pool.map(lambda _: fill(world), range(4)))
    assert sorted(filled) == [[], [], [], [cleaning]]
    assert seats(world, cleaning)[1] == 1


def test_several_free_seats_are_filled_in_the_order_of_the_queue(world):
    people = [world.volunteer(f"志愿者{n}") for n in range(4)]
    cleaning = world.session(capacity=1)
    for person in people:
        world.ok("PUT", path(cleaning, person), as_=world.token(person))
    with world.district.registration.session() as session:
        session.get(ActivitySession, cleaning).capacity = 3
    assert fill(world) == [cleaning]
    statuses, confirmed = seats(world, cleaning)
    assert (confirmed, [statuses[p] for p in people]) == (3, ["confirmed"] * 3 + ["waitlisted"])

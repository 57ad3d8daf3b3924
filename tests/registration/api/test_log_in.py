"""/v1/auth: passwords, one-time codes, refresh tokens."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from services.registration.models import LoginCode, OutboundMessage, RefreshToken, StaffMember
from services.registration.staff import create_staff
from shared.core.clock import app_now
from shared.core.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture
def admin(world):
    with world.district.registration.session() as session:
        return str(create_staff(session, "zhao", PASSWORD).id)


@pytest.fixture
def mailbox(world, monkeypatch):
    """An embedded installation, whose mailbox shows what would have been sent."""
    app = world.district.registration.app
    monkeypatch.setitem(app.extensions, "settings", Settings.read(embedded=True))

    def latest_code():
        return re.search(
            r"\d{6}", world.ok("GET", "/v1/auth/dev-mailbox")["items"][0]["text"]
        ).group()

    return latest_code


def log_in(world, password=PASSWORD):
    return world.call("POST", "/v1/auth/staff", {"login": "zhao", "password": password})


def test_staff_log_in_by_password(world, admin):
    response = log_in(world)
    assert (response.status_code, response.json["role"], response.json["person_id"]) == (
        200,
        "staff",
        admin,
    )
    assert world.status("GET", "/v1/volunteers", as_=response.json["access_token"]) == 200


def test_wrong_passwords_are_counted_and_lock_even_the_right_one(world, admin):
    for _ in range(5):
        assert log_in(world, "wrong").status_code == 401
    assert log_in(world).status_code == 401
    with world.district.registration.session() as session:
        session.execute(update(StaffMember).values(locked_until=app_now() - timedelta(seconds=1)))
    assert log_in(world).status_code == 200


def test_guesses_at_the_same_time_are_all_counted(world, admin):
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: log_in(world, "wrong"), range(5)))
    assert log_in(world).status_code == 401


def test_an_unknown_login_looks_like_a_wrong_password(world, admin):
    unknown = world.call("POST", "/v1/auth/staff", {"login": "nobody", "password": PASSWORD}).json
    wrong = log_in(world, "wrong").json
    assert unknown | {"request_id": ""} == wrong | {"request_id": ""}


def ask_code(world, phone="13800100001"):
    return world.call("POST", "/v1/auth/codes", {"phone": phone})


def by_code(world, code, **more):
    return world.call("POST", "/v1/auth/phone", {"phone": "+86 138 0010 0001", "code": code} | more)


def test_a_volunteer_logs_in_with_a_code_that_works_once(world, mailbox):
    shen_fang = world.volunteer("沈芳")
    assert ask_code(world).status_code == 202
    code = mailbox()
    response = by_code(world, code)
    assert (response.status_code, response.json["person_id"], response.json["role"]) == (
        200,
        str(shen_fang),
        "volunteer",
    )
    assert (
        world.status("GET", f"/v1/volunteers/{shen_fang}", as_=response.json["access_token"]) == 200
    )
    assert by_code(world, code).status_code == 401
    assert all(code not in str(event) for event in world.events())


def test_one_code_used_by_many_at_once_logs_in_once(world, mailbox):
    world.volunteer("沈芳")
    ask_code(world)
    code = mailbox()
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: by_code(world, code).status_code, range(6)))
    assert sorted(responses) == [200, 401, 401, 401, 401, 401]


def test_a_code_dies_after_five_wrong_tries_and_after_five_minutes(world, mailbox):
    world.volunteer("沈芳")
    ask_code(world)
    code = mailbox()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        assert by_code(world, wrong).status_code == 401
    assert by_code(world, code).status_code == 401
    with world.district.registration.session() as session:
        session.execute(update(LoginCode).values(attempts=0, expires_at=app_now()))
    assert by_code(world, code).status_code == 401


@pytest.mark.check("S5")
def test_an_unknown_phone_gets_the_same_answer_and_no_message(world):
    world.volunteer("沈芳")
    known, unknown = ask_code(world), ask_code(world, "13912345678")
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    assert ask_code(world).status_code == 202  # a second within a minute is not sent
    with world.district.registration.session() as session:
        assert session.scalar(select(func.count(OutboundMessage.id))) == 1
        assert b"138" not in session.scalars(select(OutboundMessage.phone_sealed)).one()


def test_the_mailbox_exists_in_embedded_mode_only(world):
    assert world.status("GET", "/v1/auth/dev-mailbox") == 404


def test_a_coordinator_names_the_organisation_to_log_in_for(world, mailbox):
    shen_fang = world.volunteer("沈芳")
    world.ok("PUT", f"/v1/organisations/{world.station}/coordinators/{shen_fang}", as_=world.staff)
    ask_code(world)
    code = mailbox()
    assert by_code(world, code, organisation_id=str(world.branch)).status_code == 401
    with world.district.registration.session() as session:
        session.execute(update(LoginCode).values(used_at=None))
    got = by_code(world, code).json
    assert (got["role"], got["coordinates"]) == ("volunteer", [str(world.station)])
    body = {"refresh_token": got["refresh_token"], "organisation_id": str(world.station)}
    got = world.ok("POST", "/v1/auth/refresh", body)
    assert (got["role"], got["organisation_id"]) == ("coordinator", str(world.station))


@pytest.mark.check("S4")
def test_a_refresh_token_works_once_and_its_theft_ends_the_log_in(world, admin):
    first = log_in(world).json
    second = world.ok("POST", "/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert second["role"] == "staff"
    assert (
        world.status("POST", "/v1/auth/refresh", {"refresh_token": first["refresh_token"]}) == 401
    )
    assert (
        world.status("POST", "/v1/auth/refresh", {"refresh_token": second["refresh_token"]}) == 401
    )


def test_signing_out_ends_the_refresh_token(world, admin):
    got = log_in(world).json
    for _ in range(2):
        assert (
            world.status("POST", "/v1/auth/sign-out", {"refresh_token": got["refresh_token"]})
            == 204
        )
    assert world.status("POST", "/v1/auth/refresh", {"refresh_token": got["refresh_token"]}) == 401


@pytest.mark.check("S4")
def test_suspension_voids_every_token(world, mailbox):
    shen_fang = world.volunteer("沈芳")
    ask_code(world)
    got = by_code(world, mailbox()).json
    world.ok("PUT", f"/v1/volunteers/{shen_fang}/suspension", as_=world.staff)
    world.district.registration.app.verifier._denied_until = 0.0
    assert world.status("GET", f"/v1/volunteers/{shen_fang}", as_=got["access_token"]) == 401
    assert world.status("POST", "/v1/auth/refresh", {"refresh_token": got["refresh_token"]}) == 401
    assert [UUID(event["subject"]) for event in world.events("person.access_changed")] == [
        shen_fang
    ]
    with world.district.registration.session() as session:
        assert session.scalar(select(func.count()).select_from(RefreshToken)) == 0

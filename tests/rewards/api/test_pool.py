"""The pool 爱心券池 gives fairly, first what expires first, and never twice."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.rewards.pool import requests
from services.rewards.pool.allocation import allocate
from shared.contracts.registration import (
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.core.ids import new_id
from tests.rewards.api.test_get_voucher import sources
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def ask(bank: Bank, who: UUID, status: int = 201, **more: Any) -> Any:
    return bank.ask(
        "POST", "/v1/pool/requests", {"need": "low_income"} | more, as_=bank.of(who), status=status
    )


def give_out(bank: Bank) -> list[str]:
    """Allocate now, as staff; return the people whose requests were granted, in order."""
    items = bank.by_staff("POST", "/v1/pool/allocations", {}, 201)["items"]
    return [item["recipient_id"] for item in items]


def moved(bank: Bank, sql: str, **parameters: Any) -> None:
    with bank.rewards.session() as session:
        session.execute(text(sql), parameters)


def explained(bank: Bank, request_id: str) -> Any:
    return bank.by_staff("GET", f"/v1/pool/requests/{request_id}")["explanation"]


def test_the_public_sees_the_pool_and_no_names(bank: Bank, star: Venue) -> None:
    assert bank.ask("GET", "/v1/pool") == {"items": []}
    for _ in range(2):
        bank.donate(bank.fang)
    bank.give(bank.qiang, bank.earned(bank.qiang), "pool", named=True)
    first = bank.rows("SELECT id FROM vouchers WHERE status = 'issued' ORDER BY id LIMIT 1")[0][0]
    moved(
        bank, "UPDATE vouchers SET expires_at = now() + interval '3 days' WHERE id = :id", id=first
    )
    answer = bank.ask("GET", "/v1/pool")
    (item,) = answer["items"]
    assert item.keys() == {"product_id", "venue_id", "title", "count", "first_expires_at"}
    assert item["count"] == 3
    assert bank.rows("SELECT count(*) FROM handovers WHERE named") == [(0,)]
    assert {
        (f["data"]["holder_id"], f["data"]["kind"]) for f in bank.rewards.published("voucher.given")
    } == {(None, "donation")}
    bank.assert_sound()


def test_a_voucher_in_the_pool_has_no_holder_and_no_counter_knows_it(
    bank: Bank, star: Venue
) -> None:
    mine = bank.earned(bank.fang)
    code = bank.code_of(bank.fang, mine)
    pooled = bank.give(bank.fang, mine, "pool")["voucher_id"]
    assert star.redeem(code, "POS-1") == "voided"
    for who in (bank.fang, bank.qiang):
        bank.ask("GET", f"/v1/vouchers/{pooled}", as_=bank.of(who), status=404)
        bank.ask("GET", f"/v1/vouchers/{pooled}/code", as_=bank.of(who), status=404)
    row = bank.rows(
        "SELECT debit_account, credit_account, amount FROM transfers WHERE kind = 'given'"
    )[0]
    product = bank.rows("SELECT product_id FROM vouchers")[0][0]
    assert tuple(row) == (f"product:{product}", f"pool:{product}", 120)


def test_a_request_is_granted_and_no_points_are_made_or_lost(bank: Bank, star: Venue) -> None:
    pooled = bank.donate(bank.fang)
    request = ask(bank, bank.qiang)
    assert (request["status"], request["holder_id"]) == ("waiting", str(bank.qiang))
    assert give_out(bank) == [str(bank.qiang)]
    assert give_out(bank) == []
    (voucher,) = bank.vouchers(bank.qiang, "issued")
    again = bank.ask("GET", f"/v1/pool/requests/{request['id']}", as_=bank.of(bank.qiang))
    assert (again["status"], again["voucher_id"]) == ("granted", voucher["id"])
    assert again["explanation"] == {"received_before": 0, "waited_days": 0, "ahead": None}
    assert bank.by_staff("GET", f"/v1/vouchers/{pooled}")["status"] == "given"
    kinds = bank.rows(
        "SELECT kind, amount FROM transfers WHERE kind IN ('given', 'allocated') ORDER BY id"
    )
    assert [tuple(row) for row in kinds] == [("given", 120), ("allocated", 120)]
    event = bank.rewards.published("voucher.given")[-1]["data"]
    assert (event["kind"], event["holder_id"], event["giver_id"]) == (
        "allocation",
        str(bank.qiang),
        None,
    )
    bank.assert_sound()
    assert star.redeem(bank.code_of(bank.qiang, voucher["id"]), "POS-1") == "redeemed"
    bank.assert_sound()


def test_its_receiver_never_learns_from_whom_but_an_auditor_does(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    bank.give(bank.fang, bank.vouchers(bank.fang)[0]["id"], "pool", named=True)
    ask(bank, bank.qiang)
    give_out(bank)
    (voucher,) = bank.vouchers(bank.qiang, "issued")
    for part in ("chain", "trace"):
        seen = bank.ask("GET", f"/v1/vouchers/{voucher['id']}/{part}", as_=bank.of(bank.qiang))
        assert str(bank.fang) not in str(seen)
    assert sources(bank, voucher) == [(str(record.record_id), 120)]
    auditor = bank.district.token("auditor")
    links = bank.ask("GET", f"/v1/vouchers/{voucher['id']}/chain", as_=auditor)["items"]
    assert [(link["kind"], link["giver_id"]) for link in links] == [
        ("donation", str(bank.fang)),
        ("allocation", None),
    ]


def test_fewest_received_comes_first_then_the_longest_wait(bank: Bank, star: Venue) -> None:
    often, early, late = new_id(), new_id(), new_id()
    bank.donate(bank.fang)
    ask(bank, often)
    assert give_out(bank) == [str(often)]
    requests = {who: ask(bank, who)["id"] for who in (often, late, early)}
    for days, who in ((3, often), (2, early), (1, late)):
        moved(
            bank,
            "UPDATE pool_requests SET created_at = now() - :days * interval '1 day' WHERE id = :id",
            days=days,
            id=requests[who],
        )
    places = {who: explained(bank, requests[who]) for who in (often, early, late)}
    assert [
        (places[w]["received_before"], places[w]["waited_days"], places[w]["ahead"]) for w in places
    ] == [
        (1, 3, 2),
        (0, 2, 0),
        (0, 1, 1),
    ]
    for _ in range(2):
        bank.donate(bank.fang)
    assert give_out(bank) == [str(early), str(late)]
    bank.donate(bank.fang)
    assert give_out(bank) == [str(often)]
    assert explained(bank, requests[often])["received_before"] == 1
    assert explained(bank, requests[early]) == {
        "received_before": 0,
        "waited_days": 2,
        "ahead": None,
    }


def test_a_voucher_received_more_than_a_year_ago_does_not_count(bank: Bank, star: Venue) -> None:
    long_ago, never = new_id(), new_id()
    bank.donate(bank.fang)
    ask(bank, long_ago)
    give_out(bank)
    moved(bank, "UPDATE pool_requests SET ended_at = now() - interval '366 days'")
    ask(bank, long_ago)
    ask(bank, never)
    bank.donate(bank.fang)
    assert give_out(bank) == [str(long_ago)]


def test_vouchers_that_expire_first_go_first_and_expired_ones_stay(bank: Bank, star: Venue) -> None:
    far, near, over = (bank.donate(bank.fang) for _ in range(3))
    for days, voucher in ((30, far), (3, near), (-1, over)):
        moved(
            bank,
            "UPDATE vouchers SET expires_at = now() + :days * interval '1 day' WHERE id = :id",
            days=days,
            id=voucher,
        )
    assert bank.ask("GET", "/v1/pool")["items"][0]["count"] == 2
    ask(bank, bank.qiang)
    give_out(bank)
    assert bank.by_staff("GET", f"/v1/vouchers/{near}")["status"] == "given"
    assert bank.by_staff("GET", f"/v1/vouchers/{far}")["status"] == "issued"


def test_a_request_for_a_product_waits_and_holds_up_nobody(bank: Bank, star: Venue) -> None:
    swim = bank.product(star.id, points=50, title="游泳票")
    bank.donate(bank.fang)
    ask(bank, bank.qiang, product_id=swim)
    other = new_id()
    ask(bank, other)
    assert give_out(bank) == [str(other)]
    ask(bank, new_id(), 422, product_id=str(new_id()))


def test_a_person_has_one_request_waiting_and_may_withdraw_it(bank: Bank, star: Venue) -> None:
    request = ask(bank, bank.qiang)
    assert ask(bank, bank.qiang, 409)["type"] == "/problems/request-waiting"
    path = f"/v1/pool/requests/{request['id']}"
    bank.ask("DELETE", path, as_=bank.of(bank.fang), status=404)
    for _ in range(2):
        assert bank.ask("DELETE", path, as_=bank.of(bank.qiang))["status"] == "withdrawn"
    bank.donate(bank.fang)
    assert give_out(bank) == []
    granted = ask(bank, bank.qiang)
    assert give_out(bank) == [str(bank.qiang)]
    problem = bank.ask(
        "DELETE", f"/v1/pool/requests/{granted['id']}", as_=bank.of(bank.qiang), status=409
    )
    assert problem["type"] == "/problems/request-granted"


def test_a_coordinator_asks_for_somebody_in_need_and_hands_it_over(bank: Bank, star: Venue) -> None:
    coordinator, old_lady = new_id(), new_id()
    token = bank.district.token("coordinator", coordinator, organisation=bank.organisation)
    body = {"need": "elderly", "recipient_id": str(old_lady)}
    bank.ask("POST", "/v1/pool/requests", body, as_=bank.of(bank.qiang), status=404)
    request = bank.ask("POST", "/v1/pool/requests", body, as_=token, status=201)
    assert (request["recipient_id"], request["holder_id"]) == (str(old_lady), str(coordinator))
    bank.donate(bank.fang)
    give_out(bank)
    voucher = bank.vouchers(coordinator, "issued")[0]["id"]
    code = bank.ask("GET", f"/v1/vouchers/{voucher}/code", as_=token)["code"]
    assert star.redeem(code, "POS-1") == "redeemed"
    assert str(old_lady) not in str(bank.rewards.published())
    assert bank.rows(
        "SELECT count(*) FROM accounts WHERE volunteer_id IN (:a, :b)", a=coordinator, b=old_lady
    ) == [(0,)]


def test_staff_name_the_person_in_need_and_the_holder(bank: Bank, star: Venue) -> None:
    bank.by_staff("POST", "/v1/pool/requests", {"need": "child"}, 422)
    body = {"need": "child", "recipient_id": str(new_id()), "holder_id": str(bank.qiang)}
    assert bank.by_staff("POST", "/v1/pool/requests", body, 201)["holder_id"] == str(bank.qiang)
    bank.by_staff("POST", "/v1/pool/requests", body | {"need": "because"}, 422)


def test_people_see_their_own_requests_and_staff_see_all(bank: Bank, star: Venue) -> None:
    mine = ask(bank, bank.qiang)["id"]
    ask(bank, bank.fang)
    listed = bank.ask("GET", "/v1/pool/requests", as_=bank.of(bank.qiang))["items"]
    assert [item["id"] for item in listed] == [mine]
    assert len(bank.by_staff("GET", "/v1/pool/requests?status=waiting")["items"]) == 2
    bank.ask("GET", f"/v1/pool/requests/{mine}", as_=bank.of(bank.fang), status=404)
    bank.ask("GET", f"/v1/pool/requests/{new_id()}", as_=bank.of(bank.fang), status=404)
    bank.ask("POST", "/v1/pool/allocations", {}, as_=bank.of(bank.fang), status=403)


def test_people_who_are_suspended_or_left_get_nothing(bank: Bank, star: Venue) -> None:
    suspended, gone = new_id(), new_id()
    bank.receive(
        *(VolunteerRegistered(volunteer_id=who, number="ZJ-1") for who in (suspended, gone))
    )
    request = ask(bank, gone)
    ask(bank, suspended)
    bank.receive(VolunteerSuspended(volunteer_id=suspended), VolunteerLeft(volunteer_id=gone))
    bank.donate(bank.fang)
    assert give_out(bank) == []
    assert bank.by_staff("GET", f"/v1/pool/requests/{request['id']}")["status"] == "withdrawn"
    assert ask(bank, gone, 409)["type"] == "/problems/account-ended"
    assert ask(bank, suspended, 409)["type"] == "/problems/account-suspended"


def test_a_merge_moves_requests_and_what_was_received(bank: Bank, star: Venue) -> None:
    duplicate, stays, other = new_id(), new_id(), new_id()
    bank.receive(
        *(VolunteerRegistered(volunteer_id=who, number="ZJ-1") for who in (duplicate, stays))
    )
    bank.donate(bank.fang)
    ask(bank, duplicate)
    give_out(bank)
    older, younger = ask(bank, duplicate)["id"], ask(bank, stays)["id"]
    ask(bank, other)
    bank.receive(VolunteerMerged(volunteer_id=duplicate, into_id=stays), times=2)
    state = {
        r["id"]: (r["status"], r["recipient_id"])
        for r in bank.by_staff("GET", "/v1/pool/requests")["items"]
    }
    assert (state[older], state[younger]) == (("waiting", str(stays)), ("withdrawn", str(stays)))
    bank.donate(bank.fang)
    assert give_out(bank) == [str(other)]
    bank.donate(bank.fang)
    assert give_out(bank) == [str(stays)]
    assert len(bank.vouchers(stays, "issued")) == 2
    bank.assert_sound()


def test_allocations_at_once_give_no_voucher_twice_and_nobody_two(bank: Bank, star: Venue) -> None:
    people = [new_id() for _ in range(12)]
    for who in people:
        ask(bank, who)
    for _ in range(8):
        bank.donate(bank.fang)

    def run() -> int:
        with bank.rewards.session() as session:
            return len(allocate(session, 5))

    assert sum(at_once([run] * 6)) == 8
    granted = bank.rows(
        "SELECT recipient_id, voucher_id FROM pool_requests WHERE status = 'granted'"
    )
    assert len({row[0] for row in granted}) == len({row[1] for row in granted}) == len(granted) == 8
    assert {row[0] for row in granted} == set(people[:8])
    assert bank.rows("SELECT count(*) FROM handovers WHERE kind = 'allocation'") == [(8,)]
    assert bank.ask("GET", "/v1/pool")["items"] == []
    bank.assert_sound()


def test_of_a_withdrawal_and_an_allocation_at_once_one_wins(bank: Bank, star: Venue) -> None:
    def run() -> int:
        with bank.rewards.session() as session:
            return len(allocate(session))

    for _ in range(6):
        bank.donate(bank.fang)
        path, token = f"/v1/pool/requests/{ask(bank, bank.qiang)['id']}", bank.of(bank.qiang)

        def withdraw(path: str = path, token: str = token) -> int:
            return bank.rewards.call("DELETE", path, as_=token).status_code

        given, answer = at_once([run, withdraw])
        assert (given, answer) in ((1, 409), (0, 200))
        assert (bank.ask("GET", path, as_=token)["status"] == "granted") == bool(given)
    assert (
        len(bank.vouchers(bank.qiang))
        == bank.rows("SELECT count(*) FROM pool_requests WHERE status = 'granted'")[0][0]
    )
    bank.assert_sound()


def test_somebody_who_leaves_during_an_allocation_keeps_nothing(bank: Bank, star: Venue) -> None:
    """Whichever comes first, the voucher ends in the pool and not with somebody who left."""
    for number in range(6):
        who = new_id()
        bank.receive(VolunteerRegistered(volunteer_id=who, number=f"ZJ-{number}"))
        if number == 0:
            bank.donate(bank.fang)
        ask(bank, who)

        def run() -> int:
            with bank.rewards.session() as session:
                return len(allocate(session))

        at_once([run, lambda who=who: bank.receive(VolunteerLeft(volunteer_id=who))])  # type: ignore[misc]
        assert not bank.vouchers(who, "issued")
        assert bank.ask("GET", "/v1/pool")["items"][0]["count"] == 1
    bank.assert_sound()


def test_vouchers_in_the_pool_expire_like_others(bank: Bank, star: Venue) -> None:
    from services.rewards.vouchers.lifecycle import expire_vouchers

    pooled = bank.donate(bank.fang)
    moved(bank, "UPDATE vouchers SET expires_at = now() WHERE id = :id", id=pooled)
    with bank.rewards.session() as session:
        assert expire_vouchers(session) == 1
    assert bank.rows(
        "SELECT debit_account LIKE 'pool:%' FROM transfers WHERE kind = 'expired'"
    ) == [(True,)]
    bank.assert_sound()


def test_a_coordinator_asks_for_so_many_people_a_year(
    bank: Bank, star: Venue, monkeypatch: Any
) -> None:
    """Nobody here can check that they exist, and who never received anything comes first."""
    monkeypatch.setattr(requests, "FOR_OTHERS_A_YEAR", 2)
    token = bank.district.token("coordinator", new_id(), organisation=bank.organisation)
    for status in (201, 201, 409):
        body = {"need": "elderly", "recipient_id": str(new_id())}
        bank.ask("POST", "/v1/pool/requests", body, as_=token, status=status)
    bank.ask("POST", "/v1/pool/requests", {"need": "carer"}, as_=token, status=201)

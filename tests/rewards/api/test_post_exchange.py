"""Points into a voucher because somebody asked: priced, limited, never oversold; hours stay as they
are.
"""

import time
from typing import Any

import pytest
from sqlalchemy import text

from shared.contracts.registration import VolunteerLeft, VolunteerSuspended
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


@pytest.fixture
def film(bank: Bank, star: Venue) -> str:
    """A film for 90 points, given on request only."""
    product = bank.product(star.id, points=90, stock=2, title="夜场电影票")
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "issue", "product_id": product, "automatic": False}, 201
    )
    return product


def buy(bank: Bank, who: Any, product: str, status: int = 201, **more: Any) -> Any:
    return bank.ask(
        "POST", "/v1/exchanges", {"product_id": product} | more, as_=bank.of(who), status=status
    )


def test_points_buy_a_voucher_and_hours_stay(bank: Bank, film: str) -> None:
    bank.receive(bank.hours(bank.fang, 100))
    voucher = buy(bank, bank.fang, film)["voucher"]
    assert (voucher["holder_id"], voucher["origin"], voucher["points"]) == (
        str(bank.fang),
        "exchanged",
        90,
    )
    account = bank.account(bank.fang)
    assert (account["points_available"], account["minutes_credited"]) == (10, 100)
    (event,) = bank.rewards.published("voucher.issued")
    assert (event["subject"], event["data"]["holder_id"]) == (voucher["id"], str(bank.fang))
    entry = bank.rows("SELECT actor, debit_account FROM transfers WHERE kind = 'issued'")[0]
    assert tuple(entry) == (f"volunteer:{bank.fang}", f"volunteer:{bank.fang}")
    bank.assert_sound()


def test_the_same_key_buys_once(bank: Bank, film: str) -> None:
    bank.receive(bank.hours(bank.fang, 100))
    for _ in range(2):
        bank.ask(
            "POST",
            "/v1/exchanges",
            {"product_id": film},
            as_=bank.of(bank.fang),
            status=201,
            headers={"Idempotency-Key": "one"},
        )
    assert bank.count("vouchers") == 1


def test_too_few_points_name_the_shortage(bank: Bank, film: str) -> None:
    bank.receive(bank.hours(bank.fang, 60))
    problem = buy(bank, bank.fang, film, 409)
    assert (problem["type"], problem["shortage"]) == ("/problems/not-enough-points", 30)
    assert (bank.points(bank.fang), bank.count("vouchers")) == (60, 0)


def test_sold_out_is_refused_or_waits_behind_the_others(bank: Bank, film: str) -> None:
    bank.by_staff("PUT", f"/v1/products/{film}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.fang, 100), bank.hours(bank.qiang, 100))
    assert buy(bank, bank.fang, film, 409)["type"] == "/problems/sold-out"
    assert (bank.points(bank.fang), bank.count("backorders")) == (100, 0)
    for who in (bank.qiang, bank.fang):
        answer = buy(bank, who, film, wait=True)
        assert answer["voucher"] is None
        assert answer["backorder_id"]
    assert bank.account(bank.fang)["points_held"] == 90
    bank.by_staff("PUT", f"/v1/products/{film}/stock", {"stock": 1})
    assert [len(bank.vouchers(who, "issued")) for who in (bank.qiang, bank.fang)] == [1, 0]
    assert bank.vouchers(bank.qiang)[0]["origin"] == "exchanged"
    third = new_id()
    bank.receive(bank.hours(third, 100))
    with bank.rewards.session() as session:  # one came back a moment ago, and 沈芳 waits for it
        session.execute(text('UPDATE stocks SET "left" = 1 WHERE product_id = :id'), {"id": film})
    assert buy(bank, third, film, 409)["type"] == "/problems/sold-out"
    bank.assert_sound()


def test_a_limit_holds_and_what_was_given_back_makes_room(bank: Bank, film: str) -> None:
    limit = {"kind": "limit", "count": 1, "period": "month", "product_id": film}
    bank.by_staff("POST", "/v1/rules", limit, 201)
    bank.receive(bank.hours(bank.fang, 110))
    bank.receive(bank.hours(bank.qiang, 119))
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "earn", "minutes": 1, "points": 0, "category": "rest"}, 201
    )
    first = buy(bank, bank.fang, film)["voucher"]
    bank.receive(bank.hours(bank.fang, 99))
    assert buy(bank, bank.fang, film, 409)["type"] == "/problems/limit-reached"
    bank.by_staff("PUT", f"/v1/vouchers/{first['id']}/voidance", {"reason": "misprint"})
    buy(bank, bank.fang, film)
    bank.assert_sound()


def test_what_no_rule_offers_cannot_be_bought(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 100))
    unpriced = bank.product(star.id, points=10)
    assert buy(bank, bank.fang, unpriced, 409)["type"] == "/problems/not-offered"
    buy(bank, bank.fang, str(new_id()), 404)


def test_the_suspended_and_the_gone_buy_nothing(bank: Bank, film: str) -> None:
    for who in (bank.fang, bank.qiang):
        bank.receive(bank.hours(who, 100))
    bank.receive(VolunteerSuspended(volunteer_id=bank.fang))
    bank.receive(VolunteerLeft(volunteer_id=bank.qiang))
    assert buy(bank, bank.fang, film, 409)["type"] == "/problems/account-suspended"
    assert buy(bank, bank.qiang, film, 409)["type"] == "/problems/account-ended"
    assert bank.count("vouchers") == 0


def test_staff_buy_for_somebody_and_nobody_for_another(bank: Bank, film: str) -> None:
    bank.receive(bank.hours(bank.fang, 100))
    body = {"product_id": film, "volunteer_id": str(bank.fang)}
    bank.by_staff("POST", "/v1/exchanges", {"product_id": film}, 422)
    bank.ask("POST", "/v1/exchanges", body, as_=bank.of(bank.qiang), status=404)
    assert bank.count("vouchers") == 0
    assert bank.by_staff("POST", "/v1/exchanges", body, 201)["voucher"]["holder_id"] == str(
        bank.fang
    )


def test_one_persons_points_are_spent_once_by_many_requests(bank: Bank, film: str) -> None:
    bank.by_staff("PUT", f"/v1/products/{film}/stock", {"stock": 50})
    bank.receive(bank.hours(bank.fang, 100))
    token = bank.of(bank.fang)

    def once() -> int:
        return bank.rewards.call(
            "POST", "/v1/exchanges", {"product_id": film}, as_=token
        ).status_code

    answers = at_once([once] * 8)
    assert sorted(set(answers) - {503}) == [201, 409]
    assert answers.count(201) == 1
    assert bank.points(bank.fang) == 10
    bank.assert_sound()


def test_the_last_one_is_sold_once_to_two_hundred_at_once(bank: Bank, film: str) -> None:
    bank.by_staff("PUT", f"/v1/products/{film}/stock", {"stock": 1})
    people = [new_id() for _ in range(200)]
    bank.receive(*(bank.hours(who, 100) for who in people))
    tokens = [bank.of(who) for who in people]

    def until_answered(token: str) -> int:
        while True:  # a full pool answers 503 with Retry-After, as to any client
            answer = bank.rewards.call("POST", "/v1/exchanges", {"product_id": film}, as_=token)
            if answer.status_code != 503:
                return answer.status_code
            time.sleep(0.05)

    answers = at_once([lambda token=token: until_answered(token) for token in tokens])  # type: ignore[misc]
    assert (answers.count(201), answers.count(409)) == (1, 199)
    assert bank.rows('SELECT "left" FROM stocks WHERE product_id = :id', id=film) == [(0,)]
    assert bank.count("vouchers") == len(bank.rewards.published("voucher.issued")) == 1
    assert (
        sum(row[0] for row in bank.rows("SELECT points_available FROM accounts")) == 200 * 100 - 90
    )
    bank.assert_sound()

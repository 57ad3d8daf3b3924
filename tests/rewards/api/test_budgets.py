"""Stock, daily quota and monthly budget: never exceeded by whoever comes at once, and fresh on the
next day or month.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.rewards.catalogue import products
from services.rewards.events import credit_and_issue
from services.rewards.issuing import issue
from services.rewards.membership import members
from services.rewards.models import Product
from services.rewards.vouchers import lifecycle
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


@contextmanager
def later(bank: Bank, days: int) -> Iterator[Session]:
    """A transaction some days from now."""
    with bank.rewards.session() as session:
        session.execute(text(f"SET LOCAL wishtree.clock_offset = '{days} days'"))
        yield session


def film(
    bank: Bank, *, quota: int | None = None, budget: int | None = None, stock: int = 100
) -> str:
    bank.minute_is_a_point()
    product = bank.product(Venue(bank).id, stock=stock)
    if quota is not None:
        bank.rows("UPDATE products SET daily_quota = :quota RETURNING 1", quota=quota)
    if budget is not None:
        bank.by_staff(
            "POST", "/v1/rules", {"kind": "budget", "product_id": product, "points": budget}, 201
        )
    bank.issue(product)
    return product


def issued(bank: Bank) -> int:
    return int(bank.rows("SELECT count(*) FROM vouchers WHERE status = 'issued'")[0][0])


def waiting(bank: Bank) -> int:
    return int(bank.rows("SELECT count(*) FROM backorders WHERE status = 'waiting'")[0][0])


def test_a_budget_is_spent_and_the_rest_waits(bank: Bank) -> None:
    film(bank, budget=300)
    for _ in range(4):
        bank.receive(bank.hours(new_id(), 120))
    assert (issued(bank), waiting(bank)) == (2, 2)
    assert bank.rows('SELECT "left", month_points FROM stocks') == [(98, 240)]
    assert len(bank.rewards.published("voucher.backordered")) == 2
    bank.assert_sound()


def test_nine_tenths_of_a_budget_are_said_once(bank: Bank) -> None:
    product = film(bank, budget=1200)
    for _ in range(12):
        bank.receive(bank.hours(new_id(), 120))
    (event,) = bank.rewards.published("budget.low")
    assert (event["subject"], event["data"]["points_left"]) == (product, 120)


@pytest.mark.parametrize(
    "short", [{"quota": 5}, {"budget": 700}, {"stock": 5}, {"quota": 6, "budget": 600}]
)
def test_buses_at_once_never_exceed_it(bank: Bank, short: dict[str, Any]) -> None:
    product = film(bank, **short)
    batches = [[bank.hours(new_id(), 120) for _ in range(4)] for _ in range(4)]

    def handle(number: int) -> None:
        with bank.rewards.session() as session:
            credit_and_issue(session, batches[number])

    at_once([lambda n=n: handle(n) for n in range(4)])  # type: ignore[misc]
    assert (issued(bank), waiting(bank)) == (5, 11)
    with bank.rewards.session() as session:
        assert products.available_now(session, UUID(product)) == 0
    bank.assert_sound()


@pytest.mark.parametrize(("short", "days"), [({"quota": 5}, 1), ({"budget": 700}, 31)])
def test_those_who_wait_are_served_in_the_next_period_and_never_too_many(
    bank: Bank, short: dict[str, Any], days: int
) -> None:
    product = film(bank, **short)
    bank.receive(*(bank.hours(new_id(), 120) for _ in range(12)))
    assert (issued(bank), waiting(bank)) == (5, 7)
    newcomers = [[bank.hours(new_id(), 120) for _ in range(3)] for _ in range(3)]

    def serve() -> None:
        with later(bank, days) as session:
            issue.issue_waiting(session, UUID(product))

    def credit(number: int) -> None:
        with later(bank, days) as session:
            credit_and_issue(session, newcomers[number])

    with bank.rewards.session() as session:
        assert products.products_waited_for(session) == []
    with later(bank, days) as session:
        assert [str(p) for p in products.products_waited_for(session)] == [product]
    at_once([serve, serve, serve, *(lambda n=n: credit(n) for n in range(3))])  # type: ignore[misc]
    serve()
    assert (issued(bank), waiting(bank)) == (10, 11)
    bank.assert_sound()


def test_an_ended_budget_limits_nothing(bank: Bank) -> None:
    product = film(bank, budget=120)
    (rule,) = bank.by_staff("GET", "/v1/rules?kind=budget")["items"]
    bank.by_staff("PUT", f"/v1/rules/{rule['id']}/end", {})
    bank.receive(*(bank.hours(new_id(), 120) for _ in range(3)))
    assert issued(bank) == 3
    bank.by_staff("POST", "/v1/rules", {"kind": "budget", "product_id": product, "points": 0}, 201)
    bank.receive(bank.hours(new_id(), 120))
    assert (issued(bank), waiting(bank)) == (3, 1)


def test_what_is_voided_goes_back_to_the_budget_of_its_own_month(bank: Bank) -> None:
    film(bank, budget=120)
    bank.receive(bank.hours(bank.fang, 120))
    bank.by_staff(
        "PUT", f"/v1/vouchers/{bank.vouchers(bank.fang)[0]['id']}/voidance", {"reason": "doppelt"}
    )
    assert bank.rows('SELECT "left", month_points FROM stocks') == [(100, 0)]


def test_what_is_voided_in_a_later_month_frees_nothing_of_that_months_budget(bank: Bank) -> None:
    film(bank, budget=240)
    bank.receive(bank.hours(bank.fang, 120))
    (voucher,) = bank.vouchers(bank.fang)
    with later(bank, 31) as session:
        credit_and_issue(session, [bank.hours(new_id(), 240)])
    with later(bank, 31) as session:
        lifecycle.void_voucher(session, voucher["id"], "verloren", "staff:x")
    with later(bank, 31) as session:
        credit_and_issue(session, [bank.hours(new_id(), 120)])
    assert (issued(bank), waiting(bank)) == (2, 1)
    assert bank.rows('SELECT "left", month_points FROM stocks') == [(98, 240)]
    bank.assert_sound()


def test_points_meant_for_the_pool_stay_where_nothing_is_left(bank: Bank) -> None:
    film(bank, stock=1)
    bank.ask(
        "PUT",
        f"/v1/accounts/{bank.fang}/standing-choice",
        {"choice": "give_on"},
        as_=bank.of(bank.fang),
    )
    bank.receive(bank.hours(bank.fang, 370))
    assert bank.points(bank.fang) == 250
    assert (issued(bank), waiting(bank)) == (1, 0)
    assert bank.rows("SELECT holder_id, origin FROM vouchers") == [(None, "gift")]
    assert bank.rows("SELECT kind, giver_id, named FROM handovers") == [
        ("donation", bank.fang, False)
    ]
    assert [t[0] for t in bank.rows("SELECT kind FROM transfers ORDER BY id")] == [
        "earned",
        "donated",
    ]
    (event,) = bank.rewards.published("voucher.given")
    assert (event["data"]["holder_id"], event["data"]["kind"]) == (None, "donation")
    assert not bank.rewards.published("voucher.issued")


def test_a_donation_and_a_voucher_at_once_share_what_is_left(bank: Bank) -> None:
    film(bank, quota=3)
    givers = [new_id() for _ in range(4)]
    for giver in givers:
        bank.ask(
            "PUT",
            f"/v1/accounts/{giver}/standing-choice",
            {"choice": "give_on"},
            as_=bank.of(giver),
        )
    batches = [[bank.hours(v, 120) for v in (giver, new_id())] for giver in givers]

    def handle(number: int) -> None:
        with bank.rewards.session() as session:
            credit_and_issue(session, batches[number])

    at_once([lambda n=n: handle(n) for n in range(4)])  # type: ignore[misc]
    assert issued(bank) == 3
    kept = sum(bank.points(giver) for giver in givers) // 120
    assert kept + waiting(bank) == 5


def test_a_new_rule_on_request_is_not_issued_by_itself_but_to_whoever_prefers_it(
    bank: Bank,
) -> None:
    bank.minute_is_a_point()
    product = bank.product(Venue(bank).id)
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "issue", "product_id": product, "automatic": False}, 201
    )
    bank.receive(bank.hours(bank.fang, 120), bank.hours(bank.qiang, 120))
    bank.rows(
        "UPDATE accounts SET preferred_product_id = :p WHERE volunteer_id = :v RETURNING 1",
        p=product,
        v=bank.qiang,
    )
    while True:
        with bank.rewards.session() as session:
            assert session.get(Product, product) is not None
            if not members.issue_reached(session):
                break
    assert (bank.points(bank.fang), bank.points(bank.qiang)) == (120, 0)

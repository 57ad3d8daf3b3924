"""Limits per person and period: they hold, and what lies beyond them is issued in the next
period.
"""

from datetime import date

import pytest

from services.rewards.events import credit_and_issue
from services.rewards.membership import daily_review, members
from services.rewards.models import Backorder
from services.rewards.vouchers import lifecycle
from shared.contracts.registration import VolunteerMerged
from tests.rewards.api.test_budgets import later
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def limit(bank: Bank, count: int, period: str = "month", **more: str) -> None:
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "limit", "count": count, "period": period} | more, 201
    )


def look_again(bank: Bank, days: int) -> bool:
    """What the two jobs do on a later day."""
    with later(bank, days) as session:
        again = daily_review.start_review(session)
    more = True
    while more:
        with later(bank, days) as session:
            more = members.issue_reached(session)
    return again


def settle(bank: Bank) -> None:
    """The walk that a new issue rule causes, and the daily one of today."""
    look_again(bank, 0)


def test_points_beyond_a_limit_stay_and_buy_in_the_next_period(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    bank.receive(bank.hours(bank.fang, 300), times=2)
    bank.receive(bank.hours(bank.fang, 10))
    settle(bank)
    assert (len(bank.vouchers(bank.fang)), bank.points(bank.fang)) == (1, 190)
    assert look_again(bank, 0) is False
    assert look_again(bank, 31) is True
    assert (len(bank.vouchers(bank.fang)), bank.points(bank.fang)) == (2, 70)
    assert look_again(bank, 31) is False
    assert len(bank.rewards.published("voucher.issued")) == 2
    bank.assert_sound()


@pytest.mark.parametrize(
    ("period", "days"), [("day", 1), ("week", 7), ("month", 31), ("year", 366)]
)
def test_periods_are_those_of_the_calendar(bank: Bank, star: Venue, period: str, days: int) -> None:
    limit(bank, 1, period)
    bank.receive(bank.hours(bank.fang, 240))
    settle(bank)
    assert len(bank.vouchers(bank.fang)) == 1
    look_again(bank, days)
    assert len(bank.vouchers(bank.fang)) == 2


def test_a_limit_of_one_product_leaves_the_others(bank: Bank, star: Venue) -> None:
    (film,) = bank.by_staff("GET", "/v1/products")["items"]
    popcorn = bank.product(star.id, points=30, title="爆米花")
    bank.issue(popcorn)
    limit(bank, 1, product_id=film["id"])
    limit(bank, 3)
    bank.receive(bank.hours(bank.fang, 400))
    assert sorted(v["points"] for v in bank.vouchers(bank.fang)) == [30, 30, 120]
    assert bank.points(bank.fang) == 220
    bank.assert_sound()


def test_buses_at_once_never_exceed_a_limit(bank: Bank, star: Venue) -> None:
    limit(bank, 2)
    batches = [[bank.hours(bank.fang, 120), bank.hours(bank.qiang, 120)] for _ in range(6)]

    def handle(number: int) -> None:
        with bank.rewards.session() as session:
            credit_and_issue(session, batches[number])

    at_once([lambda n=n: handle(n) for n in range(6)])  # type: ignore[misc]
    for volunteer in (bank.fang, bank.qiang):
        assert (len(bank.vouchers(volunteer)), bank.points(volunteer)) == (2, 480)
    bank.assert_sound()


def test_what_waits_counts(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    (film,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{film['id']}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.fang, 120))
    bank.receive(bank.hours(bank.fang, 120))
    account = bank.account(bank.fang)
    assert (account["points_held"], account["points_available"]) == (120, 120)


def test_a_donation_counts(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    bank.ask(
        "PUT",
        f"/v1/accounts/{bank.fang}/standing-choice",
        {"choice": "give_on"},
        as_=bank.of(bank.fang),
    )
    bank.receive(bank.hours(bank.fang, 120))
    bank.receive(bank.hours(bank.fang, 120))
    assert (bank.count("handovers"), bank.points(bank.fang)) == (1, 120)


def test_what_a_duplicate_had_counts_after_the_merge(bank: Bank, star: Venue) -> None:
    limit(bank, 2)
    bank.receive(bank.hours(bank.fang, 120), bank.hours(bank.qiang, 120))
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=bank.fang))
    bank.receive(bank.hours(bank.fang, 120))
    assert (len(bank.vouchers(bank.fang)), bank.points(bank.fang)) == (2, 120)


def test_a_voucher_given_back_counts_no_longer(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    bank.receive(bank.hours(bank.fang, 120))
    bank.by_staff(
        "PUT", f"/v1/vouchers/{bank.vouchers(bank.fang)[0]['id']}/voidance", {"reason": "doppelt"}
    )
    settle(bank)
    assert [v["status"] for v in bank.vouchers(bank.fang)] == ["issued", "voided"]


def test_a_voucher_given_back_after_a_new_code_counts_no_longer(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    bank.receive(bank.hours(bank.fang, 120))
    first = bank.vouchers(bank.fang)[0]["id"]
    bank.by_staff("POST", f"/v1/vouchers/{first}/reissue", {"reason": "seen by others"}, 201)
    (second,) = bank.vouchers(bank.fang, "issued")
    bank.by_staff("PUT", f"/v1/vouchers/{second['id']}/voidance", {"reason": "doppelt"})
    settle(bank)
    assert [v["status"] for v in bank.vouchers(bank.fang)] == ["issued", "voided", "given"]


def test_a_voucher_of_an_earlier_period_makes_no_room_when_it_is_given_back(
    bank: Bank, star: Venue
) -> None:
    limit(bank, 1)
    bank.receive(bank.hours(bank.fang, 120))
    (old,) = bank.vouchers(bank.fang)
    bank.receive(bank.hours(bank.fang, 240))
    with later(bank, 31) as session:
        lifecycle.void_voucher(session, old["id"], "verloren", "staff:x")
    look_again(bank, 31)
    assert [v["status"] for v in bank.vouchers(bank.fang)] == ["issued", "voided"]
    assert bank.points(bank.fang) == 240
    bank.assert_sound()


def test_an_ended_limit_limits_nothing(bank: Bank, star: Venue) -> None:
    limit(bank, 1)
    (rule,) = bank.by_staff("GET", "/v1/rules?kind=limit")["items"]
    bank.by_staff("PUT", f"/v1/rules/{rule['id']}/end", {})
    bank.receive(bank.hours(bank.fang, 240))
    assert len(bank.vouchers(bank.fang)) == 2


# Offers that end


def test_who_waits_for_what_is_no_longer_offered_gets_the_points_back(
    bank: Bank, star: Venue
) -> None:
    (film,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{film['id']}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.fang, 120), bank.hours(bank.qiang, 120))
    bank.rows("UPDATE products SET offered_until = :day RETURNING 1", day=date(2000, 1, 1))
    popcorn = bank.product(star.id, points=50, title="爆米花")
    bank.issue(popcorn)

    def release() -> int:
        with bank.rewards.session() as session:
            return daily_review.release_ended(session)

    assert sum(at_once([release] * 4)) == 2
    assert {row[0] for row in bank.rows("SELECT status FROM backorders")} == {"cancelled"}
    for volunteer in (bank.fang, bank.qiang):
        account = bank.account(volunteer)
        assert (account["points_available"], account["points_held"]) == (20, 0)
        assert [v["points"] for v in bank.vouchers(volunteer)] == [50, 50]
    assert bank.rows(
        "SELECT count(*) FROM transfers WHERE kind = 'released' AND actor = 'clock'"
    ) == [(2,)]
    bank.assert_sound()


def test_who_waits_for_what_is_still_offered_keeps_waiting(bank: Bank, star: Venue) -> None:
    (film,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{film['id']}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.fang, 120))
    bank.rows(
        "UPDATE products SET offered_until = (app_now() AT TIME ZONE 'Asia/Shanghai')::date"
        " RETURNING 1"
    )
    with bank.rewards.session() as session:
        assert daily_review.release_ended(session) == 0
        assert session.query(Backorder).one().status == "waiting"
    with later(bank, 1) as session:
        assert daily_review.release_ended(session) == 1


def test_points_that_come_back_pay_what_is_owed_first(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    bank.receive(bank.correction(record, 120, 20))
    (film,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{film['id']}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.qiang, 120))
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=bank.fang))
    bank.rows("UPDATE products SET offered_until = :day RETURNING 1", day=date(2000, 1, 1))
    with bank.rewards.session() as session:
        assert daily_review.release_ended(session) == 1
    account = bank.account(bank.fang)
    assert (account["points_available"], account["points_held"], account["shortfall"]) == (20, 0, 0)
    bank.assert_sound()

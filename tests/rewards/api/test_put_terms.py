"""The terms of a product: cost, quota, period and blackout days."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from shared.core.clock import SITE
from tests.support.bank import Bank, Venue, venue_event


def today() -> date:
    return datetime.now(SITE).date()


def film(bank: Bank) -> str:
    return str(bank.rows("SELECT id FROM products")[0][0])


def close_on(bank: Bank, *days: date) -> Any:
    body = {"valid_days": 90, "blackout_days": [str(day) for day in days]}
    return bank.by_staff("PUT", f"/v1/products/{film(bank)}/terms", body)


def test_terms_are_set_shown_and_reset(bank: Bank, star: Venue) -> None:
    path = f"/v1/products/{film(bank)}"
    terms = {
        "valid_days": 30,
        "cost_fen": 3500,
        "daily_quota": 5,
        "offered_from": "2026-11-01",
        "offered_until": "2026-12-31",
        "blackout_days": ["2026-12-25", "2026-10-01", "2026-12-25"],
    }
    for _ in range(2):
        shown = bank.by_staff("PUT", f"{path}/terms", terms)
    assert shown == bank.by_staff("GET", path)
    assert shown | terms == shown | {"blackout_days": ["2026-12-25", "2026-10-01", "2026-12-25"]}
    assert shown["blackout_days"] == ["2026-10-01", "2026-12-25"]
    assert bank.by_staff("PUT", f"{path}/terms", {"valid_days": 90})["daily_quota"] is None
    assert bank.ask("GET", path)["cost_fen"] is None  # a gift shows no price
    bank.ask("GET", f"/v1/products/{bank.fang}", status=404)


def test_a_product_is_created_with_its_terms(bank: Bank, star: Venue) -> None:
    body = {
        "venue_id": star.id,
        "title": "3D",
        "points": 200,
        "stock": 5,
        "valid_days": 30,
        "cost_fen": 4500,
        "offered_from": "2099-01-01",
    }
    made = bank.by_staff("POST", "/v1/products", body, 201)
    assert (made["cost_fen"], made["offered_from"], made["blackout_days"]) == (
        4500,
        "2099-01-01",
        [],
    )
    bank.issue(made["id"])
    bank.receive(bank.hours(bank.fang, 120))
    assert [voucher["title"] for voucher in bank.vouchers(bank.fang)] == ["电影票"]


def test_a_voucher_keeps_the_cost_of_the_day_it_was_issued(bank: Bank, star: Venue) -> None:
    path = f"/v1/products/{film(bank)}/terms"
    bank.by_staff("PUT", path, {"valid_days": 90, "cost_fen": 3500})
    bank.receive(bank.hours(bank.fang, 120))
    bank.by_staff("PUT", path, {"valid_days": 30, "cost_fen": 4000})
    bank.receive(bank.hours(bank.qiang, 120))
    assert bank.rows("SELECT cost_fen FROM vouchers ORDER BY id") == [(3500,), (4000,)]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"valid_days": 0},
        {"valid_days": 90, "cost_fen": -1},
        {"valid_days": 90, "cost_fen": 1.5},
        {"valid_days": 90, "daily_quota": -1},
        {"valid_days": 90, "offered_from": "2026-12-02", "offered_until": "2026-12-01"},
        {"valid_days": 90, "blackout_days": ["tomorrow"]},
        {"valid_days": 90, "blackout_days": ["2026-12-25"] * 401},
        {"valid_days": 90, "points": 1},
    ],
)
def test_terms_that_make_no_sense_are_refused(bank: Bank, star: Venue, wrong: Any) -> None:
    path = f"/v1/products/{film(bank)}"
    before = bank.by_staff("GET", path)
    bank.by_staff("PUT", f"{path}/terms", wrong, 422)
    assert bank.by_staff("GET", path) == before


def test_only_staff_set_terms(bank: Bank, star: Venue) -> None:
    path = f"/v1/products/{film(bank)}/terms"
    bank.ask("PUT", path, {"valid_days": 1}, status=403, as_=bank.of(bank.fang))
    bank.ask("PUT", path, {"valid_days": 1}, status=403, headers={"Api-Key": star.key})
    bank.by_staff("PUT", f"/v1/products/{bank.fang}/terms", {"valid_days": 1}, 404)


def test_the_counter_takes_nothing_on_a_blackout_day_and_names_the_next_one(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    day = today()
    close_on(bank, day, day + timedelta(days=1), day + timedelta(days=3))
    for verb, body in (("check", {}), ("hold", {}), ("redeem", {"reference": "P-1"})):
        refused = star.counter(verb, {"code": code} | body, 409)
        assert refused["type"] == "/problems/blackout-day"
        assert refused["next_possible_on"] == str(day + timedelta(days=2))
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"
    assert bank.count("redemptions") + bank.count("pending_transfers") == 0
    assert bank.rewards.published("voucher.held") == []
    close_on(bank, day + timedelta(days=1))
    assert star.redeem(code, "P-1") == "redeemed"


def test_an_earlier_redemption_is_answered_the_same_on_a_blackout_day(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.redeem(code, "P-1")
    close_on(bank, today())
    assert star.redeem(code, "P-1") == "redeemed"
    assert star.redeem(code, "P-2") == "already_redeemed"
    assert star.counter("check", {"code": code})["outcome"] == "already_redeemed"


def test_what_a_venue_reports_has_happened_and_is_booked_on_a_blackout_day(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    close_on(bank, today())
    assert star.confirm(bank.code(bank.fang, 0), "W-1")["outcome"] == "redeemed"
    batch = venue_event(
        "redemption.batch", {"items": [{"code": bank.code(bank.fang, 1), "reference": "W-2"}]}
    )
    assert star.webhook(batch)["items"][0]["outcome"] == "redeemed"


def test_where_no_day_is_left_none_is_named(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET expires_at = now() + interval '1 minute'"))
    close_on(bank, today(), today() + timedelta(days=1))
    assert star.counter("check", {"code": code}, 409)["next_possible_on"] is None

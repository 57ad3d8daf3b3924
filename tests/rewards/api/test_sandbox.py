"""A sandbox venue practises every outcome, and nothing of it counts anywhere."""

from typing import Any

import pytest
from sqlalchemy import text

from services.rewards.tasks import BATCH
from services.rewards.vouchers.lifecycle import expire_vouchers
from shared.core.ids import new_id
from tests.support.bank import Bank, Venue


class Practice(Venue):
    """A sandbox of the Star cinema, with one product."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        body = {"name": "星光影城 Star cinema", "kind": "cinema", "sandbox": True}
        self.id = bank.by_staff("POST", "/v1/venues", body, 201)["id"]
        self.key, self.secret = bank.secret(self.id, "api_key"), bank.secret(self.id, "webhook")
        self.product = bank.product(self.id)

    def vouchers(
        self, count: int = 1, state: str = "issued", status: int = 201, **body: Any
    ) -> Any:
        path = f"/v1/venues/{self.id}/test-vouchers?state={state}"
        sent = {"product_id": self.product, "count": count} | body
        answer = self.bank.ask("POST", path, sent, status=status, headers={"Api-Key": self.key})
        return answer["items"] if status == 201 else answer


@pytest.fixture
def practice(bank: Bank) -> Practice:
    return Practice(bank)


def test_a_test_voucher_is_held_redeemed_and_reversed(bank: Bank, practice: Practice) -> None:
    (voucher,) = practice.vouchers()
    assert practice.counter("check", {"code": voucher["code"]})["outcome"] == "redeemable"
    assert practice.redeem(voucher["code"], "P-1") == "redeemed"
    assert practice.redeem(voucher["code"], "P-2") == "already_redeemed"
    undo = {
        "type": "redemption.reversed",
        "timestamp": "2026-11-23T08:00:00Z",
        "data": {"code": voucher["code"], "reference": "P-1"},
    }
    assert practice.webhook(undo)["outcome"] == "reversed"
    assert practice.confirm(voucher["code"], "P-3")["outcome"] == "redeemed"
    assert [event["data"]["holder_id"] for event in bank.rewards.published("voucher.redeemed")] == [
        None,
        None,
    ]
    assert bank.rewards.published("voucher.issued") == []
    bank.assert_sound()


@pytest.mark.parametrize("state", ["expired", "voided"])
def test_an_outcome_can_be_practised(bank: Bank, practice: Practice, state: str) -> None:
    for voucher in practice.vouchers(3, state):
        assert voucher["status"] == state
        assert practice.counter("check", {"code": voucher["code"]})["outcome"] == state
        assert practice.redeem(voucher["code"], f"P-{voucher['id']}") == state
    bank.assert_sound()


def test_a_hold_of_another_till_can_be_practised(bank: Bank, practice: Practice) -> None:
    (voucher,) = practice.vouchers(1, "held")
    assert practice.counter("check", {"code": voucher["code"]})["outcome"] == "held_elsewhere"
    assert practice.counter("hold", {"code": voucher["code"]})["outcome"] == "held_elsewhere"
    assert practice.redeem(voucher["code"], "P-1", hold_id=str(new_id())) == "held_elsewhere"
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET held_until = now() - interval '1 second'"))
    assert practice.redeem(voucher["code"], "P-1") == "redeemed"
    assert bank.rows("SELECT outcome FROM pending_resolutions") == [("expired",)]
    bank.assert_sound()


def test_test_vouchers_expire_and_nobody_is_notified(bank: Bank, practice: Practice) -> None:
    practice.vouchers(2)
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET expires_at = now()"))
    with bank.rewards.session() as session:
        assert expire_vouchers(session, BATCH) == 2
    bank.district.deliver_all()
    with bank.district.notify.session() as session:
        assert session.execute(text("SELECT count(*) FROM alerts")).scalar_one() == 0
    bank.assert_sound()


def test_a_sandbox_issues_nothing_to_anybody(bank: Bank, practice: Practice) -> None:
    bank.minute_is_a_point()
    for kind in (
        {"kind": "issue"},
        {"kind": "issue", "automatic": False},
        {"kind": "budget", "points": 1},
    ):
        refused = bank.by_staff("POST", "/v1/rules", kind | {"product_id": practice.product}, 422)
        assert refused["errors"] == [
            {"pointer": "/product_id", "detail": "of a venue to practise with"}
        ]
    bank.receive(bank.hours(bank.fang, 600))
    assert bank.vouchers(bank.fang) == []
    assert bank.points(bank.fang) == 600


def test_a_sandbox_is_never_settled(bank: Bank, practice: Practice) -> None:
    practice.redeem(practice.vouchers()[0]["code"], "P-1")
    with bank.rewards.session() as session:
        session.execute(text("UPDATE redemptions SET redeemed_at = '2026-10-05T00:00:00Z'"))
    refused = bank.by_staff("PUT", f"/v1/settlements/{practice.id}/2026-10/closing", {}, 409)
    assert refused["type"] == "/problems/venue-not-settled"


def test_only_a_sandbox_gets_test_vouchers(bank: Bank, star: Venue, practice: Practice) -> None:
    product = bank.rows("SELECT id FROM products WHERE venue_id = :id", id=star.id)[0][0]
    path, body = f"/v1/venues/{star.id}/test-vouchers", {"product_id": str(product)}
    assert bank.by_staff("POST", path, body, 409)["type"] == "/problems/venue-not-sandbox"
    bank.ask("POST", path, body, status=409, headers={"Api-Key": star.key})
    bank.ask("POST", path, body, status=404, headers={"Api-Key": practice.key})
    bank.ask("POST", path, body, status=403, as_=bank.of(bank.fang))
    foreign = f"/v1/venues/{practice.id}/test-vouchers"
    bank.ask(
        "POST", foreign, {"product_id": practice.product}, status=404, headers={"Api-Key": star.key}
    )
    practice.vouchers(status=422, product_id=str(product))
    practice.vouchers(21, status=422)
    practice.vouchers(0, status=422)
    practice.vouchers(state="redeemed", status=422)
    assert bank.count("vouchers") == 0
    assert (
        len(
            bank.by_staff("POST", foreign, {"product_id": practice.product, "count": 20}, 201)[
                "items"
            ]
        )
        == 20
    )


def test_codes_of_a_sandbox_are_unknown_elsewhere(
    bank: Bank, star: Venue, practice: Practice
) -> None:
    (voucher,) = practice.vouchers()
    assert star.redeem(voucher["code"], "P-1") == "unknown"
    assert bank.rows("SELECT status FROM vouchers") == [("issued",)]

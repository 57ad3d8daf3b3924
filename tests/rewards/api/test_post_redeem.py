"""The counter: one redemption a voucher; other venues' codes are unknown; guessing is refused."""

import pytest
from sqlalchemy import text

from services.rewards.tasks import BATCH
from services.rewards.vouchers import codes
from services.rewards.vouchers.lifecycle import expire_vouchers
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue

NEVER_ISSUED = codes.with_check_signs("2" * 17)


def test_a_voucher_is_checked_and_redeemed_once(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    assert (
        star.counter("check", {"code": code.lower().replace("-", " ")})["outcome"] == "redeemable"
    )
    first = star.counter("redeem", {"code": code, "reference": "POS-1"})
    assert first["outcome"] == "redeemed"
    again = star.counter("redeem", {"code": code, "reference": "POS-1"})
    assert (again["outcome"], again["redeemed_at"]) == ("redeemed", first["redeemed_at"])
    assert star.redeem(code, "POS-2") == "already_redeemed"
    assert star.counter("check", {"code": code})["outcome"] == "already_redeemed"
    (event,) = bank.rewards.published("voucher.redeemed")
    assert event["data"]["voucher_id"] == first["voucher_id"]
    assert bank.count("redemptions") == 1
    bank.assert_sound()


def test_a_reference_names_one_sale(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    first, second = bank.code(bank.fang, 0), bank.code(bank.fang, 1)
    assert star.redeem(first, "POS-1") == "redeemed"
    assert star.redeem(second, "POS-1") == "already_redeemed"
    assert star.redeem(second, "POS-2") == "redeemed"


def test_another_venues_voucher_is_as_unknown_as_one_never_issued(bank: Bank, star: Venue) -> None:
    pool = Venue(bank, "柯城游泳馆")
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    foreign = pool.counter("redeem", {"code": code, "reference": "P-1"})
    assert foreign == pool.counter("redeem", {"code": NEVER_ISSUED, "reference": "P-1"})
    assert foreign["outcome"] == "unknown"
    assert pool.counter("check", {"code": code})["outcome"] == "unknown"
    assert pool.counter("hold", {"code": code})["outcome"] == "unknown"
    assert pool.counter("redeem", {"code": "??", "reference": "P-1"})["outcome"] == "unknown"
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"


def test_thirty_at_once_by_counter_and_webhook_redeem_once(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)

    def redeem(number: int) -> str:
        while True:  # a full connection pool answers 503: the till tries again
            try:
                if number % 2:
                    return star.redeem(code, f"C-{number}")
                return str(star.confirm(code, f"W-{number}", id_=f"msg-{number}")["outcome"])
            except AssertionError as refused:
                if not str(refused).startswith("(503"):
                    raise

    outcomes = at_once([lambda n=n: redeem(n) for n in range(30)])  # type: ignore[misc]
    assert sorted(outcomes) == ["already_redeemed"] * 29 + ["redeemed"]
    assert bank.count("redemptions") == 1
    assert len(bank.rewards.published("voucher.redeemed")) == 1
    bank.assert_sound()


def test_the_same_reference_at_once_is_one_sale_for_all(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    codes_ = [bank.code(bank.fang, number) for number in (0, 1)]
    outcomes = at_once([lambda n=n: star.redeem(codes_[n % 2], "POS-1") for n in range(8)])  # type: ignore[misc]
    assert sorted(outcomes) == ["already_redeemed"] * 4 + ["redeemed"] * 4
    assert bank.count("redemptions") == 1


def test_a_hold_keeps_others_out_until_it_ends(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    held = star.counter("hold", {"code": code, "seconds": 60})
    assert held["outcome"] == "held"
    assert star.counter("hold", {"code": code})["outcome"] == "held_elsewhere"
    assert star.redeem(code, "POS-1", hold_id=str(new_id())) == "held_elsewhere"
    pool = Venue(bank, "柯城游泳馆")
    path = f"/v1/holds/{held['hold_id']}"
    bank.ask("DELETE", path, status=404, headers={"Api-Key": pool.key})
    for _ in range(2):
        bank.ask("DELETE", path, status=204, headers={"Api-Key": star.key})
    held = star.counter("hold", {"code": code, "seconds": 60})
    # Ending the first hold again does not end the newer one.
    bank.ask("DELETE", path, status=204, headers={"Api-Key": star.key})
    bank.ask("DELETE", path, status=404, headers={"Api-Key": pool.key})
    bank.ask("DELETE", f"/v1/holds/{new_id()}", status=404, headers={"Api-Key": star.key})
    assert star.counter("check", {"code": code})["outcome"] == "held_elsewhere"
    assert star.redeem(code, "POS-1", hold_id=held["hold_id"]) == "redeemed"
    bank.ask("DELETE", f"/v1/holds/{held['hold_id']}", status=204, headers={"Api-Key": star.key})
    assert star.counter("check", {"code": code})["outcome"] == "already_redeemed"


def test_a_lapsed_hold_counts_as_none(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.counter("hold", {"code": code})
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET held_until = now() - interval '1 second'"))
    assert star.counter("check", {"code": code})["outcome"] == "redeemable"
    assert star.redeem(code, "POS-1", hold_id=str(new_id())) == "redeemed"


def test_twenty_guesses_lock_guessing_out_but_not_good_codes(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    body = {"code": NEVER_ISSUED, "reference": "G"}
    for _ in range(25):  # slips of the finger are noticed offline and are no guesses
        star.counter("check", {"code": NEVER_ISSUED[:-1] + "Z"})
    for number in range(20):
        assert star.counter(
            "check" if number % 2 else "redeem", body if not number % 2 else {"code": NEVER_ISSUED}
        )
    for verb, sent in (
        ("check", {"code": NEVER_ISSUED}),
        ("redeem", body),
        ("hold", {"code": NEVER_ISSUED}),
    ):
        answer = bank.rewards.call(
            "POST", f"/v1/vouchers/{verb}", sent, headers={"Api-Key": star.key}
        )
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 601
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    assert (
        Venue(bank, "柯城游泳馆").counter("check", {"code": NEVER_ISSUED})["outcome"] == "unknown"
    )
    with bank.rewards.session() as session:
        session.execute(
            text("UPDATE failed_looks SET looked_at = looked_at - interval '11 minutes'")
        )
        session.execute(text("UPDATE lock_outs SET until = until - interval '11 minutes'"))
    assert star.counter("check", {"code": NEVER_ISSUED})["outcome"] == "unknown"


def test_parallel_guesses_do_not_slip_past_the_count(bank: Bank, star: Venue) -> None:
    def guess() -> int:
        return bank.rewards.call(
            "POST", "/v1/vouchers/check", {"code": NEVER_ISSUED}, headers={"Api-Key": star.key}
        ).status_code

    for _ in range(3):
        at_once([guess] * 8)
    assert guess() == 429
    assert bank.count("failed_looks") == 20


def test_an_expired_voucher_is_not_taken_and_expires_once(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET expires_at = now()"))
    assert star.redeem(code, "POS-1") == "expired"
    for _ in range(2):
        with bank.rewards.session() as session:
            expire_vouchers(session, BATCH)
    assert star.redeem(code, "POS-2") == "expired"
    assert len(bank.rewards.published("voucher.expired")) == 1
    assert bank.points(bank.fang) == 0
    bank.assert_sound()


@pytest.mark.check("M4")
def test_expiry_and_redemption_at_once_have_one_winner(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 1200))
    found = [bank.code(bank.fang, number) for number in range(10)]

    def expire() -> None:
        with bank.rewards.session() as session:
            session.execute(text("UPDATE vouchers SET expires_at = now() WHERE status = 'issued'"))
            expire_vouchers(session, BATCH)

    at_once([expire, *(lambda n=n, c=c: star.redeem(c, f"P-{n}") for n, c in enumerate(found[:8]))])  # type: ignore[misc]
    ended = len(bank.rewards.published("voucher.expired")) + len(
        bank.rewards.published("voucher.redeemed")
    )
    assert ended == 10
    bank.assert_sound()


def test_a_revoked_key_is_refused(bank: Bank, star: Venue) -> None:
    made = bank.by_staff("POST", f"/v1/venues/{star.id}/secrets", {"kind": "api_key"}, 201)
    path = f"/v1/venues/{star.id}/secrets/{made['id']}"
    bank.ask("POST", "/v1/vouchers/check", {"code": "x"}, headers={"Api-Key": made["secret"]})
    for _ in range(2):
        bank.by_staff("DELETE", path, status=204)
    for key in (made["secret"], "wt_x_y", "nonsense", f"wt_{new_id().hex}_{'x' * 43}"):
        bank.ask("POST", "/v1/vouchers/check", {"code": "x"}, status=401, headers={"Api-Key": key})
    bank.by_staff("POST", "/v1/vouchers/check", {"code": "x"}, 403)

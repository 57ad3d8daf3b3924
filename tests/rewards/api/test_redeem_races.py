"""One voucher and many at once: tills, other venues, the webhook, the clock."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from services.rewards.tasks import BATCH
from services.rewards.vouchers.lifecycle import expire_vouchers
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue

Rounds = pytest.mark.parametrize(
    "rounds", [2, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)


def patiently(call: Callable[[], Any]) -> Any:
    """Retry while a full connection pool answers 503."""
    while True:
        try:
            return call()
        except AssertionError as refused:
            if not str(refused).startswith("(503"):
                raise


@Rounds
def test_a_hundred_at_once_through_three_venues_redeem_once(
    bank: Bank, star: Venue, rounds: int
) -> None:
    foreign = [Venue(bank, "柯城游泳馆"), Venue(bank, "衢江影城")]
    tills = [star.key, *(bank.secret(star.id, "api_key") for _ in range(3))]

    def redeem(key: str, code: str, reference: str) -> str:
        body, headers = {"code": code, "reference": reference}, {"Api-Key": key}
        return str(
            patiently(lambda: bank.ask("POST", "/v1/vouchers/redeem", body, headers=headers))[
                "outcome"
            ]
        )

    def confirm(code: str, reference: str) -> str:
        return str(patiently(lambda: star.confirm(code, reference))["outcome"])

    bank.earn_many(bank.fang, rounds)
    for number in range(rounds):
        code = bank.code(bank.fang, number)
        calls: list[Callable[[], Any]] = []
        for n in range(25):
            calls += [
                partial(redeem, tills[n % 4], code, f"{number}-{n}-till-{part}")
                for part in range(2)
            ]
            calls += [partial(confirm, code, f"{number}-{n}-webhook")]
        # Each foreign venue has 12 or 13 tries: below what locks it out, were the rounds not
        # counted together.
        calls += [
            partial(redeem, foreign[n % 2].key, code, f"{number}-{n}-foreign") for n in range(25)
        ]
        outcomes = at_once(calls)
        assert Counter(outcomes[:75]) == {"redeemed": 1, "already_redeemed": 74}
        assert Counter(outcomes[75:]) == {"unknown": 25}
        with bank.rewards.session() as session:  # the next round's foreign tries are new ones
            session.execute(text("DELETE FROM failed_looks"))
    assert bank.count("redemptions") == len(bank.rewards.published("voucher.redeemed")) == rounds
    assert bank.rows("SELECT count(*) FROM transfers WHERE kind = 'redeemed'") == [(rounds,)]
    bank.assert_sound()


@pytest.mark.parametrize(
    "races", [20, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_expiry_and_confirmation_have_one_winner(bank: Bank, star: Venue, races: int) -> None:
    bank.by_staff(
        "PUT", f"/v1/products/{bank.rows('SELECT id FROM products')[0][0]}/stock", {"stock": races}
    )
    bank.earn_many(bank.fang, races)
    won: Counter[str] = Counter()

    def expire(voucher_id: str) -> None:
        with bank.rewards.session() as session:
            session.execute(
                text("UPDATE vouchers SET expires_at = app_now() WHERE id = :id"),
                {"id": voucher_id},
            )
        with bank.rewards.session() as session:
            expire_vouchers(session, BATCH)

    issued = bank.rows("SELECT id FROM vouchers ORDER BY id DESC")
    for number, (voucher_id,) in enumerate(issued):
        path = f"/v1/vouchers/{voucher_id}/code"
        code = bank.ask("GET", path, as_=bank.of(bank.fang))["code"]
        confirm = partial(star.confirm, code, f"W-{number}")
        calls: list[Callable[[], Any]] = [confirm, partial(expire, voucher_id)]
        answer = at_once(calls if number % 2 else calls[::-1])[0 if number % 2 else 1]
        # A sweep skips vouchers that are locked just now, and comes again.
        with bank.rewards.session() as session:
            expire_vouchers(session, BATCH)
        status = bank.rows("SELECT status FROM vouchers WHERE id = :id", id=voucher_id)[0][0]
        assert (answer["outcome"], status) in (("redeemed", "redeemed"), ("expired", "expired"))
        won[status] += 1
    assert won.total() == races
    for kind in ("redeemed", "expired"):
        assert len(bank.rewards.published(f"voucher.{kind}")) == won[kind]
    assert bank.count("disputes") == won["expired"]
    bank.assert_sound()

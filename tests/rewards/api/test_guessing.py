"""Guessing codes: a lock-out with one alert, while codes that exist still work."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import text

from services.rewards.models import FailedLook
from services.rewards.redemption import lockout, redeem, retention
from services.rewards.redemption.lockout import GUESSES, GUESSES_OF_ALL, TooManyGuesses
from services.rewards.redemption.outcomes import Outcome
from services.rewards.vouchers import codes
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue, venue_event


def lock_outs(bank: Bank) -> dict[str, int]:
    """Count the alerts that were published, by scope."""
    raised = [event["data"]["scope"] for event in bank.rewards.published("venue.locked_out")]
    return {scope: raised.count(scope) for scope in raised}


def guess(bank: Bank, venue_id: str, count: int) -> tuple[int, int]:
    """Guess codes as the counter does; return how many hit and how many were refused."""
    hits = refused = 0
    with bank.rewards.session() as session:
        for _ in range(count):
            answer = redeem.check_code(session, UUID(venue_id), codes.new_code())
            hits += answer.outcome is not Outcome.UNKNOWN
            try:
                lockout.note_guess(session, UUID(venue_id))
            except TooManyGuesses as problem:
                assert 1 <= int(problem.headers["Retry-After"]) <= 601
                refused += 1
    return hits, refused


def let_pass(bank: Bank, minutes: int) -> None:
    with bank.rewards.session() as session:
        ago = {"minutes": minutes}
        session.execute(
            text("UPDATE failed_looks SET looked_at = looked_at - make_interval(mins => :minutes)"),
            ago,
        )
        session.execute(
            text("UPDATE lock_outs SET until = until - make_interval(mins => :minutes)"), ago
        )


@pytest.mark.check("S5")
@pytest.mark.parametrize("guesses", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_guesses_hit_nothing_and_lock_out_only_the_guesser(
    bank: Bank, star: Venue, guesses: int
) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    mallory = Venue(bank, "柯城游泳馆")
    found = [guess(bank, mallory.id, 100) for _ in range(guesses // 100)]
    assert sum(hits for hits, _ in found) == 0
    assert sum(refused for _, refused in found) == guesses - GUESSES
    assert found[0] == (0, 100 - GUESSES)
    assert lock_outs(bank) == {mallory.id: 1}
    (event,) = bank.rewards.published("venue.locked_out")
    assert event["data"]["venue_id"] == mallory.id
    assert bank.count("failed_looks") == GUESSES
    assert star.counter("check", {"code": codes.new_code()})["outcome"] == "unknown"
    assert star.redeem(bank.code(bank.fang, 0), "P-1") == "redeemed"


@pytest.mark.check("S5")
def test_codes_that_exist_work_for_a_venue_that_is_locked_out(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    guess(bank, star.id, GUESSES)
    star.counter("check", {"code": codes.new_code()}, 429)
    code = bank.code(bank.fang)
    assert star.counter("check", {"code": code})["outcome"] == "redeemable"
    assert star.redeem(code, "P-1") == "redeemed"
    assert lock_outs(bank) == {star.id: 1}


def test_the_alert_is_raised_once_per_lock_out(bank: Bank, star: Venue) -> None:
    guess(bank, star.id, GUESSES + 5)
    let_pass(bank, 9)
    assert guess(bank, star.id, 3) == (0, 3)
    assert lock_outs(bank) == {star.id: 1}
    let_pass(bank, 2)
    assert guess(bank, star.id, GUESSES + 1) == (0, 1)
    assert lock_outs(bank) == {star.id: 2}


@pytest.mark.check("S5")
def test_venues_that_guess_together_are_locked_out_together(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    gang = [bank.venue(f"Pool {number}") for number in range(11)]
    for venue_id in gang:
        guess(bank, venue_id, GUESSES - 1)
    assert lock_outs(bank) == {"all": 1}
    (event,) = bank.rewards.published("venue.locked_out")
    assert event["data"]["venue_id"] is None
    assert bank.count("failed_looks") == GUESSES_OF_ALL
    star.counter("check", {"code": codes.new_code()}, 429)
    assert star.redeem(bank.code(bank.fang), "P-1") == "redeemed"


@pytest.mark.check("S5")
def test_guesses_at_once_raise_one_alarm(bank: Bank, star: Venue) -> None:
    guess(bank, star.id, GUESSES - 4)
    at_once([lambda: guess(bank, star.id, 1)] * 7)
    assert lock_outs(bank) == {star.id: 1}
    assert bank.count("failed_looks") == GUESSES


def test_two_venues_that_fill_the_window_at_once_raise_one_alarm(bank: Bank, star: Venue) -> None:
    """Neither sees the other's last guess; the row of the lock-out decides."""
    for number in range(11):
        guess(bank, bank.venue(f"Pool {number}"), GUESSES - 2)
    rival = bank.venue("Rival")
    with bank.rewards.session() as session:
        session.add(FailedLook(venue_id=UUID(rival)))
        session.flush()
        lockout.note_guess(session, UUID(rival))
        second = threading.Thread(target=guess, args=(bank, star.id, 2))
        second.start()
        second.join(0.5)  # it waits for us
        assert second.is_alive()
    second.join()
    assert lock_outs(bank) == {"all": 1}
    assert GUESSES_OF_ALL <= bank.count("failed_looks") <= GUESSES_OF_ALL + 2


def test_unknown_codes_by_webhook_raise_the_alarm_and_are_never_refused(
    bank: Bank, star: Venue
) -> None:
    lines = [
        {"code": codes.new_code(), "reference": f"U-{number}"} for number in range(GUESSES + 5)
    ]
    for _ in range(2):
        answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
        assert {item["outcome"] for item in answer["items"]} == {"unknown"}
    assert lock_outs(bank) == {star.id: 1}
    assert bank.count("disputes") == GUESSES + 5
    slips = [
        {"code": codes.new_code()[:-1] + "?", "reference": f"S-{number}"} for number in range(3)
    ]
    before = bank.count("failed_looks")
    star.webhook(venue_event("redemption.batch", {"items": slips}))
    assert bank.count("failed_looks") == before


def test_guesses_and_lock_outs_are_forgotten_after_a_day(bank: Bank, star: Venue) -> None:
    guess(bank, star.id, GUESSES)
    let_pass(bank, 23 * 60)
    forget(bank)
    assert (bank.count("failed_looks"), bank.count("lock_outs")) == (GUESSES, 1)
    let_pass(bank, 2 * 60)
    forget(bank)
    assert (bank.count("failed_looks"), bank.count("lock_outs")) == (0, 0)


def forget(bank: Bank) -> None:
    with bank.rewards.session() as session:
        retention.forget_guesses(session)

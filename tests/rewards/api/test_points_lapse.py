"""Points lapse a while after they came, first-expiring first; hours never do."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.rewards.events import credit_and_issue
from services.rewards.ledger import expiry
from services.rewards.vouchers.lifecycle import void_voucher
from shared.contracts.registration import VolunteerMerged
from shared.core.clock import SITE, now, site_today
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank


@contextmanager
def days_later(bank: Bank, days: int) -> Iterator[Session]:
    """A transaction in which the database's clock is ahead."""
    with bank.rewards.session() as session:
        session.execute(text(f"SET LOCAL wishtree.clock_offset = '{days} days'"))
        yield session


def sweep(bank: Bank, days: int, limit: int = 500) -> None:
    for _ in range(100):
        with days_later(bank, days) as session:
            if not expiry.lapse_batch(session, limit):
                return
    raise AssertionError("the sweep does not end")


def earn(bank: Bank, who: UUID, points: int, days: int = 0) -> None:
    with days_later(bank, days) as session:
        credit_and_issue(session, [bank.hours(who, points)])


def lapsed(bank: Bank) -> list[tuple[str, int]]:
    return [
        (event["subject"], event["data"]["points"])
        for event in bank.rewards.published("points.lapsed")
    ]


def rule(bank: Bank, days: int, **more: Any) -> str:
    found: str = bank.by_staff("POST", "/v1/rules", {"kind": "expire", "days": days, **more}, 201)[
        "id"
    ]
    return found


@pytest.fixture
def saving(bank: Bank) -> Bank:
    """A minute is a point; nothing to spend it on; points last 30 days."""
    bank.minute_is_a_point()
    rule(bank, 30)
    return bank


def test_points_lapse_on_the_day_and_not_before(saving: Bank) -> None:
    earn(saving, saving.fang, 70)
    sweep(saving, 29)
    assert saving.points(saving.fang) == 70
    sweep(saving, 30)
    account = saving.account(saving.fang)
    assert (account["points_available"], account["minutes_credited"]) == (0, 70)
    assert lapsed(saving) == [(str(saving.fang), 70)]
    (row,) = saving.rows(
        "SELECT debit_account, credit_account, amount, actor, rule_version, volunteer_id"
        " FROM transfers"
        " WHERE kind = 'lapsed'"
    )
    assert row == (f"volunteer:{saving.fang}", "outside", 70, "clock", 1, saving.fang)
    saving.assert_sound()


def test_lapsing_again_takes_nothing_more(saving: Bank) -> None:
    earn(saving, saving.fang, 70)
    for days in (30, 30, 31, 60):
        sweep(saving, days)
    assert lapsed(saving) == [(str(saving.fang), 70)]
    saving.assert_sound()


def test_without_a_rule_nothing_lapses(bank: Bank) -> None:
    bank.minute_is_a_point()
    earn(bank, bank.fang, 70)
    sweep(bank, 5000)
    assert bank.points(bank.fang) == 70
    assert bank.count("sweeps") == 0
    assert bank.account(bank.fang)["lapsing"] == []


def test_what_was_spent_came_from_the_points_that_lapse_first(saving: Bank) -> None:
    earn(saving, saving.fang, 50)
    earn(saving, saving.fang, 50, days=10)
    venue = saving.venue()
    saving.issue(saving.product(venue, points=70))
    with days_later(saving, 11) as session:
        credit_and_issue(session, [saving.hours(saving.fang, 1)])
    assert len(saving.vouchers(saving.fang)) == 1
    sweep(saving, 30)
    assert saving.points(saving.fang) == 31, "the first fifty were spent"
    sweep(saving, 40)
    assert saving.points(saving.fang) == 1
    sweep(saving, 41)
    assert [points for _, points in lapsed(saving)] == [30, 1]
    saving.assert_sound()


def test_points_last_as_long_as_the_rule_said_when_they_came(bank: Bank) -> None:
    bank.minute_is_a_point()
    rule(bank, 30)
    rule(bank, 300, effective_from=(now() + timedelta(days=5)).isoformat())
    earn(bank, bank.fang, 10)
    earn(bank, bank.fang, 20, days=6)
    sweep(bank, 100)
    assert bank.points(bank.fang) == 20
    sweep(bank, 306)
    assert bank.points(bank.fang) == 0


def test_points_that_came_after_the_rule_had_ended_stay(bank: Bank) -> None:
    bank.minute_is_a_point()
    rule(bank, 30, effective_until=(now() + timedelta(days=5)).isoformat())
    earn(bank, bank.fang, 10)
    earn(bank, bank.fang, 20, days=6)
    sweep(bank, 5000)
    assert bank.points(bank.fang) == 20


def test_points_of_a_voided_voucher_start_anew(saving: Bank) -> None:
    venue = saving.venue()
    saving.issue(saving.product(venue, points=70))
    earn(saving, saving.fang, 70)
    with days_later(saving, 29) as session:
        void_voucher(session, UUID(saving.vouchers(saving.fang)[0]["id"]), "mistake", "staff:x")
    sweep(saving, 58)
    assert saving.points(saving.fang) == 70
    sweep(saving, 59)
    assert saving.points(saving.fang) == 0
    saving.assert_sound()


def test_points_of_a_duplicate_start_anew(saving: Bank) -> None:
    earn(saving, saving.qiang, 70)
    saving.receive(VolunteerMerged(volunteer_id=saving.qiang, into_id=saving.fang))
    sweep(saving, 29)
    assert saving.points(saving.fang) == 70
    sweep(saving, 30)
    assert lapsed(saving) == [(str(saving.fang), 70)]
    saving.assert_sound()


def test_a_day_is_swept_in_batches_that_go_on_after_a_crash(saving: Bank) -> None:
    people = sorted(new_id() for _ in range(5))
    for person in people:
        earn(saving, person, 10)
        earn(saving, person, 5, days=10)
    with days_later(saving, 30) as session:
        assert expiry.lapse_batch(session, 2)
    with pytest.raises(ZeroDivisionError), days_later(saving, 30) as session:
        expiry.lapse_batch(session, 2)
        raise ZeroDivisionError  # what it did is undone
    assert len(lapsed(saving)) == 2
    sweep(saving, 30, limit=2)
    assert sorted(lapsed(saving)) == [(str(person), 10) for person in people]
    assert saving.rows("SELECT finished FROM sweeps") == [(True,)]


def test_points_that_are_looked_at_twice_at_once_lapse_once(saving: Bank) -> None:
    people = [new_id() for _ in range(20)]
    for person in people:
        earn(saving, person, 10)
        earn(saving, person, 50, days=10)

    def lapse(session: Session) -> None:
        today = session.scalars(select(site_today())).one()
        expiry.lapse_points(session, expiry.expire_rules(session), people, today)

    def second() -> None:
        with days_later(saving, 30) as session:
            lapse(session)

    with days_later(saving, 30) as first:
        lapse(first)
        waits = threading.Thread(target=second)
        waits.start()  # has looked, and waits for the accounts
        time.sleep(1)
    waits.join()
    assert sorted(lapsed(saving)) == sorted((str(person), 10) for person in people)
    saving.assert_sound()


def test_a_second_sweep_leaves_the_first_alone(saving: Bank) -> None:
    sweep(saving, 0)
    earn(saving, saving.fang, 10)
    with days_later(saving, 30) as first:
        assert not expiry.lapse_batch(first)
        with saving.rewards.database.transaction() as second:
            second.execute(text("SET LOCAL wishtree.clock_offset = '30 days'"))
            second.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert not expiry.lapse_batch(second)
    assert lapsed(saving) == [(str(saving.fang), 10)]


def test_points_that_are_spent_and_lapse_at_once_go_once(saving: Bank) -> None:
    """What buys a film at the same moment is no longer there to lapse; nobody's balance goes below
    zero.
    """
    people = [new_id() for _ in range(12)]
    for person in people:
        earn(saving, person, 60)
    venue = saving.venue()
    saving.issue(saving.product(venue, points=60))
    late = [saving.hours(person, 1) for person in people]

    def spend() -> None:
        for hours in late:
            with days_later(saving, 30) as session:
                credit_and_issue(session, [hours])

    at_once([spend, lambda: sweep(saving, 30, limit=1)])
    saving.assert_sound()
    gone = {subject for subject, _ in lapsed(saving)}
    for person in people:
        bought = len(saving.vouchers(person))
        assert bought == (0 if str(person) in gone else 1)
        assert saving.points(person) == 1


def test_an_account_shows_what_lapses_next(saving: Bank) -> None:
    for days in range(7):
        earn(saving, saving.fang, 10 + days, days=days)
        earn(saving, saving.fang, 1, days=days)
    shown = saving.ask("GET", f"/v1/accounts/{saving.fang}", as_=saving.of(saving.fang))["lapsing"]
    today = datetime.now(SITE).date()
    assert shown == [
        {"on": (today + timedelta(days=30 + days)).isoformat(), "points": 11 + days}
        for days in range(5)
    ]


def test_a_new_rule_takes_no_points_that_were_there_before(bank: Bank) -> None:
    bank.minute_is_a_point()
    bank.receive(bank.hours(bank.fang, 100))
    rule(bank, 1)
    bank.receive(bank.hours(bank.fang, 30))
    assert [one["points"] for one in bank.account(bank.fang)["lapsing"]] == [30]
    sweep(bank, 60)
    assert lapsed(bank) == [(str(bank.fang), 30)]
    assert bank.points(bank.fang) == 100

"""However much points buy, one transaction issues a portion, and a job continues."""

import pytest

from services.rewards.issuing import issue
from services.rewards.membership import members
from shared.db.engine import using
from shared.jobs.periodic import work_off
from tests.support.bank import Bank


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue, "MOST_PER_ACCOUNT", 3)
    monkeypatch.setattr(issue, "MOST_AT_ONCE", 5)


def go_on(bank: Bank) -> None:
    with using(bank.rewards.database):
        work_off(members.continue_issuing, 2)


def offer(bank: Bank, stock: int) -> None:
    bank.minute_is_a_point()
    bank.issue(bank.product(bank.venue(), points=10, stock=stock))


def test_one_event_issues_a_portion_and_the_job_issues_the_rest(bank: Bank) -> None:
    offer(bank, stock=100)
    bank.receive(bank.hours(bank.fang, 85))
    assert bank.count("vouchers") == 3
    assert bank.rows("SELECT volunteer_id FROM issue_backlog") == [(bank.fang,)]
    go_on(bank)
    assert bank.count("vouchers") == 8
    assert bank.count("issue_backlog") == 0
    bank.assert_sound()


def test_a_batch_issues_a_portion_in_all(bank: Bank) -> None:
    offer(bank, stock=100)
    bank.receive(*(bank.hours(who, 40) for who in (bank.fang, bank.qiang)))
    assert bank.count("vouchers") == 5
    assert bank.count("issue_backlog") == 2
    go_on(bank)
    assert bank.count("vouchers") == 8
    assert bank.count("issue_backlog") == 0
    bank.assert_sound()


def test_only_as_many_codes_are_drafted_as_there_is_stock(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = 0
    draft = issue.purchase_of

    def counted(*args: object, **more: object) -> object:
        nonlocal drafted
        drafted += 1
        return draft(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(issue, "purchase_of", counted)
    offer(bank, stock=1)
    bank.receive(bank.hours(bank.fang, 60))
    go_on(bank)
    assert drafted == bank.count("vouchers") == 1
    assert bank.count("backorders") == 5
    bank.assert_sound()


def test_points_that_the_pool_has_no_stock_for_are_not_tried_for_ever(bank: Bank) -> None:
    offer(bank, stock=0)
    bank.ask(
        "PUT",
        f"/v1/accounts/{bank.fang}/standing-choice",
        {"choice": "give_on"},
        as_=bank.of(bank.fang),
    )
    bank.receive(bank.hours(bank.fang, 85))
    assert bank.count("issue_backlog") == 0
    go_on(bank)
    assert bank.count("vouchers") == 0
    bank.assert_sound()

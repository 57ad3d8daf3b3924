"""Every point from its minutes: what is recomputed is what is stored, and where not, it says so."""

import threading
from typing import Any

import pytest

from services.rewards.events import credit_and_issue
from services.rewards.rule_runs import backfill
from shared.contracts.registration import VolunteerErased, VolunteerLeft, VolunteerMerged
from shared.core.ids import new_id
from tests.rewards.api.test_rule_dry_run import History
from tests.support.bank import Bank, Venue


def explain(bank: Bank, volunteer: Any, query: str = "") -> Any:
    return bank.by_staff("GET", f"/v1/accounts/{volunteer}/explain{query}")


def test_a_film_is_explained_from_its_minutes(bank: Bank, star: Venue) -> None:
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "coefficient", "category": "patrol", "percent": 150}, 201
    )
    first = bank.hours(bank.fang, 100)
    second = bank.hours(bank.fang, 33, category="patrol")
    bank.receive(first, second)
    bank.receive(bank.correction(first, 100, 90))
    explained = explain(bank, bank.fang)
    assert (explained["matches"], explained["differences"]) == (True, [])
    patrol, tutoring = explained["records"]
    assert (patrol["record_id"], patrol["points"], patrol["category"]) == (
        str(second.record_id),
        49,
        "patrol",
    )
    assert patrol["rate"] == "150 % of 1 point per 1 minute, rounded down"
    assert patrol["rate_terms"] == {"points": 1, "minutes": 1, "percent": 150}
    assert (tutoring["minutes"], tutoring["minutes_credited"], tutoring["points"]) == (100, 90, 90)
    assert [c["minutes"] for c in tutoring["corrections"]] == [-10]
    assert tutoring["rate"] == "1 point per 1 minute, rounded down"
    assert tutoring["rate_terms"] == {"points": 1, "minutes": 1, "percent": None}
    assert {r["matches"] for r in explained["records"]} == {True}
    assert explained["sums"] == {
        "records": 2,
        "minutes_credited": 123,
        "points_earned": 139,
        "points_spent": 120,
        "points_lapsed": 0,
        "points_available": 19,
        "points_held": 0,
        "shortfall": 0,
    }
    assert {(m["book"], m["kind"], m["points"]) for m in explained["moves"]} == {
        ("volunteer", "earned", 149),
        ("volunteer", "corrected", -10),
        ("volunteer", "issued", -120),
    }


def test_what_is_held_and_owed_is_explained(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 130)
    bank.receive(record)
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    bank.receive(bank.correction(record, 130, 5))
    explained = explain(bank, bank.fang)
    assert (
        explained["sums"]["shortfall"],
        explained["sums"]["points_earned"],
        explained["matches"],
    ) == (
        115,
        5,
        True,
    )
    (product,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{product['id']}/stock", {"stock": 0})
    bank.receive(bank.hours(bank.qiang, 130))
    explained = explain(bank, bank.qiang)
    assert (
        explained["sums"]["points_held"],
        explained["sums"]["points_available"],
        explained["matches"],
    ) == (
        120,
        10,
        True,
    )


def test_records_come_page_by_page_and_sums_are_over_all(bank: Bank, star: Venue) -> None:
    bank.receive(*(bank.hours(bank.fang, 10) for _ in range(5)))
    seen, query = [], "?limit=2"
    while query:
        explained = explain(bank, bank.fang, query)
        assert (explained["sums"]["records"], explained["sums"]["minutes_credited"]) == (5, 50)
        seen += [r["record_id"] for r in explained["records"]]
        query = f"?limit=2&after={explained['next']}" if explained["next"] else ""
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_a_merged_account_is_explained_by_who_stays(bank: Bank, star: Venue) -> None:
    middle = new_id()
    bank.receive(bank.hours(bank.qiang, 70), bank.hours(middle, 20), bank.hours(bank.fang, 60))
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=middle))
    bank.receive(VolunteerMerged(volunteer_id=middle, into_id=bank.fang))
    explained = explain(bank, bank.fang)
    assert (
        explained["sums"]["records"],
        explained["sums"]["points_earned"],
        explained["sums"]["points_available"],
    ) == (3, 150, 30)
    assert explained["matches"] is True
    for gone in (bank.qiang, middle):
        explained = explain(bank, gone)
        assert (explained["merged_into"], explained["matches"], explained["records"]) == (
            str(bank.fang),
            True,
            [],
        )


@pytest.mark.parametrize("event", [VolunteerLeft, VolunteerErased])
def test_who_left_is_explained(bank: Bank, star: Venue, event: type) -> None:
    record = bank.hours(bank.fang, 130)
    bank.receive(record)
    bank.receive(event(volunteer_id=bank.fang))
    bank.receive(bank.hours(bank.fang, 50), bank.correction(record, 130, 90))
    explained = explain(bank, bank.fang)
    assert (
        explained["matches"],
        explained["sums"]["minutes_credited"],
        explained["sums"]["points_available"],
    ) == (True, 140, 0)


def test_somebody_without_hours_has_nothing_to_explain(bank: Bank) -> None:
    explained = explain(bank, bank.fang)
    assert (
        explained["matches"],
        explained["records"],
        explained["moves"],
        explained["sums"]["records"],
    ) == (
        True,
        [],
        [],
        0,
    )


@pytest.mark.parametrize(
    ("change", "of", "difference"),
    [
        ("UPDATE accounts SET points_available = points_available + 7", "points_available", 7),
        ("UPDATE accounts SET minutes_credited = minutes_credited - 1", "minutes_credited", -1),
        ("UPDATE accounts SET points_held = 3", "points_held", 3),
        ("UPDATE accounts SET shortfall = 2", "shortfall", 2),
        ("UPDATE credited_records SET points_credited = 1000", "records", 1),
        (
            "UPDATE credited_records SET rule_points = 2, points_credited = 100",
            "points_earned",
            -50,
        ),
    ],
)
def test_what_does_not_match_is_said(
    bank: Bank, star: Venue, change: str, of: str, difference: int
) -> None:
    bank.receive(bank.hours(bank.fang, 50))
    bank.rows(f"{change} RETURNING 1")
    explained = explain(bank, bank.fang)
    assert explained["matches"] is False
    assert [(d["of"], d["difference"]) for d in explained["differences"]] == [(of, difference)]
    assert (
        explained["differences"][0]["stored"] - explained["differences"][0]["recomputed"]
        == difference
    )


def test_only_oneself_staff_and_auditors_see_it(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 50))
    path = f"/v1/accounts/{bank.fang}/explain"
    assert bank.ask("GET", path, as_=bank.of(bank.fang))["matches"] is True
    assert bank.ask("GET", path, as_=bank.district.token("auditor"))["matches"] is True
    foreign = bank.ask("GET", path, as_=bank.of(bank.qiang), status=404)
    unknown = bank.ask(
        "GET", f"/v1/accounts/{new_id()}/explain", as_=bank.of(bank.qiang), status=404
    )
    assert foreign["type"] == unknown["type"]
    bank.ask("GET", path, status=401)


def test_it_is_read_as_of_one_moment(bank: Bank, star: Venue) -> None:
    stop, wrong = threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            with bank.rewards.session() as session:
                credit_and_issue(session, [bank.hours(bank.fang, 7)])

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(60):
            wrong += explain(bank, bank.fang)["differences"]
    finally:
        stop.set()
        worker.join()
    assert wrong == []


@pytest.mark.parametrize("seed", [11, 12])
def test_a_whole_history_matches_also_after_rules_were_applied(bank: Bank, seed: int) -> None:
    history = History(bank, seed)
    body = {"rules": history.rules(4), "since": "2026-01-01"}
    bank.by_staff("POST", "/v1/rules/application", body, 202)
    with bank.rewards.session() as session:
        backfill.apply_batch(session)
    for volunteer in history.people:
        assert explain(bank, volunteer)["differences"] == []

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
    bank.hear(first, second)
    bank.hear(bank.correction(first, 100, 90))
    told = explain(bank, bank.fang)
    assert (told["matches"], told["differences"]) == (True, [])
    patrol, tutoring = told["records"]
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
    assert {r["matches"] for r in told["records"]} == {True}
    assert told["sums"] == {
        "records": 2,
        "minutes_credited": 123,
        "points_earned": 139,
        "points_spent": 120,
        "points_lapsed": 0,
        "points_available": 19,
        "points_held": 0,
        "shortfall": 0,
    }
    assert {(m["book"], m["kind"], m["points"]) for m in told["moves"]} == {
        ("volunteer", "earned", 149),
        ("volunteer", "corrected", -10),
        ("volunteer", "issued", -120),
    }


def test_what_is_held_and_owed_is_explained(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 130)
    bank.hear(record)
    assert star.redeem(bank.code(bank.fang), "POS-1") == "redeemed"
    bank.hear(bank.correction(record, 130, 5))
    told = explain(bank, bank.fang)
    assert (told["sums"]["shortfall"], told["sums"]["points_earned"], told["matches"]) == (
        115,
        5,
        True,
    )
    (product,) = bank.by_staff("GET", "/v1/products")["items"]
    bank.by_staff("PUT", f"/v1/products/{product['id']}/stock", {"stock": 0})
    bank.hear(bank.hours(bank.qiang, 130))
    told = explain(bank, bank.qiang)
    assert (told["sums"]["points_held"], told["sums"]["points_available"], told["matches"]) == (
        120,
        10,
        True,
    )


def test_records_come_page_by_page_and_sums_are_over_all(bank: Bank, star: Venue) -> None:
    bank.hear(*(bank.hours(bank.fang, 10) for _ in range(5)))
    seen, query = [], "?limit=2"
    while query:
        told = explain(bank, bank.fang, query)
        assert (told["sums"]["records"], told["sums"]["minutes_credited"]) == (5, 50)
        seen += [r["record_id"] for r in told["records"]]
        query = f"?limit=2&after={told['next']}" if told["next"] else ""
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_a_merged_account_is_explained_by_who_stays(bank: Bank, star: Venue) -> None:
    middle = new_id()
    bank.hear(bank.hours(bank.qiang, 70), bank.hours(middle, 20), bank.hours(bank.fang, 60))
    bank.hear(VolunteerMerged(volunteer_id=bank.qiang, into_id=middle))
    bank.hear(VolunteerMerged(volunteer_id=middle, into_id=bank.fang))
    told = explain(bank, bank.fang)
    assert (
        told["sums"]["records"],
        told["sums"]["points_earned"],
        told["sums"]["points_available"],
    ) == (3, 150, 30)
    assert told["matches"] is True
    for gone in (bank.qiang, middle):
        told = explain(bank, gone)
        assert (told["merged_into"], told["matches"], told["records"]) == (str(bank.fang), True, [])


@pytest.mark.parametrize("event", [VolunteerLeft, VolunteerErased])
def test_who_left_is_explained(bank: Bank, star: Venue, event: type) -> None:
    record = bank.hours(bank.fang, 130)
    bank.hear(record)
    bank.hear(event(volunteer_id=bank.fang))
    bank.hear(bank.hours(bank.fang, 50), bank.correction(record, 130, 90))
    told = explain(bank, bank.fang)
    assert (
        told["matches"],
        told["sums"]["minutes_credited"],
        told["sums"]["points_available"],
    ) == (True, 140, 0)


def test_somebody_without_hours_has_nothing_to_explain(bank: Bank) -> None:
    told = explain(bank, bank.fang)
    assert (told["matches"], told["records"], told["moves"], told["sums"]["records"]) == (
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
    bank.hear(bank.hours(bank.fang, 50))
    bank.rows(f"{change} RETURNING 1")
    told = explain(bank, bank.fang)
    assert told["matches"] is False
    assert [(d["of"], d["difference"]) for d in told["differences"]] == [(of, difference)]
    assert told["differences"][0]["stored"] - told["differences"][0]["recomputed"] == difference


def test_only_oneself_staff_and_auditors_see_it(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 50))
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

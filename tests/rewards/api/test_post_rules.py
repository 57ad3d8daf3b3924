"""Rules as data: every kind with what it needs, never edited, ended by a newer version."""

from datetime import date
from typing import Any

import pytest

from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue

PRODUCT = "a product"
GOOD: list[dict[str, Any]] = [
    {"kind": "earn", "minutes": 60, "points": 2, "category": "patrol"},
    {"kind": "coefficient", "category": "patrol", "percent": 150},
    {"kind": "issue", "product_id": PRODUCT},
    {"kind": "issue", "product_id": PRODUCT, "automatic": False},
    {"kind": "expire", "days": 730},
    {"kind": "limit", "count": 2, "period": "month"},
    {"kind": "limit", "count": 2, "period": "week", "product_id": PRODUCT},
    {"kind": "budget", "product_id": PRODUCT, "points": 12000},
]


def of(rule: dict[str, Any], product: str) -> dict[str, Any]:
    return {name: product if value == PRODUCT else value for name, value in rule.items()}


@pytest.mark.parametrize("rule", GOOD)
def test_a_rule_of_each_kind_is_kept_as_sent(bank: Bank, rule: dict[str, Any]) -> None:
    sent = of(rule, bank.product(bank.venue()))
    dates = {"effective_from": "2026-01-01T00:00:00Z", "effective_until": "2027-01-01T00:00:00Z"}
    first = bank.by_staff("POST", "/v1/rules", sent, 201)
    second = bank.by_staff("POST", "/v1/rules", sent | dates, 201)
    assert first | sent == first
    assert (first["version"], second["version"]) == (1, 2)
    assert second | sent | dates == second
    assert first["automatic"] == (sent.get("automatic", True) if rule["kind"] == "issue" else None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"kind": "earn", "minutes": 1},
            "an earn rule has minutes and points, may have category, and nothing else",
        ),
        (
            {"kind": "coefficient", "percent": 10},
            "a coefficient rule has category and percent and nothing else",
        ),
        ({"kind": "issue"}, "an issue rule has product_id, may have automatic, and nothing else"),
        ({"kind": "expire"}, "an expire rule has days and nothing else"),
        (
            {"kind": "limit", "count": 1},
            "a limit rule has count and period, may have product_id, and nothing else",
        ),
        (
            {"kind": "budget", "points": 1},
            "a budget rule has product_id and points and nothing else",
        ),
        (
            {"kind": "expire", "days": 1, "automatic": True},
            "an expire rule has days and nothing else",
        ),
        ({"kind": "expire", "days": 1, "points": 0}, "an expire rule has days and nothing else"),
        (
            {"kind": "earn", "minutes": 2, "points": 201},
            "an earn rule gives at most 100 points a minute",
        ),
        (
            {
                "kind": "expire",
                "days": 1,
                "effective_from": "2026-02-01T00:00:00Z",
                "effective_until": "2026-02-01T00:00:00Z",
            },
            "effective_until must be after effective_from",
        ),
    ],
)
def test_what_a_kind_needs_is_said(bank: Bank, change: dict[str, Any], message: str) -> None:
    answer = bank.by_staff("POST", "/v1/rules", change, 422)
    assert message in answer["detail"]
    assert bank.count("rules") == 0


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "expire", "days": 0},
        {"kind": "coefficient", "category": "x", "percent": -1},
        {"kind": "coefficient", "category": "x", "percent": 1001},
        {"kind": "limit", "count": 0, "period": "month"},
        {"kind": "limit", "count": 1, "period": "decade"},
        {"kind": "expire", "days": True},
        {"kind": "nonsense"},
    ],
)
def test_a_rule_out_of_bounds_is_refused(bank: Bank, rule: dict[str, Any]) -> None:
    bank.by_staff("POST", "/v1/rules", rule, 422)
    assert bank.count("rules") == 0


@pytest.mark.parametrize("rule", [rule for rule in GOOD if "product_id" in rule])
def test_a_rule_for_an_unknown_product_is_refused(bank: Bank, rule: dict[str, Any]) -> None:
    answer = bank.by_staff("POST", "/v1/rules", of(rule, str(new_id())), 422)
    assert answer["type"] == "/problems/no-such-product"


def test_only_staff_make_rules_and_end_them(bank: Bank) -> None:
    rule = bank.by_staff("POST", "/v1/rules", {"kind": "expire", "days": 1}, 201)
    for method, path in (("POST", "/v1/rules"), ("PUT", f"/v1/rules/{rule['id']}/end")):
        bank.ask(method, path, {"kind": "expire", "days": 1}, status=403, as_=bank.of(bank.fang))
    assert bank.count("rules") == 1


def test_rules_made_at_once_get_one_version_each(bank: Bank) -> None:
    rule = {"kind": "expire", "days": 1}
    versions = [
        r["version"] for r in at_once([lambda: bank.by_staff("POST", "/v1/rules", rule, 201)] * 6)
    ]
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_a_coefficient_counts_for_its_category(bank: Bank, star: Venue) -> None:
    bank.by_staff(
        "POST", "/v1/rules", {"kind": "coefficient", "category": "patrol", "percent": 150}, 201
    )
    bank.receive(bank.hours(bank.fang, 33, category="patrol"), bank.hours(bank.qiang, 33))
    assert (bank.points(bank.fang), bank.points(bank.qiang)) == (49, 33)
    bank.assert_sound()


def test_an_earn_rule_counts_for_work_before_the_day_it_ends(bank: Bank) -> None:
    rule = {
        "kind": "earn",
        "minutes": 1,
        "points": 1,
        "effective_until": "2026-07-15T00:00:00+08:00",
    }
    bank.by_staff("POST", "/v1/rules", rule, 201)
    bank.receive(bank.hours(bank.fang, 30, worked_on=date(2026, 7, 14)))
    bank.receive(bank.hours(bank.qiang, 30, worked_on=date(2026, 7, 15)))
    assert (bank.points(bank.fang), bank.points(bank.qiang)) == (30, 0)


def test_an_ended_issue_rule_issues_nothing_more_and_repeating_the_end_changes_nothing(
    bank: Bank, star: Venue
) -> None:
    (rule,) = bank.by_staff("GET", "/v1/rules?kind=issue")["items"]
    ended = bank.by_staff("PUT", f"/v1/rules/{rule['id']}/end", {})
    assert (ended["version"], ended["product_id"]) == (2, rule["product_id"])
    assert bank.by_staff("PUT", f"/v1/rules/{rule['id']}/end", {}) == ended
    assert bank.by_staff("PUT", f"/v1/rules/{ended['id']}/end", {}) == ended
    bank.receive(bank.hours(bank.fang, 130))
    assert bank.points(bank.fang) == 130
    assert bank.count("rules") == 3


def test_what_ends_later_counts_until_then_and_may_be_ended_earlier(
    bank: Bank, star: Venue
) -> None:
    (rule,) = bank.by_staff("GET", "/v1/rules?kind=issue")["items"]
    path = f"/v1/rules/{rule['id']}/end"
    assert bank.by_staff("PUT", path, {"at": "2030-01-01T00:00:00Z"})["version"] == 2
    bank.receive(bank.hours(bank.fang, 130))
    assert len(bank.vouchers(bank.fang)) == 1
    assert bank.by_staff("PUT", path, {"at": "2031-01-01T00:00:00Z"})["version"] == 2
    assert bank.by_staff("PUT", path, {"at": "2029-01-01T00:00:00Z"})["version"] == 3


def test_a_replaced_rule_cannot_be_ended_and_an_unknown_one_is_404(bank: Bank) -> None:
    first = bank.by_staff("POST", "/v1/rules", {"kind": "expire", "days": 1}, 201)
    second = bank.by_staff("POST", "/v1/rules", {"kind": "expire", "days": 2}, 201)
    answer = bank.by_staff("PUT", f"/v1/rules/{first['id']}/end", {}, 409)
    assert (answer["type"], answer["rule_id"]) == ("/problems/rule-replaced", second["id"])
    bank.by_staff("PUT", f"/v1/rules/{new_id()}/end", {}, 404)
    assert bank.count("rules") == 2


def test_those_in_force_are_the_newest_begun_and_not_ended(bank: Bank) -> None:
    rules: list[dict[str, Any]] = [
        {"kind": "expire", "days": 1},
        {"kind": "expire", "days": 2},
        {"kind": "expire", "days": 3, "effective_from": "2099-01-01T00:00:00Z"},
        {"kind": "limit", "count": 1, "period": "day", "effective_until": "2020-01-01T00:00:00Z"},
        {"kind": "earn", "minutes": 1, "points": 1},
        {"kind": "earn", "minutes": 1, "points": 2, "category": "patrol"},
    ]
    for rule in rules:
        bank.by_staff("POST", "/v1/rules", rule, 201)

    def asked(query: str) -> list[tuple[str, int]]:
        return [
            (r["kind"], r["version"]) for r in bank.by_staff("GET", f"/v1/rules?{query}")["items"]
        ]

    assert asked("in_force=true") == [("earn", 1), ("earn", 1), ("expire", 2)]
    assert asked("in_force=true&kind=expire") == [("expire", 2)]
    assert asked("kind=expire") == [("expire", 3), ("expire", 2), ("expire", 1)]
    assert len(asked("")) == 6

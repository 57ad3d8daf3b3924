"""Dry run and application of rules: the same numbers, nothing changed before, nothing booked
twice.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.rewards.events import credit_and_issue, merge_accounts
from services.rewards.issuing import issue
from services.rewards.rule_runs import backfill, simulation
from services.rewards.tasks import BATCH
from shared.contracts.registration import HoursRecorded, VolunteerLeft, VolunteerMerged
from shared.core.ids import new_id
from tests.rewards.api.test_ledger_audit import as_owner
from tests.support.at_once import at_once
from tests.support.bank import DAY, Bank, Venue

DOUBLE = {"kind": "earn", "minutes": 1, "points": 2}
TABLES = (
    "accounts",
    "credited_records",
    "transfers",
    "vouchers",
    "backorders",
    "stocks",
    "rules",
    "rule_runs",
    "outbox",
    "handovers",
)


def propose(
    bank: Bank,
    *rules: dict[str, Any],
    since: str = "2026-01-01",
    status: int = 200,
    query: str = "",
) -> Any:
    return bank.by_staff(
        "POST", f"/v1/rules/dry-run{query}", {"rules": rules, "since": since}, status
    )


def begin(bank: Bank, *rules: dict[str, Any], since: str = "2026-01-01", status: int = 202) -> Any:
    return bank.by_staff("POST", "/v1/rules/application", {"rules": rules, "since": since}, status)


def finish(bank: Bank, run: Any, batch: int = BATCH) -> Any:
    """What the job does until the run is done."""
    for _ in range(100_000):
        with bank.rewards.session() as session:
            backfill.apply_batch(session, batch)
        found = bank.by_staff("GET", f"/v1/rules/applications/{run['id']}")
        if found["status"] == "done":
            return found
    raise AssertionError("The run does not end.")


def everything(bank: Bank) -> list[Any]:
    return [
        bank.rows(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
        for table in TABLES
    ]


def test_a_dry_run_tells_who_gains_what_and_changes_nothing(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 130), bank.hours(bank.qiang, 50))
    bank.rows("UPDATE products SET cost_fen = 2500 RETURNING 1")
    (product,) = bank.by_staff("GET", "/v1/products")["items"]
    before = everything(bank)
    preview = propose(bank, DOUBLE)
    assert everything(bank) == before
    assert preview["summary"] == {
        "accounts": 2,
        "points": 180,
        "products": [{"product_id": product["id"], "issued": 1, "waiting": 0, "donated": 0}],
        "venues": [{"venue_id": star.id, "count": 1, "points": 120, "fen": 2500}],
    }
    assert [(g["volunteer_id"], g["points"], len(g["products"])) for g in preview["items"]] == [
        (str(bank.fang), 130, 1),
        (str(bank.qiang), 50, 0),
    ]


def test_gainers_come_page_by_page(bank: Bank, star: Venue) -> None:
    bank.receive(*(bank.hours(new_id(), 10) for _ in range(5)))
    pages, query = [], "?limit=2"
    while query:
        preview = propose(bank, DOUBLE, query=query)
        assert preview["summary"]["accounts"] == 5
        pages.append([g["volunteer_id"] for g in preview["items"]])
        query = f"?limit=2&after={preview['next']}" if preview["next"] else ""
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({i for page in pages for i in page}) == 5
    propose(bank, DOUBLE, query="?after=nonsense", status=422)


def test_nobody_loses_points_by_a_poorer_rule(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 100), bank.hours(bank.fang, 10, category="patrol"))
    poorer = {"kind": "earn", "minutes": 2, "points": 1}
    richer = {"kind": "coefficient", "category": "patrol", "percent": 400}
    assert propose(bank, poorer, richer)["summary"]["points"] == 10
    done = finish(bank, begin(bank, poorer, richer))
    assert (done["summary"]["points"], bank.points(bank.fang)) == (
        10,
        0,
    )  # 110 and 10 bought a film
    assert len(bank.vouchers(bank.fang)) == 1
    bank.assert_sound()


def test_only_work_since_the_day_gains_and_too_much_of_it_is_refused(
    bank: Bank, star: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        bank.receive(bank.hours(bank.fang, 10, worked_on=DAY + timedelta(days=number)))
    since = (DAY + timedelta(days=2)).isoformat()
    assert propose(bank, DOUBLE, since=since)["summary"]["points"] == 20
    monkeypatch.setattr(simulation, "MOST_RECORDS", 3)
    answer = propose(bank, DOUBLE, status=422)
    assert (answer["type"], answer["errors"][0]["pointer"]) == (
        "/problems/too-much-history",
        "/since",
    )
    assert propose(bank, DOUBLE, since=since)["summary"]["points"] == 20


def test_only_staff_ask_and_bad_proposals_are_refused(bank: Bank, star: Venue) -> None:
    body = {"rules": [DOUBLE], "since": "2026-01-01"}
    for path in ("/v1/rules/dry-run", "/v1/rules/application"):
        for role in ("volunteer", "coordinator", "auditor"):
            bank.ask("POST", path, body, status=403, as_=bank.district.token(role))
        for bad in (
            {"rules": []},
            {"since": "x"},
            {"since": "9999-01-01"},
            {"rules": [{"kind": "earn"}]},
            {"rules": [{"kind": "issue", "product_id": str(new_id())}]},
        ):
            bank.by_staff("POST", path, body | bad, 422)
    bank.by_staff("GET", f"/v1/rules/applications/{new_id()}", status=404)
    assert bank.count("rule_runs") == 0
    assert bank.count("rules") == 2


def test_an_application_counts_right_in_a_restored_database(bank: Bank, star: Venue) -> None:
    """There the journal counts transactions from another number."""
    lift = (
        "CREATE OR REPLACE FUNCTION journal_epoch() RETURNS bigint LANGUAGE sql STABLE"
        " AS 'SELECT {}::bigint'"
    )
    bank.receive(bank.hours(bank.fang, 70))
    try:
        with as_owner(bank) as owner:
            owner.execute(text(lift.format(1_000_000)))
        finish(bank, begin(bank, DOUBLE))
    finally:
        with as_owner(bank) as owner:
            owner.execute(text(lift.format(0)))
    (event,) = bank.rewards.published("rule.applied")
    assert event["data"] | {"accounts": 1, "points": 70, "vouchers": 1} == event["data"]


def test_application_raises_records_and_says_so_once(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 70)
    bank.receive(record)
    run = begin(bank, DOUBLE)
    assert (run["status"], run["accounts_seen"]) == ("running", 0)
    done = finish(bank, run)
    for _ in range(3):
        with bank.rewards.session() as session:
            assert backfill.apply_batch(session) is False
    assert bank.points(bank.fang) == 20
    assert bank.rows("SELECT points_credited, rule_version FROM credited_records") == [(140, 2)]
    (entry,) = bank.rows(
        "SELECT amount, rule_version, actor, credit_account FROM transfers WHERE kind = 'adjusted'"
    )
    assert (entry[0], entry[1]) == (70, 2)
    assert entry[2].startswith("staff:")
    assert entry[3] == f"volunteer:{bank.fang}"
    (event,) = bank.rewards.published("rule.applied")
    assert event["data"] | {"accounts": 1, "points": 70, "vouchers": 1} == event["data"]
    assert event["subject"] == done["id"]
    assert (done["accounts_seen"], done["finished_at"] is not None) == (1, True)
    (voucher,) = bank.vouchers(bank.fang)
    sources = bank.by_staff("GET", f"/v1/vouchers/{voucher['id']}/trace")["sources"]
    assert [(s["kind"], s["record_id"], s["points"]) for s in sources] == [
        ("earned", str(record.record_id), 70),
        ("adjusted", None, 50),
    ]
    bank.receive(bank.correction(record, 70, 71))  # by the new rule from now on
    assert bank.points(bank.fang) == 22
    bank.assert_sound()


def test_applying_again_gives_nothing_more(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 70))
    finish(bank, begin(bank, DOUBLE))
    assert finish(bank, begin(bank, DOUBLE))["summary"] == {
        "accounts": 0,
        "points": 0,
        "products": [],
        "venues": [],
    }
    assert bank.points(bank.fang) == 20


def test_one_application_at_a_time(bank: Bank, star: Venue) -> None:
    def ask() -> int:
        body = {"rules": [DOUBLE], "since": "2026-01-01"}
        return bank.rewards.call("POST", "/v1/rules/application", body, as_=bank.staff).status_code

    assert sorted(at_once([ask] * 5)) == [202, 409, 409, 409, 409]
    assert (bank.count("rule_runs"), bank.count("rules")) == (1, 3)


def test_workers_at_once_book_each_account_once(bank: Bank, star: Venue) -> None:
    bank.receive(*(bank.hours(new_id(), 70) for _ in range(40)))
    run = begin(bank, DOUBLE)

    def work() -> None:
        for _ in range(20):
            with bank.rewards.session() as session:
                backfill.apply_batch(session, 5)

    at_once([work] * 4)
    assert finish(bank, run)["summary"]["points"] == 40 * 70
    assert bank.rows("SELECT count(*), sum(amount) FROM transfers WHERE kind = 'adjusted'") == [
        (40, 2800)
    ]
    bank.assert_sound()


def test_a_crash_between_batches_loses_nothing_and_books_nothing_twice(
    bank: Bank, star: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.receive(*(bank.hours(new_id(), 70) for _ in range(12)))
    run = begin(bank, DOUBLE)
    tally: Callable[..., Any] = backfill._tally
    calls = iter(range(1000))

    def crash_every_other_time(*given: Any) -> Any:
        if next(calls) % 2 == 0:
            raise RuntimeError("killed")
        return tally(*given)

    monkeypatch.setattr(backfill, "_tally", crash_every_other_time)
    for _ in range(20):
        try:
            with bank.rewards.session() as session:
                backfill.apply_batch(session, 5)
        except RuntimeError:
            pass
    assert (
        finish(bank, run)["summary"] | {"accounts": 12, "points": 840}
        == finish(bank, run)["summary"]
    )
    assert bank.rows("SELECT count(*), sum(amount) FROM transfers WHERE kind = 'adjusted'") == [
        (12, 840)
    ]
    assert len(bank.rewards.published("rule.applied")) == 1
    bank.assert_sound()


def test_hours_that_come_meanwhile_earn_by_the_new_rules_and_once(bank: Bank, star: Venue) -> None:
    people = [new_id() for _ in range(6)]
    bank.receive(*(bank.hours(v, 10) for v in people))
    run = begin(bank, DOUBLE)
    with bank.rewards.session() as session:
        backfill.apply_batch(session, 3)
    bank.receive(*(bank.hours(v, 10) for v in people))
    finish(bank, run)
    assert {bank.points(v) for v in people} == {40}
    bank.assert_sound()


def test_hours_being_credited_by_the_old_rules_are_waited_for(bank: Bank, star: Venue) -> None:
    with bank.rewards.session() as slow:
        credit_and_issue(
            slow, [bank.hours(bank.fang, 70)]
        )  # by the old rule, and not committed yet
        run = begin(bank, DOUBLE)
        with bank.rewards.session() as session:
            assert backfill.apply_batch(session) is False
    assert finish(bank, run)["summary"]["points"] == 70
    assert bank.points(bank.fang) == 20


def test_who_is_merged_into_an_account_behind_the_walk_gains_too(bank: Bank, star: Venue) -> None:
    first, second, third = new_id(), new_id(), new_id()
    bank.receive(*(bank.hours(v, 10) for v in (first, second, third)))
    run = begin(bank, DOUBLE)
    with bank.rewards.session() as session:
        backfill.apply_batch(session, 1)
    bank.receive(VolunteerMerged(volunteer_id=third, into_id=first))
    assert finish(bank, run)["summary"]["points"] == 30
    assert bank.points(first) == 40
    bank.assert_sound()


def test_an_issue_rule_that_is_applied_is_issued_by_the_run_alone(bank: Bank) -> None:
    venue = Venue(bank)
    bank.minute_is_a_point()
    bank.receive(*(bank.hours(new_id(), 120) for _ in range(3)))
    run = begin(bank, {"kind": "issue", "product_id": bank.product(venue.id)})
    assert bank.rows("SELECT swept FROM rules WHERE kind = 'issue'") == [(True,)]
    assert (
        finish(bank, run)["summary"] | {"accounts": 3, "points": 0} == finish(bank, run)["summary"]
    )
    assert bank.count("vouchers") == 3
    later = {
        "kind": "issue",
        "product_id": bank.product(venue.id),
        "effective_from": "2099-01-01T00:00:00Z",
    }
    finish(bank, begin(bank, later))
    assert bank.rows(
        "SELECT swept FROM rules WHERE kind = 'issue' AND effective_from IS NOT NULL"
    ) == [(False,)]


# The same numbers


class History:
    """A random past: several categories, choices, corrections, merges, people who left, short
    stock.
    """

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.dice = bank, random.Random(seed)
        dice = self.dice
        self.people = sorted(new_id() for _ in range(40))
        venues = [bank.venue("星光影城"), bank.venue("游泳馆")]
        self.products = [
            bank.product(dice.choice(venues), points=price, stock=dice.choice([0, 3, 15, 100]))
            for price in (30, 70, 120)
        ]
        bank.rows(
            "UPDATE products SET cost_fen = points * 10,"
            " daily_quota = CASE WHEN points = 30 THEN CAST(:q AS bigint) END"
            " RETURNING 1",
            q=dice.choice([None, 5, 40]),
        )
        for rule in [{"kind": "earn", "minutes": 2, "points": 1}, *self.rules(dice.randrange(4))]:
            bank.by_staff("POST", "/v1/rules", rule, 201)
        self.live()

    def live(self) -> None:
        bank, dice = self.bank, self.dice
        preview: list[HoursRecorded] = []
        for volunteer in self.people:
            bank.rows(
                "INSERT INTO accounts (volunteer_id, standing_choice, preferred_product_id)"
                " VALUES (:v, :c, :p)"
                " RETURNING 1",
                v=volunteer,
                c=dice.choice(["issue", "issue", "save", "give_on"]),
                p=dice.choice([None, None, *self.products]),
            )
        for _ in range(6):
            batch = [self.record() for _ in range(50)]
            preview += batch
            bank.receive(*batch)
            bank.receive(
                *(bank.correction(r, r.minutes, dice.randrange(120)) for r in dice.sample(batch, 5))
            )
        for _ in range(4):
            duplicate, stays = dice.sample(self.people, 2)
            bank.receive(VolunteerMerged(volunteer_id=duplicate, into_id=stays))
        for volunteer in dice.sample(self.people, 3):
            bank.receive(VolunteerLeft(volunteer_id=volunteer))
        bank.receive(*(self.record() for _ in range(20)))
        bank.rows("UPDATE credited_records SET category = NULL WHERE minutes % 11 = 0 RETURNING 1")

    def record(self) -> HoursRecorded:
        dice = self.dice
        return self.bank.hours(
            dice.choice(self.people),
            dice.randrange(1, 120),
            category=dice.choice(["tutoring", "patrol", "garden"]),
            worked_on=date(2026, 7, 1) + timedelta(days=dice.randrange(60)),
        )

    def rules(self, count: int) -> list[dict[str, Any]]:
        dice, product = self.dice, lambda: self.dice.choice(self.products)
        kinds: list[Callable[[], dict[str, Any]]] = [
            lambda: {"kind": "earn", "minutes": dice.randrange(1, 4), "points": dice.randrange(4)},
            lambda: {
                "kind": "earn",
                "minutes": 1,
                "points": dice.randrange(4),
                "category": "patrol",
            },
            lambda: {
                "kind": "coefficient",
                "category": "garden",
                "percent": dice.choice([0, 50, 133, 300]),
            },
            lambda: {
                "kind": "earn",
                "minutes": 1,
                "points": 2,
                "effective_from": "2026-08-01T00:00:00+08:00",
            },
            lambda: {"kind": "issue", "product_id": product(), "automatic": dice.random() < 0.8},
            lambda: {"kind": "issue", "product_id": product()},
            lambda: {
                "kind": "issue",
                "product_id": product(),
                "effective_until": "2026-08-01T00:00:00+08:00",
            },
            lambda: {"kind": "limit", "count": dice.randrange(1, 4), "period": "month"},
            lambda: {
                "kind": "limit",
                "count": dice.randrange(1, 4),
                "period": "day",
                "product_id": product(),
            },
            lambda: {
                "kind": "budget",
                "points": dice.choice([0, 250, 2000]),
                "product_id": product(),
            },
        ]
        return [dice.choice(kinds)() for _ in range(count)]


def gained(bank: Bank) -> dict[str, int]:
    rows = bank.rows(
        "SELECT credit_account, sum(amount) FROM transfers WHERE kind = 'adjusted' GROUP BY 1"
    )
    return {row[0].removeprefix("volunteer:"): int(row[1]) for row in rows}


def assert_applying_gives_what_the_dry_run_told(
    bank: Bank, proposal: list[dict[str, Any]], batch: int
) -> Any:
    before = everything(bank)
    preview = propose(bank, *proposal, since="2026-07-10", query="?limit=200")
    assert everything(bank) == before
    done = finish(bank, begin(bank, *proposal, since="2026-07-10"), batch)
    assert done["summary"] == preview["summary"]
    assert gained(bank) == {g["volunteer_id"]: g["points"] for g in preview["items"] if g["points"]}
    return preview["summary"]


@pytest.mark.parametrize("seed", range(8))
def test_applying_gives_what_the_dry_run_told(bank: Bank, seed: int) -> None:
    history = History(bank, seed)
    preview = assert_applying_gives_what_the_dry_run_told(bank, history.rules(5), batch=7)
    assert preview["accounts"] or seed  # the first of them surely gives something
    balances = bank.rows("SELECT sum(points_available), sum(points_held) FROM accounts")
    journal = bank.rows(
        "SELECT sum(CASE WHEN credit_account LIKE 'volunteer:%' THEN amount ELSE 0 END) -"
        " sum(CASE WHEN debit_account LIKE 'volunteer:%' THEN amount ELSE 0 END),"
        " sum(CASE WHEN credit_account LIKE 'held:%' THEN amount ELSE 0 END) -"
        " sum(CASE WHEN debit_account LIKE 'held:%' THEN amount ELSE 0 END) FROM transfers"
    )
    assert balances == journal


@pytest.mark.slow
def test_applying_gives_what_the_dry_run_told_for_100_000_records(bank: Bank) -> None:
    venue, dice = Venue(bank), random.Random(1)
    bank.minute_is_a_point()
    people: list[UUID] = [new_id() for _ in range(10_000)]
    for _ in range(100):
        with bank.rewards.session() as session:
            credit_and_issue(
                session,
                [
                    bank.hours(
                        dice.choice(people),
                        dice.randrange(1, 120),
                        category=dice.choice(["tutoring", "patrol", "garden"]),
                    )
                    for _ in range(1000)
                ],
            )
    with bank.rewards.session() as session:
        merges = [dice.sample(people, 2) for _ in range(50)]
        merge_accounts(session, [VolunteerMerged(volunteer_id=a, into_id=b) for a, b in merges])
    product = bank.product(venue.id, points=200, stock=20_000)
    proposal = [
        {"kind": "coefficient", "category": "patrol", "percent": 150},
        {"kind": "issue", "product_id": product},
        {"kind": "limit", "count": 3, "period": "month"},
    ]
    begun = time.perf_counter()
    preview = propose(bank, *proposal)
    dry = time.perf_counter() - begun
    done = finish(bank, begin(bank, *proposal))
    took = f"dry run {dry:.1f} s, applied in {time.perf_counter() - begun - dry:.1f} s"
    print(f"{took}: {done['summary']}")  # noqa: T201
    assert done["summary"] == preview["summary"]
    assert done["summary"]["accounts"] > 9_000
    assert dry < 20
    bank.assert_sound()


def test_300_vouchers_of_one_account_are_all_in_the_report(bank: Bank) -> None:
    bank.minute_is_a_point()
    product = bank.product(bank.venue(), points=10, stock=1_000)
    bank.receive(*(bank.hours(bank.fang, 1_000) for _ in range(3)))
    offer = {"kind": "issue", "product_id": product}
    expected = propose(bank, offer)["summary"]
    assert expected["products"][0]["issued"] == 300
    done = finish(bank, begin(bank, offer))
    assert done["summary"] == expected
    assert (bank.count("vouchers"), bank.count("issue_backlog")) == (300, 0)
    bank.assert_sound()


def test_a_run_issues_in_portions_and_its_report_counts_all_of_them(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue, "MOST_AT_ONCE", 7)
    bank.minute_is_a_point()
    swim = bank.product(bank.venue(), points=10, stock=45)
    people = [bank.fang, bank.qiang, *(new_id() for _ in range(4))]
    bank.receive(*(bank.hours(who, minutes) for who in people for minutes in (55, 50)))
    bank.ask(
        "PUT",
        f"/v1/accounts/{people[2]}/standing-choice",
        {"choice": "give_on"},
        as_=bank.of(people[2]),
    )
    offer = {"kind": "issue", "product_id": swim}
    expected = propose(bank, DOUBLE, offer)
    run = begin(bank, DOUBLE, offer)
    portions = []
    while bank.by_staff("GET", f"/v1/rules/applications/{run['id']}")["status"] != "done":
        before = bank.count("vouchers") + bank.count("backorders")
        with bank.rewards.session() as session:
            backfill.apply_batch(session, 4)
        portions.append(bank.count("vouchers") + bank.count("backorders") - before)
    assert max(portions) == 7
    done = bank.by_staff("GET", f"/v1/rules/applications/{run['id']}")
    assert done["summary"] == expected["summary"]
    assert done["summary"]["accounts"] == done["accounts_seen"] == 6
    assert sum(portions) == 5 * 21 + 3  # the rest of what was meant for the pool stays
    assert bank.count("issue_backlog") == 0
    bank.assert_sound()


def test_a_merge_that_comes_late_is_issued_in_portions_and_counted_too(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records of a duplicate reach the account that stays after the run has passed it."""
    monkeypatch.setattr(issue, "MOST_AT_ONCE", 7)
    bank.minute_is_a_point()
    swim = bank.product(bank.venue(), points=10, stock=100)
    first, middle, last = sorted(new_id() for _ in range(3))
    bank.receive(*(bank.hours(who, minutes) for who in (first, middle, last) for minutes in (60,)))
    offer = {"kind": "issue", "product_id": swim}
    expected = propose(bank, DOUBLE, offer)["summary"]
    run = begin(bank, DOUBLE, offer)
    while bank.count("vouchers") < 12:
        with bank.rewards.session() as session:
            backfill.apply_batch(session, 1)
    bank.receive(VolunteerMerged(volunteer_id=last, into_id=first))
    done = finish(bank, run, 1)
    assert done["summary"]["points"] == expected["points"]
    assert bank.count("vouchers") == 36
    assert bank.count("issue_backlog") == 0
    bank.assert_sound()


def test_a_record_that_comes_between_two_portions_is_raised_by_the_next(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its correction came before the run, so that it is credited by the old rate first."""
    monkeypatch.setattr(issue, "MOST_AT_ONCE", 7)
    bank.minute_is_a_point()
    swim = bank.product(bank.venue(), points=10, stock=100)
    late = bank.hours(bank.fang, 60)
    bank.receive(bank.hours(bank.fang, 60), bank.correction(late, 60, 50))
    run = begin(bank, DOUBLE, {"kind": "issue", "product_id": swim})
    with bank.rewards.session() as session:
        backfill.apply_batch(session)
    assert bank.count("vouchers") == 7
    bank.receive(late)
    done = finish(bank, run)
    assert (done["summary"]["accounts"], done["summary"]["points"]) == (1, 60 + 50)
    assert bank.rows("SELECT sum(points) FROM vouchers") == [(2 * (60 + 50),)]
    bank.assert_sound()

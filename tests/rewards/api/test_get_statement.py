"""GET /v1/accounts/{id}/statement, balances as of a moment: what the journal says, for the
account's own eyes.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.rewards.ledger import journal
from services.rewards.models import TransferKind
from shared.contracts.registration import VolunteerMerged
from shared.core.clock import SITE
from shared.core.ids import new_id
from tests.support.bank import Bank, Venue


def came(bank: Bank, who: UUID, points: int, at: datetime) -> None:
    """Points of another day, balance row included."""
    with bank.rewards.session() as session:
        draft = journal.TransferDraft(
            journal.OUTSIDE,
            journal.volunteer(who),
            points,
            TransferKind.EARNED,
            new_id(),
            volunteer_id=who,
            actor="registration",
        )
        row = journal.columns_of(draft)
        columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
        session.execute(
            text(f"INSERT INTO transfers ({columns}, created_at) VALUES ({values}, :at)"),
            row | {"at": at},
        )
        session.execute(
            text(
                "INSERT INTO accounts (volunteer_id, points_available) VALUES (:who, :points)"
                " ON CONFLICT (volunteer_id)"
                " DO UPDATE SET points_available = accounts.points_available + :points"
            ),
            {"who": who, "points": points},
        )


def statement(bank: Bank, who: UUID, first: str, last: str, **more: Any) -> Any:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return bank.ask(
        "GET", f"/v1/accounts/{who}/statement?from={first}&to={last}{query}", as_=bank.of(who)
    )


def changes(answer: Any) -> list[int]:
    return [item["available"] for item in answer["items"]]


@pytest.mark.check("L8")
def test_days_are_days_at_the_site(bank: Bank) -> None:
    for points, at in (
        (1, "2026-03-01T15:59:59"),
        (2, "2026-03-01T16:00:00"),
        (4, "2026-03-02T15:59:59"),
        (8, "2026-03-02T16:00:00"),
    ):
        came(bank, bank.fang, points, datetime.fromisoformat(at).replace(tzinfo=UTC))
    answer = statement(bank, bank.fang, "2026-03-02", "2026-03-02")
    assert answer["opening"] == {"available": 1, "held": 0, "owed": 0}
    assert changes(answer) == [2, 4]
    assert answer["closing"]["available"] == 7
    assert changes(statement(bank, bank.fang, "2026-03-01", "2026-03-03")) == [1, 2, 4, 8]
    assert changes(statement(bank, bank.fang, "2026-04-01", "2026-04-30")) == []


def test_opening_and_all_entries_make_closing(bank: Bank, star: Venue) -> None:
    bank.issue(bank.product(star.id, points=30, stock=0, title="游泳"))
    first = bank.hours(bank.fang, 175)
    bank.receive(first)
    star.redeem(bank.code(bank.fang), "POS-1")
    bank.receive(bank.correction(first, 175, 10))
    today = datetime.now(SITE).date()
    span = ((today - timedelta(days=2)).isoformat(), (today + timedelta(days=2)).isoformat())
    answer = statement(bank, bank.fang, *span)
    account = bank.account(bank.fang)
    kept = {
        "available": account["points_available"],
        "held": account["points_held"],
        "owed": account["shortfall"],
    }
    assert answer["closing"] == kept
    assert kept["owed"] > 0
    for column in kept:
        assert (
            answer["opening"][column] + sum(item[column] for item in answer["items"])
            == answer["closing"][column]
        )
    kinds = {item["transfer"]["kind"] for item in answer["items"]}
    assert {"earned", "backordered", "released", "issued", "redeemed", "corrected", "owed"} <= kinds


def test_a_statement_is_paged(bank: Bank) -> None:
    for points in range(1, 8):
        came(bank, bank.fang, points, datetime(2026, 3, 2, points, tzinfo=UTC))
    seen, after = [], {}
    for _ in range(4):
        page = statement(bank, bank.fang, "2026-03-02", "2026-03-02", limit=3, **after)
        assert (page["opening"]["available"], page["closing"]["available"]) == (0, 28)
        seen.append(changes(page))
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]


def test_both_sides_of_a_merge_show_it(bank: Bank) -> None:
    bank.minute_is_a_point()
    middle = new_id()
    bank.receive(bank.hours(bank.qiang, 30))
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=middle))
    bank.receive(VolunteerMerged(volunteer_id=middle, into_id=bank.fang))
    today = datetime.now(SITE).date()
    span = ((today - timedelta(days=2)).isoformat(), (today + timedelta(days=2)).isoformat())
    assert changes(statement(bank, bank.qiang, *span)) == [30, -30]
    assert changes(statement(bank, middle, *span)) == [30, -30]
    assert changes(statement(bank, bank.fang, *span)) == [30]
    for who, points in ((bank.qiang, 0), (middle, 0), (bank.fang, 30)):
        moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+", "%2B")
        shown = bank.by_staff("GET", f"/v1/accounts/{who}?at={moment}")
        assert shown["points_available"] == points


def test_an_account_as_of_a_moment(bank: Bank) -> None:
    came(bank, bank.fang, 5, datetime(2026, 3, 1, tzinfo=UTC))
    came(bank, bank.fang, 7, datetime(2026, 3, 2, tzinfo=UTC))
    for moment, points in (
        ("2026-02-28T23:59:59Z", 0),
        ("2026-03-01T08:00:00%2B08:00", 5),
        ("2026-03-01T23:59:59Z", 5),
        ("2026-03-02T00:00:00Z", 12),
        ("2030-01-01T00:00:00Z", 12),
    ):
        shown = bank.ask("GET", f"/v1/accounts/{bank.fang}?at={moment}", as_=bank.of(bank.fang))
        assert (shown["points_available"], shown["minutes_credited"]) == (points, None), moment
    shown = bank.account(bank.fang)
    assert (shown["points_available"], shown["at"]) == (12, None)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?from=2026-03-02",
        "?to=2026-03-02",
        "?from=2026-03-02&to=2026-03-01",
        "?from=x&to=y",
        "?from=0001-01-01&to=2026-03-01",
        "?from=2026-03-01&to=9999-12-31",
        "?from=2026-03-01&to=2026-03-02&after=x",
        "?from=2026-03-01&to=2026-03-02&limit=0",
        "?first=2026-03-01&last=2026-03-02",
    ],
)
def test_a_bad_span_is_refused(bank: Bank, query: str) -> None:
    bank.ask(
        "GET", f"/v1/accounts/{bank.fang}/statement{query}", status=422, as_=bank.of(bank.fang)
    )


@pytest.mark.parametrize("moment", ["x", "2026-03-01", "2026-03-01T00:00:00", "5"])
def test_a_bad_moment_is_refused(bank: Bank, moment: str) -> None:
    bank.ask("GET", f"/v1/accounts/{bank.fang}?at={moment}", status=422, as_=bank.of(bank.fang))


@pytest.mark.check("S2")
def test_only_its_owner_staff_and_auditors_see_a_statement(bank: Bank) -> None:
    came(bank, bank.fang, 5, datetime(2026, 3, 1, tzinfo=UTC))
    path = f"/v1/accounts/{bank.fang}/statement?from=2026-03-01&to=2026-03-02"
    for who in (bank.of(bank.fang), bank.staff, bank.district.token("auditor")):
        assert changes(bank.ask("GET", path, as_=who)) == [5]
    bank.ask("GET", path, status=404, as_=bank.of(bank.qiang))
    bank.ask(
        "GET", path.replace(str(bank.fang), str(new_id())), status=404, as_=bank.of(bank.qiang)
    )
    bank.ask("GET", path, status=401)
    bank.ask("GET", path, status=403, headers={"Api-Key": Venue(bank).key})


def test_balances_of_venues_the_pool_and_volunteers(bank: Bank, star: Venue) -> None:
    film = bank.rows("SELECT id FROM products")[0][0]
    bank.receive(bank.hours(bank.fang, 130))
    before = bank.rows("SELECT app_now()")[0][0].isoformat().replace("+", "%2B")
    star.redeem(bank.code(bank.fang), "POS-1")
    bank.ask(
        "PUT",
        f"/v1/accounts/{bank.qiang}/standing-choice",
        {"choice": "give_on"},
        as_=bank.of(bank.qiang),
    )
    bank.receive(bank.hours(bank.qiang, 125))
    for account, points in (
        (f"venue:{star.id}", 120),
        (f"pool:{film}", 120),
        (f"volunteer:{bank.fang}", 10),
        (f"volunteer:{bank.qiang}", 5),
        (f"volunteer:{new_id()}", 0),
    ):
        assert bank.by_staff("GET", f"/v1/ledger/balances/{account}")["points"] == points, account
    for account, points in (
        (f"venue:{star.id}", 0),
        (f"pool:{film}", 0),
        (f"volunteer:{bank.fang}", 10),
    ):
        assert (
            bank.by_staff("GET", f"/v1/ledger/balances/{account}?at={before}")["points"] == points
        ), account


@pytest.mark.parametrize(
    "account",
    [
        "venue:x",
        "outside",
        "product:{film}",
        "held:{film}",
        "pool:{unknown}",
        "venue:{unknown}",
        "venue:",
        "x",
        "venue:{film}",
    ],
)
def test_other_balances_are_unknown(bank: Bank, star: Venue, account: str) -> None:
    film = bank.rows("SELECT id FROM products")[0][0]
    bank.ask(
        "GET",
        f"/v1/ledger/balances/{account.format(film=film, unknown=new_id())}",
        status=404,
        as_=bank.staff,
    )


def test_balances_of_venues_use_their_index(bank: Bank) -> None:
    """Else every question would read the whole journal."""
    with bank.rewards.session() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        for side, kinds in (
            ("credit", "'redeemed', 'reopened', 'given', 'donated'"),
            ("debit", "'reversed', 'settled', 'allocated', 'expired', 'voided'"),
        ):
            plan = session.scalars(
                text(
                    "EXPLAIN SELECT sum(amount) FROM transfers"
                    f" WHERE {side}_account = 'venue:x' AND kind IN ({kinds})"
                )
            ).all()
            assert f"ix_transfers_{side}_account" in "\n".join(plan)

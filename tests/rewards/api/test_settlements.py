"""Settlement statements: computed from the journal, closed once, reopened, downloaded."""

import csv
import io
import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from console.main import main
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue
from tests.support.cinema_month import FILM_FEN, LAST, THIS, CinemaMonth, day

SETTLEMENT_COLUMNS = "id, venue_id, month, redemptions, points, fen, disputes_fen, closed_by"


@pytest.fixture
def cinema(bank: Bank, star: Venue) -> CinemaMonth:
    return CinemaMonth(bank, star)


def test_a_preview_is_computed_from_the_journal(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", "C", on=day(3))
    cinema.take_in("NOW", on=THIS.first)
    assert cinema.reverse("C") == "reversed"
    found = cinema.statement()
    assert (found["state"], found["settlement_id"]) == ("open", None)
    assert found["totals"] == {
        "redemptions": 2,
        "carried": 0,
        "points": 240,
        "fen": 2 * FILM_FEN,
        "disputes_fen": 0,
        "owed_fen": 2 * FILM_FEN,
    }
    assert [(p["title"], p["redemptions"], p["points"], p["fen"]) for p in found["products"]] == [
        ("电影票", 2, 240, 2 * FILM_FEN)
    ]
    assert [line["reference"] for line in found["lines"]] == ["A", "B"]
    assert (found["journal"]["redeemed"], found["journal"]["redeemed_points"]) == (3, 360)
    assert cinema.bank.count("settlements") == 0


@pytest.mark.check("L8")
def test_months_are_months_of_the_site(cinema: CinemaMonth) -> None:
    """The last evening is in the month, though by UTC the next month begins on that day."""
    cinema.take_in("LATE", "EARLY")
    midnight = datetime(THIS.first.year, THIS.first.month, 1, tzinfo=timezone(timedelta(hours=8)))
    at = "UPDATE {} SET {} = :at WHERE {}"
    for reference, moment in (("LATE", midnight - timedelta(seconds=1)), ("EARLY", midnight)):
        redemption = f"(SELECT id FROM redemptions WHERE reference = '{reference}')"
        cinema.as_owner(
            at.format("transfers", "created_at", f"kind = 'redeemed' AND cause_id = {redemption}"),
            at=moment,
        )
        cinema.as_owner(
            at.format("redemptions", "redeemed_at", f"reference = '{reference}'"), at=moment
        )
    assert [line["reference"] for line in cinema.statement()["lines"]] == ["LATE"]
    assert [line["reference"] for line in cinema.statement(THIS)["lines"]] == ["LATE", "EARLY"]
    assert [line["carried"] for line in cinema.statement(THIS)["lines"]] == [True, False]


def test_closing_settles_everything_once(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", on=day(3))
    cinema.take_in("NOW", on=THIS.first)
    closed = cinema.close()
    assert (closed["redemptions"], closed["points"], closed["fen"], closed["disputes_fen"]) == (
        2,
        240,
        7000,
        0,
    )
    assert cinema.close() == closed
    assert cinema.statement()["state"] == "closed"
    assert [line["reference"] for line in cinema.statement()["lines"]] == ["A", "B"]
    (event,) = cinema.bank.rewards.published("settlement.closed")
    assert event["data"] == {
        "settlement_id": closed["id"],
        "venue_id": cinema.star.id,
        "month": str(LAST),
        "redemptions": 2,
        "points": 240,
        "fen": 7000,
    }
    assert cinema.bank.rows(
        "SELECT kind, debit_account, credit_account, amount FROM transfers WHERE cause_id = :id",
        id=closed["id"],
    ) == [("settled", f"venue:{cinema.star.id}", "outside", 240)]
    assert cinema.in_journal() == 120
    assert cinema.bank.rows("SELECT status, count(*) FROM vouchers GROUP BY 1 ORDER BY 1") == [
        ("redeemed", 1),
        ("settled", 2),
    ]
    assert cinema.reverse("A") == "already_settled"
    assert cinema.star.redeem(cinema.codes["A"], "A-2") == "already_redeemed"
    cinema.bank.assert_sound()


def test_what_is_booked_late_goes_into_the_next_month(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3, LAST.before))
    cinema.close(LAST.before)
    cinema.take_in("LATE", on=day(4, LAST.before))
    cinema.take_in("B", on=day(3))
    found = cinema.statement()
    assert [(line["reference"], line["carried"]) for line in found["lines"]] == [
        ("LATE", True),
        ("B", False),
    ]
    assert found["totals"]["carried"] == 1
    assert cinema.close()["redemptions"] == 2
    assert cinema.close(LAST.before)["redemptions"] == 1
    assert cinema.in_journal() == 0


def test_a_month_that_is_not_over_stays_open(cinema: CinemaMonth) -> None:
    cinema.take_in("NOW", on=THIS.first)
    assert cinema.close(THIS, 409)["type"] == "/problems/month-not-over"
    assert cinema.close(THIS.next, 409)["type"] == "/problems/month-not-over"
    assert cinema.bank.count("settlements") == 0
    assert cinema.bank.rewards.published("settlement.closed") == []


def test_a_month_before_a_closed_one_is_carried(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3, LAST.before))
    assert cinema.close()["redemptions"] == 1
    assert cinema.close(LAST.before, 409)["type"] == "/problems/later-month-closed"
    assert cinema.statement(LAST.before)["state"] == "carried"


def test_a_sandbox_is_never_settled(cinema: CinemaMonth) -> None:
    cinema.as_owner("UPDATE venues SET sandbox = true")
    assert cinema.close(status=409)["type"] == "/problems/venue-not-settled"


def test_closings_at_once_close_once(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", on=day(3))
    answers = at_once([cinema.close] * 6)
    assert len({answer["id"] for answer in answers}) == 1
    assert (cinema.bank.count("settlements"), cinema.bank.count("settlement_lines")) == (1, 2)
    assert len(cinema.bank.rewards.published("settlement.closed")) == 1
    assert cinema.in_journal() == 0


def test_a_reversal_and_closing_at_once_have_one_winner(cinema: CinemaMonth) -> None:
    for turn in range(8):
        name = f"R{turn}"
        cinema.take_in(name, on=day(3))
        outcome, closed = at_once([lambda name=name: cinema.reverse(name), cinema.close])
        settled = cinema.bank.rows(
            "SELECT count(*) FROM settlement_lines l JOIN redemptions r ON r.id = l.redemption_id"
            " WHERE l.stands AND r.reference = :name",
            name=name,
        )[0][0]
        assert (outcome, settled, closed["redemptions"]) in (
            ("reversed", 0, 0),
            ("already_settled", 1, 1),
        )
        assert cinema.in_journal() == 0
        cinema.bank.assert_sound()
        cinema.reopen()
        if outcome == "already_settled":
            assert cinema.reverse(name) == "reversed"
        cinema.as_owner("UPDATE disputes SET status = 'rejected'")


def test_reopening_undoes_the_newest_closing(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", on=day(3))
    closed = cinema.close()
    reopened = cinema.reopen()
    assert (reopened["id"], reopened["reopen_reason"]) == (closed["id"], "miscounted")
    assert cinema.reopen() == reopened
    assert cinema.statement()["state"] == "open"
    assert cinema.in_journal() == 240
    assert cinema.bank.rows("SELECT DISTINCT status FROM vouchers") == [("redeemed",)]
    assert cinema.bank.rows("SELECT stands, count(*) FROM settlement_lines GROUP BY 1") == [
        (False, 2)
    ]
    assert len(cinema.bank.rewards.published("settlement.reopened")) == 1
    assert cinema.reverse("A") == "reversed"
    again = cinema.close()
    assert again["id"] != closed["id"]
    assert (again["redemptions"], cinema.in_journal()) == (1, 0)
    cinema.bank.assert_sound()


def test_only_the_newest_month_of_the_last_60_days_is_reopened(cinema: CinemaMonth) -> None:
    assert cinema.reopen(status=404)["type"] == "/problems/settlement-not-found"
    cinema.take_in("A", on=day(3, LAST.before))
    cinema.close(LAST.before)
    cinema.close()
    assert cinema.reopen(LAST.before, 409)["type"] == "/problems/closed-too-long-ago"
    cinema.as_owner("UPDATE settlements SET closed_at = closed_at - interval '60 days 1 minute'")
    assert cinema.reopen(status=409)["type"] == "/problems/closed-too-long-ago"
    assert cinema.bank.rewards.published("settlement.reopened") == []


def test_the_database_settles_nothing_twice(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    closed = cinema.close()
    with pytest.raises(DBAPIError, match="uq_settlement_lines_redemption_id"):
        cinema.as_owner(
            f"WITH other AS (INSERT INTO settlements ({SETTLEMENT_COLUMNS})"
            " SELECT :id, venue_id, month - 40, 0, 0, 0, 0, '' FROM settlements RETURNING id)"
            " INSERT INTO settlement_lines (settlement_id, redemption_id)"
            " SELECT other.id, l.redemption_id FROM other, settlement_lines l"
            " WHERE l.settlement_id = cast(:closed AS uuid)",
            id=new_id(),
            closed=closed["id"],
        )
    with pytest.raises(DBAPIError, match="uq_settlements_venue_id_month"):
        cinema.as_owner(
            f"INSERT INTO settlements ({SETTLEMENT_COLUMNS})"
            " SELECT :id, venue_id, month, 0, 0, 0, 0, '' FROM settlements",
            id=new_id(),
        )


@pytest.mark.check("S2")
def test_a_venue_sees_its_own_month_and_no_other(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    rival = Venue(cinema.bank, "柯城游泳馆")
    path = f"{cinema.path}/{LAST}"
    assert cinema.by_venue("GET", path)["totals"]["redemptions"] == 1
    unknown = f"/v1/settlements/{new_id()}/{LAST}"
    for asked in (path, f"{path}/differences", unknown):
        answer = cinema.bank.ask("GET", asked, status=404, headers={"Api-Key": rival.key})
        assert answer["type"] == "/problems/venue-not-found"
    cinema.bank.ask("GET", path, status=403, as_=cinema.bank.of(cinema.bank.fang))
    cinema.by_venue("PUT", f"{path}/closing", {}, 403)
    cinema.by_venue("DELETE", f"{path}/closing", {"reason": "x"}, 403)


def test_a_key_needs_the_scope(cinema: CinemaMonth) -> None:
    """The till's key reads no statements, reports or disputes; the office's key does."""
    path, lists = f"{cinema.path}/{LAST}", f"/v1/venues/{cinema.star.id}/statements"
    for scope, status in (("vouchers:redeem", 403), ("statements", 200)):
        secrets = f"/v1/venues/{cinema.star.id}/secrets"
        made = cinema.bank.by_staff("POST", secrets, {"kind": "api_key", "scopes": [scope]}, 201)
        key = {"headers": {"Api-Key": made["secret"]}}
        for asked in (path, f"{path}/differences", "/v1/disputes"):
            cinema.bank.ask("GET", asked, status=status, **key)
        body = {"month": str(LAST), "lines": []}
        cinema.bank.ask("POST", lists, body, status=201 if status == 200 else status, **key)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "26-01", "x", "２０２６-01", "9999-01"])
def test_a_malformed_month_is_refused(cinema: CinemaMonth, month: str) -> None:
    assert (
        cinema.bank.by_staff("GET", f"{cinema.path}/{month}", status=422)["errors"][0]["pointer"]
        == "/month"
    )
    cinema.bank.by_staff("PUT", f"{cinema.path}/{month}/closing", {}, 422)


def test_lines_come_in_pages(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", "C", "D", "E", on=day(3))
    for _ in range(2):
        seen, after = [], ""
        while after is not None:
            page = cinema.statement(query=f"?limit=2{after and '&after=' + after}")
            seen += [line["reference"] for line in page["lines"]]
            after = page["next"]
        assert seen == ["A", "B", "C", "D", "E"]
        cinema.close()


# Files


def download(cinema: CinemaMonth, format_: str) -> bytes:
    answer = cinema.bank.rewards.call(
        "GET", f"{cinema.path}/{LAST}?format={format_}", headers={"Api-Key": cinema.star.key}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data()


@pytest.mark.check("S8")
def test_csv_holds_every_line_as_text(cinema: CinemaMonth) -> None:
    cinema.take_in("-A", "B", on=day(3))
    cinema.as_owner(
        "UPDATE vouchers SET title = '=1+1' WHERE id = cast(:id AS uuid)", id=cinema.voucher("B")
    )
    raw = download(cinema, "csv")
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [(row["reference"], row["title"], row["amount_fen"]) for row in rows] == [
        ("'-A", "电影票", "3500"),
        ("B", "'=1+1", "3500"),
    ]


@pytest.mark.check("S8")
def test_xlsx_holds_totals_and_lines_and_no_formula(cinema: CinemaMonth) -> None:
    from openpyxl import load_workbook

    cinema.take_in("-A", "B", on=day(3))
    cinema.as_owner(
        "UPDATE vouchers SET title = '=1+1' WHERE id = cast(:id AS uuid)", id=cinema.voucher("B")
    )
    cinema.as_owner("UPDATE products SET title = E'@SUM(A1)\\u0001'")
    book = load_workbook(io.BytesIO(download(cinema, "xlsx")))
    totals, sheet = (book[name] for name in ("结算单", "明细"))
    cells = [
        cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert [[cell.value for cell in row][1] for row in sheet.iter_rows(min_row=2)] == ["-A", "B"]
    assert sheet["D3"].value == "=1+1"
    figures = {row[0].value: row[1].value for row in totals.iter_rows() if row[0].value}
    assert figures["应付合计（元） Owed in all (CNY)"] == "70.00"
    assert "@SUM(A1)" in figures


FORMULA_STARTS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", " =", "'=", '"=']
FORMULAS = [
    start + rest
    for start in FORMULA_STARTS
    for rest in ("1+1", 'HYPERLINK("http://127.0.0.1","票")', "cmd|'/C calc'!A0", "SUM(A1:A9)", "A")
]


@pytest.mark.check("S8")
def test_seventy_formulas_stay_text_in_csv_and_xlsx(cinema: CinemaMonth) -> None:
    from openpyxl import load_workbook

    cinema.load(len(FORMULAS))
    cinema.as_owner(
        "UPDATE vouchers SET title = (cast(:titles AS text[]))[number] FROM"
        " (SELECT id, row_number() OVER (ORDER BY id) AS number FROM vouchers) AS numbered"
        " WHERE vouchers.id = numbered.id",
        titles=FORMULAS,
    )
    rows = list(
        csv.DictReader(io.StringIO(download(cinema, "csv").decode("utf-8-sig"), newline=""))
    )
    assert sorted(row["title"].removeprefix("'") for row in rows) == sorted(
        formula.removeprefix("'") for formula in FORMULAS
    )
    assert not [row["title"] for row in rows if row["title"].strip()[:1] in tuple("=+-@＝＋－＠")]
    sheet = load_workbook(io.BytesIO(download(cinema, "xlsx")))["明细"]
    titles = [row[3] for row in sheet.iter_rows(min_row=2)]
    assert len(titles) == len(FORMULAS)
    assert {cell.data_type for cell in titles} <= {"s", "inlineStr"}


def test_pdf_has_chinese_text_and_room_for_signatures(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", on=day(3))
    cinema.as_owner(
        "UPDATE vouchers SET title = E'<b>\\u0001票' WHERE id = cast(:id AS uuid)",
        id=cinema.voucher("B"),
    )
    raw = download(cinema, "pdf")
    assert raw.startswith(b"%PDF-") and len(raw) < 200_000
    assert raw.count(b"/Type /Page\n") == 2


def test_an_empty_month_has_files_too(cinema: CinemaMonth) -> None:
    for format_ in ("csv", "xlsx", "pdf"):
        assert download(cinema, format_)


def test_an_unknown_format_is_refused(cinema: CinemaMonth) -> None:
    cinema.bank.by_staff("GET", f"{cinema.path}/{LAST}?format=exe", status=422)


# The command


def test_the_command_closes_each_venue_and_names_refused_ones(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    pool = Venue(cinema.bank, "柯城游泳馆")
    swim = cinema.bank.product(pool.id, points=90, title="游泳一次")
    assert swim
    cinema.as_owner(
        "INSERT INTO disputes (id, venue_id, reference, reason_code, opened_at)"
        " VALUES (:id, cast(:venue AS uuid), 'X', 'unknown', :at)",
        id=new_id(),
        venue=pool.id,
        at=LAST.since,
    )
    done = run("settle", str(LAST))
    assert done.exit_code == 1
    assert f"{cinema.star.id}  星光影城 Star cinema: 1 redemptions, 35.00 CNY" in done.output
    assert "柯城游泳馆: refused. Somebody has to decide disputes first." in done.output
    assert cinema.statement()["state"] == "closed"
    assert run("settle", str(LAST), "--venue", cinema.star.id).exit_code == 0
    assert run("settle", "2026-13").exit_code != 0


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def test_pages_of_lines_are_in_order(cinema: CinemaMonth) -> None:
    cinema.take_in("A", "B", "C", on=day(3))
    ids = [line["redemption_id"] for line in cinema.statement()["lines"]]
    assert all(a < b for a, b in pairwise(ids))


@pytest.mark.slow
def test_a_hundred_thousand_redemptions_are_settled_in_twenty_seconds(cinema: CinemaMonth) -> None:
    """Also after a reopening, when the statistics know of no unsettled redemption."""
    cinema.load(100_000)
    for _ in range(2):
        for ask in (cinema.statement, cinema.close, cinema.reopen):
            began = time.monotonic()
            answer = ask()
            assert time.monotonic() - began < 20, ask
            if ask == cinema.close:
                assert (answer["redemptions"], cinema.in_journal()) == (100_000, 0)
                cinema.as_owner("ANALYZE redemptions, vouchers, settlement_lines")
    assert cinema.in_journal() == 100_000 * 120

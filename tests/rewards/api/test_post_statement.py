"""A venue's report for a month, and its reconciliation with the journal."""

import json
import random
from typing import Any

import pytest

from services.rewards.settlement.reports import MOST_LINES
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue, venue_event
from tests.support.cinema_month import FILM_FEN, LAST, THIS, CinemaMonth, day


@pytest.fixture
def cinema(bank: Bank, star: Venue) -> CinemaMonth:
    return CinemaMonth(bank, star)


def send_csv(cinema: CinemaMonth, raw: bytes, status: int = 201, month: str = str(LAST)) -> Any:
    answer = cinema.bank.rewards.call(
        "POST",
        f"/v1/venues/{cinema.star.id}/statements?month={month}",
        data=raw,
        content_type="text/csv",
        headers={"Api-Key": cinema.star.key},
    )
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


# Sending


def test_the_same_report_again_changes_nothing(cinema: CinemaMonth) -> None:
    taken = cinema.send(["A", "B"])
    assert (taken["lines"], taken["month"]) == (2, str(LAST.first))
    assert cinema.send(["A", "B"], status=200) == taken
    assert send_csv(cinema, b"reference\nA\nB\n", status=200) == taken
    assert (cinema.bank.count("venue_statements"), cinema.bank.count("venue_statement_lines")) == (
        1,
        2,
    )


def test_the_newest_report_counts_and_older_ones_are_kept(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.send([])
    assert cinema.differences() == [("missing_at_venue", "A")]
    cinema.send(["A"])
    assert cinema.differences() == []
    cinema.send([])
    assert cinema.bank.count("venue_statements") == 3
    assert cinema.differences() == [("missing_at_venue", "A")]


def test_the_same_list_at_once_is_kept_once(cinema: CinemaMonth) -> None:
    path, key = f"/v1/venues/{cinema.star.id}/statements", {"Api-Key": cinema.star.key}
    for turn in range(1, 6):
        body = {"month": str(LAST), "lines": [{"reference": f"{turn}-{n}"} for n in range(300)]}
        answers = at_once(
            [lambda body=body: cinema.bank.rewards.call("POST", path, body, headers=key)] * 6
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
        assert cinema.bank.count("venue_statements") == turn


def test_a_venue_sends_only_its_own_report(cinema: CinemaMonth) -> None:
    rival = Venue(cinema.bank, "柯城游泳馆")
    path, body = f"/v1/venues/{cinema.star.id}/statements", {"month": str(LAST), "lines": []}
    for asked in (path, path.replace(cinema.star.id, str(new_id()))):
        answer = cinema.bank.ask("POST", asked, body, status=404, headers={"Api-Key": rival.key})
        assert answer["type"] == "/problems/venue-not-found"
    cinema.bank.ask("POST", path, body, status=403, as_=cinema.bank.of(cinema.bank.fang))
    cinema.bank.by_staff("POST", path, body, 201)
    cinema.bank.by_staff("POST", path.replace(cinema.star.id, str(new_id())), body, 404)
    assert cinema.bank.count("venue_statements") == 1


# Hostile input


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"month": "2026-10"}, "/lines"),
        ({"month": "2026-13", "lines": []}, "/month"),
        (
            {"month": "2026-10", "lines": [{"reference": "A"}, {"reference": "=1+1"}]},
            "/lines/1/reference",
        ),
        ({"month": "2026-10", "lines": [{"reference": ""}]}, "/lines/0/reference"),
        ({"month": "2026-10", "lines": [{"reference": "A" * 61}]}, "/lines/0/reference"),
        (
            {"month": "2026-10", "lines": [{"reference": "A", "voucher_id": "x"}]},
            "/lines/0/voucher_id",
        ),
        (
            {"month": "2026-10", "lines": [{"reference": "A", "redeemed_on": "10/12/2026"}]},
            "/lines/0/redeemed_on",
        ),
        (
            {"month": "2026-10", "lines": [{"reference": "A", "amount_fen": -1}]},
            "/lines/0/amount_fen",
        ),
        (
            {"month": "2026-10", "lines": [{"reference": "A", "amount_fen": 1.5}]},
            "/lines/0/amount_fen",
        ),
        ({"month": "2026-10", "lines": [{"reference": "A", "who": "沈芳"}]}, "/lines/0/who"),
        ({"month": "2026-10", "lines": [None]}, "/lines/0"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_bad_body_names_its_place_and_changes_nothing(
    cinema: CinemaMonth, body: Any, pointer: str
) -> None:
    answer = cinema.bank.rewards.call(
        "POST",
        f"/v1/venues/{cinema.star.id}/statements",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Api-Key": cinema.star.key},
    )
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == pointer
    assert cinema.bank.count("venue_statements") == 0


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"month": "2026-10", "lines": "x"}']
)
def test_a_body_that_is_not_json_is_refused(cinema: CinemaMonth, raw: bytes) -> None:
    answer = cinema.bank.rewards.call(
        "POST",
        f"/v1/venues/{cinema.star.id}/statements",
        data=raw,
        content_type="application/json",
        headers={"Api-Key": cinema.star.key},
    )
    assert answer.status_code in (400, 422)
    assert cinema.bank.count("venue_statements") == 0


@pytest.mark.parametrize(
    ("raw", "row"),
    [
        (b"A\nB\n", 1),
        (b"reference,redeemed_on\nA,2026-13-01\n", 2),
        (b"reference,amount_fen\nA,1\nB,x\n", 3),
        (b'reference\nA\n="1"\n', 3),
    ],
)
def test_a_bad_csv_names_the_row(cinema: CinemaMonth, raw: bytes, row: int) -> None:
    answer = send_csv(cinema, raw, 422)
    assert answer["type"] == "/problems/unreadable-list"
    assert answer["errors"][0]["row"] == row
    assert cinema.bank.count("venue_statements") == 0


def test_a_file_that_is_not_text_is_refused(cinema: CinemaMonth) -> None:
    raw = b"reference\n\xff\xff\xff\n"
    assert send_csv(cinema, raw, 422)["type"] == "/problems/unreadable-list"


def test_csv_needs_its_month(cinema: CinemaMonth) -> None:
    assert send_csv(cinema, b"reference\nA\n", 422, "")["errors"][0]["pointer"] == "/month"


@pytest.mark.check("S7")
def test_a_list_has_an_end(cinema: CinemaMonth) -> None:
    rows = b"reference\n" + b"".join(b"%d\n" % n for n in range(MOST_LINES + 1))
    assert "100000" in send_csv(cinema, rows, 422)["detail"]
    assert send_csv(cinema, b"x" * (20 * 1024 * 1024 + 1), 413)["detail"].startswith(
        "At most 20 MB"
    )
    small = cinema.bank.rewards.call(
        "POST",
        "/v1/disputes",
        data=b"x" * (2 * 1024 * 1024 + 1),
        as_=cinema.bank.staff,
        content_type="application/json",
    )
    assert (small.status_code, small.get_json()["detail"][:12]) == (413, "At most 2 MB")


# The match


def test_without_a_report_there_are_no_differences(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    answer = cinema.bank.by_staff("GET", f"{cinema.path}/{LAST}/differences")
    assert answer == {"venue_list": None, "items": [], "next": None}
    assert cinema.statement()["venue_list"] is None


def test_each_kind_of_difference_is_named(cinema: CinemaMonth) -> None:
    cinema.take_in("SAME", "GONE", "TWICE", "FEN", "DAY", "BACK", on=day(3))
    cinema.take_in("MONTH", on=day(3, LAST.before))
    cinema.take_in("NEXT", on=day(3))
    cinema.take_in("HOOK", on=day(3), by_webhook=True)
    assert cinema.reverse("BACK") == "reversed"
    cinema.send(["NEXT"], THIS)
    cinema.send(
        [
            {
                "reference": "SAME",
                "voucher_id": cinema.voucher("SAME"),
                "redeemed_on": str(day(3)),
                "amount_fen": FILM_FEN,
            },
            "TWICE",
            {"reference": "FEN", "amount_fen": FILM_FEN + 1},
            {"reference": "DAY", "redeemed_on": str(day(4))},
            "BACK",
            "MONTH",
            "TWICE",
            "NEVER",
            {"reference": "OTHER-NUMBER", "voucher_id": cinema.voucher("HOOK")},
        ]
    )
    found = cinema.bank.by_staff("GET", f"{cinema.path}/{LAST}/differences")["items"]
    assert [(item["kind"], item["reference"], item["line"], item["month"]) for item in found] == [
        ("other_amount", "FEN", 3, None),
        ("other_day", "DAY", 4, None),
        ("reversed_here", "BACK", 5, None),
        ("other_month", "MONTH", 6, str(LAST.before)),
        ("doubled", "TWICE", 7, None),
        ("missing_here", "NEVER", 8, None),
        ("missing_at_venue", "GONE", None, None),
        ("other_month", "NEXT", None, str(THIS)),
    ]
    assert found[0] | {"redemption_id": "", "voucher_id": ""} == {
        "kind": "other_amount",
        "reference": "FEN",
        "voucher_id": "",
        "redemption_id": "",
        "channel": "counter",
        "booked_on": str(day(3)),
        "booked_fen": FILM_FEN,
        "line": 3,
        "listed_on": None,
        "listed_fen": FILM_FEN + 1,
        "month": None,
        "dispute": None,
    }
    assert cinema.statement()["venue_list"]["differences"] == {
        "other_amount": 1,
        "other_day": 1,
        "reversed_here": 1,
        "other_month": 2,
        "doubled": 1,
        "missing_here": 1,
        "missing_at_venue": 1,
    }
    assert cinema.differences(THIS) == [("other_month", "NEXT")]


def test_a_voucher_under_two_numbers_is_doubled(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    voucher = cinema.voucher("A")
    cinema.send(
        [{"reference": "X", "voucher_id": voucher}, {"reference": "A", "voucher_id": voucher}]
    )
    assert [kind for kind, _ in cinema.differences()] == ["doubled"]


def test_a_line_that_the_webhook_could_not_book_names_its_dispute(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    outcome = cinema.star.webhook(
        venue_event("redemption.confirmed", {"code": cinema.codes["A"], "reference": "A-2"})
    )["outcome"]
    assert outcome == "already_redeemed"
    cinema.send(["A", "A-2"])
    (item,) = cinema.bank.by_staff("GET", f"{cinema.path}/{LAST}/differences")["items"]
    assert (item["kind"], item["reference"]) == ("missing_here", "A-2")
    assert (item["dispute"]["reason_code"], item["dispute"]["status"]) == (
        "already_redeemed",
        "open",
    )


def test_another_venues_redemptions_are_unknown(cinema: CinemaMonth) -> None:
    """A report reveals nothing about another venue's sale, by number or by voucher."""
    cinema.take_in("A", on=day(3))
    rival = Venue(cinema.bank, "柯城游泳馆")
    lines = [{"reference": "A", "voucher_id": cinema.voucher("A")}]
    cinema.bank.ask(
        "POST",
        f"/v1/venues/{rival.id}/statements",
        {"month": str(LAST), "lines": lines},
        status=201,
        headers={"Api-Key": rival.key},
    )
    (item,) = cinema.bank.by_staff("GET", f"/v1/settlements/{rival.id}/{LAST}/differences")["items"]
    assert (item["kind"], item["redemption_id"]) == ("missing_here", None)


def test_differences_come_in_pages_of_one_report(cinema: CinemaMonth) -> None:
    cinema.send([f"X{n}" for n in range(5)])
    path, seen, after = f"{cinema.path}/{LAST}/differences?limit=2", [], ""
    while after is not None:
        page = cinema.bank.by_staff("GET", path + (after and f"&after={after}"))
        seen += [item["reference"] for item in page["items"]]
        last, after = after, page["next"]
    assert seen == [f"X{n}" for n in range(5)]
    cinema.send([])
    cinema.bank.by_staff("GET", f"{path}&after={last}", status=422)
    cinema.bank.by_staff("GET", f"{path}&after=eA", status=422)


@pytest.mark.check("M5")
def test_planted_differences_are_all_found_and_none_else(cinema: CinemaMonth) -> None:
    """One month through the database; the unit test matches fifty."""
    chance = random.Random(0)
    names = [f"S{n}" for n in range(24)]
    for name in names:
        cinema.take_in(name, on=day(chance.randint(1, 28)), by_webhook=chance.random() < 0.5)
    vouchers = {name: cinema.voucher(name) for name in names}
    day_at_site = "cast(redeemed_at AT TIME ZONE 'Asia/Shanghai' AS date)"
    days = dict(cinema.bank.rows(f"SELECT reference, {day_at_site} FROM redemptions"))
    chance.shuffle(names)
    lines, planted = [], []
    for number, name in enumerate(names):
        line: dict[str, Any] = {
            "reference": name,
            "voucher_id": vouchers[name],
            "redeemed_on": str(days[name]),
            "amount_fen": FILM_FEN,
        }
        for field in ("voucher_id", "redeemed_on", "amount_fen"):
            if chance.random() < 0.3:
                del line[field]
        if number < 3:
            planted.append(("missing_at_venue", name))
            continue
        if 3 <= number < 6:
            line["amount_fen"] = chance.choice([0, FILM_FEN - 1, 2 * FILM_FEN])
            planted.append(("other_amount", name))
        elif 6 <= number < 9:
            line["redeemed_on"] = str(days[name].replace(day=days[name].day % 28 + 1))
            planted.append(("other_day", name))
        elif 9 <= number < 12:
            assert cinema.reverse(name) == "reversed"
            planted.append(("reversed_here", name))
        elif 12 <= number < 15:
            cinema.happened(name, day(5, chance.choice([LAST.before, THIS])))
            planted.append(("other_month", name))
        elif 15 <= number < 18:
            lines.append(
                {"reference": chance.choice([name, f"{name}-again"]), "voucher_id": vouchers[name]}
            )
            planted.append(("doubled", name))
        lines.append(line)
    for number in range(3):
        lines.append(
            {"reference": f"N{number}"} | ({"voucher_id": str(new_id())} if number else {})
        )
        planted.append(("missing_here", f"N{number}"))
    chance.shuffle(lines)
    cinema.send(lines)
    found = [(kind, reference.removesuffix("-again")) for kind, reference in cinema.differences()]
    assert sorted(found) == sorted(planted)


# Closing


def test_a_month_is_not_closed_over_unresolved_differences(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.send([])
    refused = cinema.close(status=409)
    assert (refused["type"], refused["differences"]) == (
        "/problems/differences-unresolved",
        {"missing_at_venue": 1},
    )
    assert cinema.bank.count("settlements") == 0
    assert cinema.close(accept_differences=True)["redemptions"] == 1


def test_a_corrected_report_lets_the_month_close(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.send(["A", "B"])
    cinema.close(status=409)
    cinema.send(["A"])
    cinema.close()

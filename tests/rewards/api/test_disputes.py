"""Disputes: opened by webhook or from a report, decided once or lapsed, paid once."""

from typing import Any
from uuid import UUID

import pytest

from services.rewards.settlement import disputes
from services.rewards.tasks import lapse_disputes
from shared.core.ids import new_id
from shared.db.engine import using
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue
from tests.support.cinema_month import FILM_FEN, LAST, CinemaMonth, day


@pytest.fixture
def cinema(bank: Bank, star: Venue) -> CinemaMonth:
    return CinemaMonth(bank, star)


def missing(cinema: CinemaMonth, reference: str, status: int = 201, **more: Any) -> Any:
    body = {
        "venue_id": cinema.star.id,
        "month": str(LAST),
        "reference": reference,
        "reason_code": "missing_here",
    } | more
    return cinema.by_venue("POST", "/v1/disputes", body, status)


def decide(
    cinema: CinemaMonth, dispute_id: str, decision: str, status: int = 200, **more: Any
) -> Any:
    return cinema.bank.by_staff(
        "PUT", f"/v1/disputes/{dispute_id}/decision", {"decision": decision} | more, status
    )


def test_a_line_that_is_not_booked_may_be_disputed(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.send(["A", "B"])
    case = missing(cinema, "B")
    assert (case["reference"], case["reason_code"], case["status"]) == ("B", "missing_here", "open")
    assert missing(cinema, "B") == case
    (event,) = cinema.bank.rewards.published("dispute.opened")
    assert event["data"] == {
        "dispute_id": case["id"],
        "venue_id": cinema.star.id,
        "reason_code": "missing_here",
    }
    (item,) = cinema.by_venue("GET", f"{cinema.path}/{LAST}/differences")["items"]
    assert item["dispute"]["id"] == case["id"]


def test_only_a_reported_line_that_is_not_booked_may_be_disputed(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    assert missing(cinema, "B", 422)["type"] == "/problems/not-on-your-list"
    cinema.send(["A", {"reference": "A-2", "voucher_id": cinema.voucher("A")}])
    assert missing(cinema, "B", 422)["type"] == "/problems/not-on-your-list"
    assert missing(cinema, "A", 409)["type"] == "/problems/nothing-missing"
    assert missing(cinema, "A-2", 409)["type"] == "/problems/nothing-missing"
    missing(cinema, "A", 422, month="2026-13")
    missing(cinema, "A", 422, reason_code="unknown")
    assert cinema.bank.count("disputes") == 0


def test_a_venue_sees_and_opens_only_its_own_disputes(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    case = missing(cinema, "B")
    rival = Venue(cinema.bank, "柯城游泳馆")
    key = {"headers": {"Api-Key": rival.key}}
    assert cinema.by_venue("GET", "/v1/disputes")["items"] == [case]
    assert cinema.by_venue("GET", f"/v1/disputes/{case['id']}") == case
    assert cinema.bank.ask("GET", "/v1/disputes", **key)["items"] == []
    cinema.bank.ask("GET", f"/v1/disputes?venue_id={cinema.star.id}", status=404, **key)
    foreign = cinema.bank.ask("GET", f"/v1/disputes/{case['id']}", status=404, **key)
    unknown = cinema.bank.ask("GET", f"/v1/disputes/{new_id()}", status=404, **key)
    assert foreign["type"] == unknown["type"] == "/problems/dispute-not-found"
    body = {"venue_id": cinema.star.id, "month": str(LAST), "reference": "B"}
    assert (
        cinema.bank.ask("POST", "/v1/disputes", body, status=404, **key)["type"]
        == "/problems/venue-not-found"
    )
    cinema.by_venue("PUT", f"/v1/disputes/{case['id']}/decision", {"decision": "accepted"}, 403)


def test_another_venues_voucher_is_unknown_in_a_dispute(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    rival = Venue(cinema.bank, "柯城游泳馆")
    lines = [{"reference": "X", "voucher_id": cinema.voucher("A")}]
    key = {"headers": {"Api-Key": rival.key}}
    cinema.bank.ask(
        "POST",
        f"/v1/venues/{rival.id}/statements",
        {"month": str(LAST), "lines": lines},
        status=201,
        **key,
    )
    body = {"venue_id": rival.id, "month": str(LAST), "reference": "X"}
    assert cinema.bank.ask("POST", "/v1/disputes", body, status=201, **key)["voucher_id"] is None


def test_disputes_are_filtered(cinema: CinemaMonth) -> None:
    cinema.send(["A", "B"])
    first, second = missing(cinema, "A"), missing(cinema, "B")
    decide(cinema, first["id"], "rejected")
    found = cinema.bank.by_staff("GET", f"/v1/disputes?status=open&venue_id={cinema.star.id}")[
        "items"
    ]
    assert [item["id"] for item in found] == [second["id"]]
    assert cinema.bank.by_staff("GET", f"/v1/disputes?venue_id={new_id()}")["items"] == []
    cinema.bank.by_staff("GET", "/v1/disputes?status=x", status=422)


def test_a_dispute_is_decided_once(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    case = missing(cinema, "B")
    decided = decide(cinema, case["id"], "accepted", amount_fen=3000, note="票根核对过")
    assert (decided["status"], decided["amount_fen"], decided["note"]) == (
        "accepted",
        3000,
        "票根核对过",
    )
    assert decide(cinema, case["id"], "accepted", amount_fen=3000, note="票根核对过") == decided
    for other in (
        {"decision": "rejected"},
        {"decision": "accepted", "amount_fen": 1, "note": "票根核对过"},
    ):
        answer = decide(cinema, case["id"], status=409, **other)
        assert answer["type"] == "/problems/dispute-decided-otherwise"
    (event,) = cinema.bank.rewards.published("dispute.decided")
    assert event["data"] == {
        "dispute_id": case["id"],
        "venue_id": cinema.star.id,
        "decision": "accepted",
        "amount_fen": 3000,
    }


def test_decisions_at_once_have_one_winner(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    case = missing(cinema, "B")
    path = f"/v1/disputes/{case['id']}/decision"
    bodies = [{"decision": "accepted", "amount_fen": n} for n in range(1, 5)] + [
        {"decision": "rejected"}
    ] * 2
    answers = at_once(
        [
            lambda body=body: cinema.bank.rewards.call("PUT", path, body, as_=cinema.bank.staff)
            for body in bodies
        ]
    )
    won = {
        str(answer.get_json()["status"]) + str(answer.get_json()["amount_fen"])
        for answer in answers
        if answer.status_code == 200
    }
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 409}
    assert len(cinema.bank.rewards.published("dispute.decided")) == 1


def test_an_amount_has_to_fit(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    assert cinema.star.confirm(cinema.codes["A"], "A-2")["outcome"] == "already_redeemed"
    cinema.send(["B"])
    known = cinema.bank.by_staff("GET", "/v1/disputes")["items"][0]
    strange = missing(cinema, "B")
    assert decide(cinema, strange["id"], "accepted", 422)["errors"][0]["pointer"] == "/amount_fen"
    decide(cinema, strange["id"], "accepted", 422, amount_fen=-1)
    decide(cinema, strange["id"], "rejected", 422, amount_fen=5)
    decide(cinema, strange["id"], "lapsed", 422)
    assert (
        decide(cinema, known["id"], "accepted")["amount_fen"] == 0
    )  # its redemption is paid already
    assert decide(cinema, strange["id"], "rejected")["amount_fen"] == 0
    decide(cinema, str(new_id()), "rejected", 404)


def test_what_nobody_decides_in_time_lapses(cinema: CinemaMonth) -> None:
    cinema.send(["A", "B"])
    early, late = missing(cinema, "A"), missing(cinema, "B")
    cinema.as_owner(
        "UPDATE disputes SET due_at = now() - interval '1 second' WHERE reference = 'A'"
    )
    lapse(cinema)
    lapse(cinema)
    assert cinema.bank.by_staff("GET", f"/v1/disputes/{early['id']}")["status"] == "lapsed"
    assert cinema.bank.by_staff("GET", f"/v1/disputes/{late['id']}")["status"] == "open"
    (event,) = cinema.bank.rewards.published("dispute.decided")
    assert (event["data"]["decision"], event["data"]["dispute_id"]) == ("lapsed", early["id"])
    assert decide(cinema, early["id"], "rejected", 409)["dispute_status"] == "lapsed"
    again = missing(cinema, "A")
    assert (again["id"], again["status"]) == (early["id"], "open")
    assert len(cinema.bank.rewards.published("dispute.opened")) == 3


def test_a_webhook_does_not_reopen_a_lapsed_dispute(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    for _ in range(2):
        assert cinema.star.confirm(cinema.codes["A"], "A-2")["outcome"] == "already_redeemed"
        cinema.as_owner("UPDATE disputes SET due_at = now() - interval '1 second'")
        lapse(cinema)
    assert [item["status"] for item in cinema.bank.by_staff("GET", "/v1/disputes")["items"]] == [
        "lapsed"
    ]
    assert len(cinema.bank.rewards.published("dispute.opened")) == 1


def test_lapsing_and_deciding_at_once_have_one_winner(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    case = missing(cinema, "B")
    cinema.as_owner("UPDATE disputes SET due_at = now() - interval '1 second'")
    path = f"/v1/disputes/{case['id']}/decision"
    answer, _ = at_once(
        [
            lambda: cinema.bank.rewards.call(
                "PUT", path, {"decision": "rejected"}, as_=cinema.bank.staff
            ),
            lambda: lapse(cinema),
        ]
    )
    stands = cinema.bank.by_staff("GET", f"/v1/disputes/{case['id']}")["status"]
    assert (answer.status_code, stands) in ((200, "rejected"), (409, "lapsed"))
    assert len(cinema.bank.rewards.published("dispute.decided")) == 1


def lapse(cinema: CinemaMonth) -> None:
    with cinema.bank.rewards.session() as session:
        disputes.lapse(session)


def test_the_job_lapses_disputes(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    missing(cinema, "B")
    cinema.as_owner("UPDATE disputes SET due_at = now() - interval '1 second'")
    with using(cinema.bank.rewards.database):
        lapse_disputes.run.__wrapped__()
    assert cinema.bank.by_staff("GET", "/v1/disputes")["items"][0]["status"] == "lapsed"


# With a settlement


def test_an_open_case_holds_up_its_month_until_it_is_overdue(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    case = missing(cinema, "B")
    for body in ({}, {"accept_differences": True}):
        refused = cinema.close(status=409, **body)
        assert (refused["type"], refused["disputes"]) == ("/problems/disputes-open", [case["id"]])
    assert cinema.bank.count("settlements") == 0
    cinema.as_owner("UPDATE disputes SET due_at = now() - interval '1 second'")
    cinema.close()


def test_a_dispute_of_this_month_does_not_hold_up_the_last(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    assert cinema.star.confirm(cinema.codes["A"], "A-2")["outcome"] == "already_redeemed"
    cinema.close()
    cinema.reopen()
    cinema.as_owner("UPDATE disputes SET opened_at = :at", at=LAST.since)
    assert cinema.close(status=409)["type"] == "/problems/disputes-open"


def test_an_accepted_dispute_is_paid_once(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.send(["A", "B"])
    case = missing(cinema, "B")
    decide(cinema, case["id"], "accepted", amount_fen=3000)
    assert cinema.statement()["totals"]["owed_fen"] == FILM_FEN + 3000
    closed = cinema.close()
    assert (closed["fen"], closed["disputes_fen"]) == (FILM_FEN, 3000)
    assert cinema.bank.rewards.published("settlement.closed")[0]["data"]["fen"] == FILM_FEN + 3000
    assert cinema.by_venue("GET", f"/v1/disputes/{case['id']}")["settlement_id"] == closed["id"]
    assert cinema.statement(LAST.next)["totals"]["disputes_fen"] == 0
    cinema.reopen()
    assert cinema.by_venue("GET", f"/v1/disputes/{case['id']}")["settlement_id"] is None
    again = cinema.close()
    assert (again["disputes_fen"], again["id"] != closed["id"]) == (3000, True)
    paid = cinema.bank.rows("SELECT count(*) FROM disputes WHERE settlement_id IS NOT NULL")[0][0]
    assert paid == 1


def test_a_case_is_paid_by_one_settlement_only(cinema: CinemaMonth) -> None:
    cinema.send(["B"])
    decide(cinema, missing(cinema, "B")["id"], "accepted", amount_fen=3000)
    first = cinema.close(LAST.before)
    second = cinema.close()
    assert (first["disputes_fen"], second["disputes_fen"]) == (3000, 0)
    assert cinema.bank.rows("SELECT cast(settlement_id AS text) FROM disputes") == [(first["id"],)]


def test_a_case_of_what_came_in_after_all_pays_nothing(cinema: CinemaMonth) -> None:
    """The redemption is paid once, whether it was booked before the decision or after it."""
    cinema.send(["A", "B"])
    early, late = missing(cinema, "A"), missing(cinema, "B")
    decide(cinema, early["id"], "accepted", amount_fen=FILM_FEN)
    cinema.take_in("A", on=day(3))
    cinema.take_in("B", on=day(3))
    assert (
        decide(cinema, late["id"], "accepted", 409, amount_fen=FILM_FEN)["type"]
        == "/problems/paid-otherwise"
    )
    decide(cinema, late["id"], "accepted", amount_fen=0)
    assert (
        cinema.statement()["totals"]["disputes_fen"] == 0
    )  # the preview equals what closing takes
    closed = cinema.close(accept_differences=True)
    assert (closed["redemptions"], closed["fen"], closed["disputes_fen"]) == (2, 2 * FILM_FEN, 0)


def test_two_cases_of_one_sale_are_not_both_paid(cinema: CinemaMonth) -> None:
    cinema.send(["A"])
    case = missing(cinema, "A")
    with cinema.bank.rewards.session() as session:
        disputes.open_dispute(session, case_venue(cinema), "A", "unknown", None)
    (other,) = [
        c for c in cinema.by_venue("GET", "/v1/disputes")["items"] if c["reason_code"] == "unknown"
    ]
    decide(cinema, case["id"], "accepted", amount_fen=FILM_FEN)
    decide(cinema, other["id"], "accepted", 409, amount_fen=FILM_FEN)


def test_a_refused_reversal_is_never_paid_again(cinema: CinemaMonth) -> None:
    cinema.take_in("A", on=day(3))
    cinema.close()
    assert cinema.reverse("A") == "already_settled"
    (case,) = cinema.by_venue("GET", "/v1/disputes")["items"]
    decide(cinema, case["id"], "accepted", 422, amount_fen=FILM_FEN)
    assert decide(cinema, case["id"], "accepted")["amount_fen"] == 0


def case_venue(cinema: CinemaMonth) -> UUID:
    return UUID(cinema.star.id)

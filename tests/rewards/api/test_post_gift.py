"""Gifts: the old code becomes void, the new one is the receiver's, the giver may stay unnamed."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import text

from shared.contracts.registration import (
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerRegistered,
    VolunteerSuspended,
)
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def known(bank: Bank, *people: Any) -> None:
    """Register people who have no hours yet."""
    bank.receive(*(VolunteerRegistered(volunteer_id=person, number="ZJ-1") for person in people))


def chain(bank: Bank, voucher_id: str, who: Any, status: int = 200) -> Any:
    found = bank.ask("GET", f"/v1/vouchers/{voucher_id}/chain", as_=bank.of(who), status=status)
    return found["items"] if status == 200 else found


def test_the_old_code_is_void_and_only_the_receiver_sees_the_new_one(
    bank: Bank, star: Venue
) -> None:
    known(bank, bank.qiang)
    mine = bank.earned(bank.fang)
    old_code, before = bank.code_of(bank.fang, mine), bank.vouchers(bank.fang)[0]
    answer = bank.give(bank.fang, mine, bank.qiang)
    assert (answer["previous_id"], answer["to"], answer["named"]) == (mine, str(bank.qiang), False)
    (after,) = bank.vouchers(bank.qiang, "issued")
    same = ("title", "points", "expires_at", "product_id", "venue_id")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert (after["id"], after["origin"]) == (answer["voucher_id"], "gift")
    assert bank.vouchers(bank.fang)[0]["status"] == "given"
    for verb, body in (("check", {}), ("redeem", {"reference": "POS-1"})):
        assert star.counter(verb, {"code": old_code} | body)["outcome"] == "voided"
    bank.ask("GET", f"/v1/vouchers/{after['id']}/code", as_=bank.of(bank.fang), status=404)
    new_code = bank.code_of(bank.qiang, after["id"])
    assert new_code != old_code
    (event,) = bank.rewards.published("voucher.given")
    assert (event["subject"], event["data"]["previous_id"], event["data"]["kind"]) == (
        after["id"],
        mine,
        "gift",
    )
    published = str(bank.rewards.published())
    assert old_code not in published
    assert new_code not in published
    assert bank.rows("SELECT count(*) FROM transfers WHERE kind IN ('given', 'allocated')") == [
        (0,)
    ]
    bank.assert_sound()
    assert star.redeem(new_code, "POS-2") == "redeemed"
    bank.assert_sound()


def test_only_its_holder_gives_a_voucher(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    mine = bank.earned(bank.fang)
    foreign = bank.give(bank.qiang, mine, "pool", 404)
    unknown = bank.give(bank.qiang, str(new_id()), "pool", 404)
    assert foreign["type"] == unknown["type"]
    bank.ask("POST", f"/v1/vouchers/{mine}/gift", {"to": "pool"}, as_=bank.staff, status=403)
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"
    assert not bank.rewards.published("voucher.given")


def test_unknown_people_and_those_who_left_cannot_receive_and_look_alike(
    bank: Bank, star: Venue
) -> None:
    gone, erased = new_id(), new_id()
    known(bank, gone, erased)
    bank.receive(VolunteerLeft(volunteer_id=gone), VolunteerErased(volunteer_id=erased))
    mine = bank.earned(bank.fang)
    answers = [bank.give(bank.fang, mine, who, 422) for who in (new_id(), gone, erased)]
    assert len({(a["type"], a["title"], a["errors"][0]["detail"]) for a in answers}) == 1
    bank.give(bank.fang, mine, bank.fang, 422)
    bank.give(bank.fang, mine, "somebody", 422)
    assert bank.count("handovers") == 0


def test_a_gift_to_a_merged_account_reaches_the_account_that_stays(bank: Bank, star: Venue) -> None:
    old = new_id()
    known(bank, old, bank.qiang)
    bank.receive(VolunteerMerged(volunteer_id=old, into_id=bank.qiang))
    bank.give(bank.fang, bank.earned(bank.fang), old)
    assert len(bank.vouchers(bank.qiang, "issued")) == 1


def test_suspended_people_give_nothing(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    mine = bank.earned(bank.fang)
    bank.receive(VolunteerSuspended(volunteer_id=bank.fang))
    assert bank.give(bank.fang, mine, bank.qiang, 409)["type"] == "/problems/account-suspended"
    assert bank.count("handovers") == 0


def test_a_used_held_or_ended_voucher_cannot_be_given(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    used, held, late = (bank.earned(bank.fang) for _ in range(3))
    star.redeem(bank.code_of(bank.fang, used), "POS-1")
    hold = star.counter("hold", {"code": bank.code_of(bank.fang, held)})
    with bank.rewards.session() as session:
        session.execute(text("UPDATE vouchers SET expires_at = now() WHERE id = :id"), {"id": late})
    for voucher in (used, held, late):
        assert (
            bank.give(bank.fang, voucher, bank.qiang, 409)["type"]
            == "/problems/voucher-not-givable"
        )
    assert bank.count("handovers") == 0
    with bank.rewards.session() as session:  # the hold lapses
        session.execute(
            text("UPDATE vouchers SET held_until = now() - interval '1 s' WHERE id = :id"),
            {"id": held},
        )
    bank.give(bank.fang, held, bank.qiang)
    assert bank.rows(
        "SELECT outcome FROM pending_resolutions WHERE pending_id = :id", id=hold["hold_id"]
    ) == [("expired",)]
    bank.assert_sound()


def test_of_many_gifts_at_once_one_wins(bank: Bank, star: Venue) -> None:
    people = [new_id() for _ in range(5)]
    known(bank, *people)
    mine, token = bank.earned(bank.fang), bank.of(bank.fang)

    def give(to: Any) -> int:
        return bank.rewards.call(
            "POST", f"/v1/vouchers/{mine}/gift", {"to": str(to)}, as_=token
        ).status_code

    answers = at_once([lambda to=to: give(to) for to in (*people, "pool")])  # type: ignore[misc]
    assert sorted(answers) == [201, *[409] * 5]
    assert bank.count("handovers") == len(bank.rewards.published("voucher.given")) == 1
    assert bank.rows("SELECT count(*) FROM vouchers WHERE status = 'issued'") == [(1,)]
    bank.assert_sound()


def test_of_a_gift_and_a_redemption_at_once_one_wins(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    for number in range(6):
        mine = bank.earned(bank.fang)
        code, token = bank.code_of(bank.fang, mine), bank.of(bank.fang)
        answer, outcome = at_once(
            [
                lambda mine=mine, token=token: (
                    bank.rewards.call(  # type: ignore[misc]
                        "POST", f"/v1/vouchers/{mine}/gift", {"to": str(bank.qiang)}, as_=token
                    ).status_code
                ),
                lambda code=code, number=number: star.redeem(code, f"POS-{number}"),  # type: ignore[misc]
            ]
        )
        assert (answer, outcome) in ((201, "voided"), (409, "redeemed"))
        assert len(bank.vouchers(bank.qiang, "issued")) == bank.count("handovers")
        bank.assert_sound()


def test_two_people_who_give_to_each_other_do_not_deadlock(bank: Bank, star: Venue) -> None:
    theirs = {who: [bank.earned(who) for _ in range(5)] for who in (bank.fang, bank.qiang)}
    calls: list[Callable[[], Any]] = [
        partial(bank.give, giver, voucher, to)
        for giver, to in ((bank.fang, bank.qiang), (bank.qiang, bank.fang))
        for voucher in theirs[giver]
    ]
    at_once(calls)
    assert len(bank.vouchers(bank.fang, "issued")) == len(bank.vouchers(bank.qiang, "issued")) == 5
    bank.assert_sound()


def test_who_had_it_sees_their_own_links_and_the_giver_only_if_named(
    bank: Bank, star: Venue
) -> None:
    third = new_id()
    known(bank, bank.qiang, third)
    first = bank.earned(bank.fang)
    second = bank.give(bank.fang, first, bank.qiang)["voucher_id"]
    last = bank.give(bank.qiang, second, third, named=True)["voucher_id"]
    mine = chain(bank, last, bank.fang)
    assert [(link["giver_id"], link["receiver_id"]) for link in mine] == [
        (str(bank.fang), str(bank.qiang))
    ]
    middle = chain(bank, second, bank.qiang)
    assert [(link["giver_id"], link["receiver_id"]) for link in middle] == [
        (None, str(bank.qiang)),
        (str(bank.qiang), str(third)),
    ]
    assert [link["giver_id"] for link in chain(bank, last, third)] == [str(bank.qiang)]
    whole = bank.by_staff("GET", f"/v1/vouchers/{last}/chain")["items"]
    assert [link["giver_id"] for link in whole] == [str(bank.fang), str(bank.qiang)]
    chain(bank, last, new_id(), 404)
    chain(bank, str(new_id()), bank.fang, 404)


def test_a_trace_leads_through_gifts_to_the_giver_and_shows_receivers_their_part_only(
    bank: Bank, star: Venue
) -> None:
    known(bank, bank.qiang)
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    given = bank.give(bank.fang, bank.vouchers(bank.fang)[0]["id"], bank.qiang)["voucher_id"]
    star.redeem(bank.code_of(bank.qiang, given), "POS-1")
    path = f"/v1/vouchers/{given}/trace"
    whole = bank.by_staff("GET", path)
    assert [(s["record_id"], s["points"]) for s in whole["sources"]] == [
        (str(record.record_id), 120)
    ]
    assert [t["kind"] for t in whole["transfers"]] == ["issued", "redeemed"]
    assert whole["giver_id"] == str(bank.fang)
    part = bank.ask("GET", path, as_=bank.of(bank.qiang))
    assert [t["kind"] for t in part["transfers"]] == ["redeemed"]
    assert (part["sources"], part["giver_id"]) == ([], None)
    assert str(bank.fang) not in str(part)
    bank.ask("GET", path, as_=bank.of(bank.fang), status=404)


def test_leaving_returns_gifts_to_the_pool_and_voids_own_vouchers(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    gift = bank.give(bank.fang, bank.earned(bank.fang), bank.qiang)["voucher_id"]
    own, code = bank.earned(bank.qiang), bank.code_of(bank.qiang, gift)
    bank.receive(VolunteerLeft(volunteer_id=bank.qiang), times=2)
    assert {v["id"]: v["status"] for v in bank.vouchers(bank.qiang)} == {
        gift: "given",
        own: "voided",
    }
    assert bank.ask("GET", "/v1/pool")["items"][0]["count"] == 1
    event = bank.rewards.published("voucher.given")[-1]["data"]
    assert (event["kind"], event["holder_id"], event["giver_id"]) == ("return", None, None)
    assert star.redeem(code, "POS-1") == "voided"
    bank.assert_sound()


def test_a_merge_moves_gifts(bank: Bank, star: Venue) -> None:
    third = new_id()
    known(bank, bank.qiang, third)
    gift = bank.give(bank.fang, bank.earned(bank.fang), bank.qiang)["voucher_id"]
    bank.receive(VolunteerMerged(volunteer_id=bank.qiang, into_id=third))
    assert [v["id"] for v in bank.vouchers(third, "issued")] == [gift]
    bank.code_of(third, gift)
    assert len(chain(bank, gift, third)) == 1
    bank.assert_sound()


def test_a_correction_touches_neither_gifts_nor_what_a_venue_holds(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    gift = bank.give(bank.fang, bank.earned(bank.fang), bank.qiang)["voucher_id"]
    record = bank.hours(bank.qiang, 240)
    bank.receive(record)
    held = bank.vouchers(bank.qiang, "issued")[0]["id"]
    star.counter("hold", {"code": bank.code_of(bank.qiang, held)})
    bank.receive(bank.correction(record, 240, 0))
    assert {v["id"]: v["status"] for v in bank.vouchers(bank.qiang)} | {
        gift: "issued",
        held: "held",
    } == {v["id"]: v["status"] for v in bank.vouchers(bank.qiang)}
    assert len(bank.vouchers(bank.qiang, "voided")) == 1
    assert (bank.points(bank.qiang), bank.account(bank.qiang)["shortfall"]) == (0, 120)
    bank.assert_sound()


def test_a_giver_whose_hours_are_corrected_owes_and_the_gift_stays(bank: Bank, star: Venue) -> None:
    known(bank, bank.qiang)
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    gift = bank.give(bank.fang, bank.vouchers(bank.fang)[0]["id"], bank.qiang)["voucher_id"]
    bank.receive(bank.correction(record, 120, 0))
    assert [v["id"] for v in bank.vouchers(bank.qiang, "issued")] == [gift]
    assert bank.account(bank.fang)["shortfall"] == 120
    bank.assert_sound()

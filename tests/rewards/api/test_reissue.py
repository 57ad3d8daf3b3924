"""A lost code is replaced and staff see neither code. Holders are reminded before the last day."""

from typing import Any

from sqlalchemy import text

from services.rewards.vouchers.reminders import remind_expiring
from shared.contracts.registration import VolunteerRegistered
from tests.rewards.api.test_get_voucher import sources
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue


def reissue(bank: Bank, voucher_id: str, status: int = 201) -> Any:
    return bank.by_staff(
        "POST", f"/v1/vouchers/{voucher_id}/reissue", {"reason": "phone lost"}, status
    )


def ends_in(bank: Bank, days: float, voucher_id: str | None = None) -> None:
    sql = (
        "UPDATE vouchers SET expires_at = now() + :days * interval '1 day',"
        " issued_at = now() - interval '60 days'"
    )
    which = " WHERE id = :id" if voucher_id else ""
    with bank.rewards.session() as session:
        session.execute(text(sql + which), {"days": days, "id": voucher_id})


def remind(bank: Bank) -> None:
    with bank.rewards.session() as session:
        remind_expiring(session)


def test_the_same_holder_gets_a_new_code_and_the_old_one_is_void(bank: Bank, star: Venue) -> None:
    lost = bank.earned(bank.fang)
    old_code, before = bank.code_of(bank.fang, lost), bank.vouchers(bank.fang)[0]
    answer = reissue(bank, lost)
    assert "code" not in answer
    assert (answer["holder_id"], answer["expires_at"]) == (str(bank.fang), before["expires_at"])
    assert (answer["origin"], answer["status"]) == ("earned", "issued")
    bank.ask("GET", f"/v1/vouchers/{answer['id']}/code", as_=bank.staff, status=403)
    assert star.redeem(old_code, "POS-1") == "voided"
    assert bank.rows("SELECT kind, actor LIKE 'staff:%' FROM handovers") == [("reissue", True)]
    assert bank.rows("SELECT status, end_reason FROM vouchers WHERE id = :id", id=lost) == [
        ("given", "phone lost")
    ]
    (event,) = bank.rewards.published("voucher.given")
    assert (event["data"]["kind"], event["data"]["holder_id"]) == ("reissue", str(bank.fang))
    bank.assert_sound()
    assert star.redeem(bank.code_of(bank.fang, answer["id"]), "POS-2") == "redeemed"
    bank.assert_sound()


def test_only_staff_reissue_and_only_free_vouchers(bank: Bank, star: Venue) -> None:
    mine = bank.earned(bank.fang)
    bank.ask(
        "POST", f"/v1/vouchers/{mine}/reissue", {"reason": "x"}, as_=bank.of(bank.fang), status=403
    )
    bank.by_staff("POST", f"/v1/vouchers/{mine}/reissue", {}, 422)
    pooled = bank.donate(bank.qiang)
    assert reissue(bank, pooled, 409)["type"] == "/problems/voucher-not-givable"
    star.redeem(bank.code_of(bank.fang, mine), "POS-1")
    reissue(bank, mine, 409)
    assert bank.rows("SELECT count(*) FROM handovers WHERE kind = 'reissue'") == [(0,)]


def test_a_reissued_voucher_is_still_its_holders_own(bank: Bank, star: Venue) -> None:
    record = bank.hours(bank.fang, 120)
    bank.receive(record)
    fresh = reissue(bank, reissue(bank, bank.vouchers(bank.fang)[0]["id"])["id"])
    paid = [(str(record.record_id), 120)]
    assert sources(bank, fresh) == paid
    mine = bank.ask("GET", f"/v1/vouchers/{fresh['id']}/trace", as_=bank.of(bank.fang))
    assert [source["record_id"] for source in mine["sources"]] == [paid[0][0]]
    bank.by_staff("PUT", f"/v1/vouchers/{fresh['id']}/voidance", {"reason": "misprint"})
    assert bank.points(bank.fang) == 120
    bank.receive(bank.hours(bank.fang, 1))
    assert sources(bank, bank.vouchers(bank.fang, "issued")[0]) == paid
    bank.assert_sound()


def test_reissue_and_redemption_at_once_have_one_winner(bank: Bank, star: Venue) -> None:
    for number in range(6):
        mine = bank.earned(bank.fang)
        code = bank.code_of(bank.fang, mine)
        path, body = f"/v1/vouchers/{mine}/reissue", {"reason": "leaked"}
        answer, outcome = at_once(
            [
                lambda: bank.rewards.call("POST", path, body, as_=bank.staff).status_code,  # noqa: B023
                lambda: star.redeem(code, f"POS-{number}"),  # noqa: B023
            ]
        )
        assert (answer, outcome) in ((201, "voided"), (409, "redeemed"))
    bank.assert_sound()


def test_holders_are_reminded_once_of_a_voucher_that_expires_within_a_week(
    bank: Bank, star: Venue
) -> None:
    soon, later = bank.earned(bank.fang), bank.earned(bank.qiang)
    ends_in(bank, 6.9, soon)
    ends_in(bank, 7.1, later)
    for _ in range(2):
        remind(bank)
    (event,) = bank.rewards.published("voucher.expiring")
    assert (event["subject"], event["data"]["holder_id"]) == (soon, str(bank.fang))
    assert bank.rows("SELECT reminded_at IS NOT NULL FROM vouchers WHERE id = :id", id=later) == [
        (False,)
    ]


def test_used_ended_and_pooled_vouchers_remind_nobody(bank: Bank, star: Venue) -> None:
    used, ended = bank.earned(bank.fang), bank.earned(bank.fang)
    bank.donate(bank.qiang)
    star.redeem(bank.code_of(bank.fang, used), "POS-1")
    ends_in(bank, 3)
    ends_in(bank, -1, ended)
    remind(bank)
    assert not bank.rewards.published("voucher.expiring")


def test_reminders_at_once_are_published_once(bank: Bank, star: Venue) -> None:
    for _ in range(5):
        bank.earned(bank.fang)
    ends_in(bank, 3)

    at_once([lambda: remind(bank)] * 4)
    assert len(bank.rewards.published("voucher.expiring")) == 5


def test_a_reminded_voucher_that_is_handed_on_reminds_nobody_again(bank: Bank, star: Venue) -> None:
    bank.receive(VolunteerRegistered(volunteer_id=bank.qiang, number="ZJ-1"))
    mine = bank.earned(bank.fang)
    ends_in(bank, 3)
    remind(bank)
    bank.give(bank.fang, mine, bank.qiang)
    remind(bank)
    assert len(bank.rewards.published("voucher.expiring")) == 1

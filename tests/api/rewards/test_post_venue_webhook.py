"""Signed webhooks of venues: the same verb as the counter, once per webhook-id and once per reference."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.rewards import codes
from shared import webhooks
from shared.ids import new_id
from tests.api.rewards.conftest import Bank, Venue, at_once, told

NEVER_ISSUED = codes.with_check_signs("2" * 17)


def test_a_confirmed_redemption_is_booked_and_repeated_answers_are_the_same(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    first = star.confirm(code, "POS-1", id_="msg-1")
    assert first["outcome"] == "redeemed"
    assert star.confirm(code, "POS-1", id_="msg-1") == first
    assert star.confirm(code, "POS-1", id_="msg-2")["outcome"] == "redeemed"
    star.confirm(code, "POS-2", id_="msg-1", status=409)
    assert star.redeem(code, "COUNTER-1") == "already_redeemed"
    assert bank.count("redemptions") == 1
    assert bank.count("disputes") == 0
    bank.assert_sound()


def test_the_same_message_at_once_is_booked_once(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    answers = at_once([lambda: star.confirm(code, "POS-1", id_="msg-1")] * 8)
    assert {answer["outcome"] for answer in answers} == {"redeemed"}
    assert len(bank.rewards.said("voucher.redeemed")) == 1


def test_a_reversal_gives_the_voucher_back(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.confirm(code, "POS-1")
    undo = told("redemption.reversed", {"code": code, "reference": "POS-1"})
    for _ in range(2):
        assert star.webhook(undo)["outcome"] == "reversed"
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"
    assert len(bank.rewards.said("voucher.reversed")) == 1
    assert star.redeem(code, "POS-1") == "reversed"
    assert star.redeem(code, "POS-2") == "redeemed"
    bank.assert_sound()


def test_what_is_settled_stays(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.confirm(code, "POS-1")
    with bank.rewards.session() as session:
        session.execute(text("UPDATE redemptions SET settled_at = now()"))
    undo = told("redemption.reversed", {"code": code, "reference": "POS-1"})
    assert star.webhook(undo)["outcome"] == "already_settled"
    assert bank.vouchers(bank.fang)[0]["status"] == "redeemed"
    assert bank.by_staff("GET", "/v1/disputes")["items"][0]["reason_code"] == "already_settled"


def test_a_batch_is_answered_line_by_line(bank: Bank, star: Venue) -> None:
    bank.hear(bank.hours(bank.fang, 240))
    first, second = bank.code(bank.fang, 0), bank.code(bank.fang, 1)
    lines = [
        {"code": first, "reference": "1"},
        {"code": NEVER_ISSUED, "reference": "2"},
        {"code": second, "reference": "3"},
        {"code": first, "reference": "4"},
        {"code": second, "reference": "3"},
    ]
    answer = star.webhook(told("redemption.batch", {"items": lines}))
    found = [(item["reference"], item["outcome"]) for item in answer["items"]]
    assert found == [
        ("1", "redeemed"),
        ("2", "unknown"),
        ("3", "redeemed"),
        ("4", "already_redeemed"),
        ("3", "redeemed"),
    ]
    bank.assert_sound()


def test_what_cannot_be_booked_becomes_one_dispute(bank: Bank, star: Venue) -> None:
    for _ in range(2):
        assert star.confirm(NEVER_ISSUED, "POS-1")["outcome"] == "unknown"
    (dispute,) = bank.by_staff("GET", "/v1/disputes")["items"]
    assert (dispute["reference"], dispute["reason_code"], dispute["voucher_id"]) == ("POS-1", "unknown", None)
    (fact,) = bank.rewards.said("dispute.opened")
    assert fact["data"] == {"dispute_id": dispute["id"], "venue_id": star.id, "reason_code": "unknown"}
    bank.ask("GET", "/v1/disputes", status=403, as_=bank.of(bank.fang))


def test_a_bad_signature_and_an_unknown_venue_look_alike(bank: Bank, star: Venue) -> None:
    body = told("redemption.confirmed", {"code": NEVER_ISSUED, "reference": "1"})
    wrong = star.webhook(body, secret=webhooks.new_secret(), status=401)
    star_id, star.id = star.id, str(new_id())
    nobody = star.webhook(body, status=401)
    star.id = star_id
    assert {**wrong, "request_id": ""} == {**nobody, "request_id": ""}
    pool = Venue(bank, "柯城游泳馆")
    star.webhook(body, secret=pool.secret, status=401)
    assert bank.count("webhook_receipts") == 0


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_from_another_time_is_refused(bank: Bank, star: Venue, minutes: int) -> None:
    star.confirm(NEVER_ISSUED, "1", at=datetime.now(UTC) + timedelta(minutes=minutes), status=401)


def test_the_old_secret_stays_valid_for_a_day(bank: Bank, star: Venue) -> None:
    new = bank.secret(star.id, "webhook")
    assert star.confirm(NEVER_ISSUED, "1")["outcome"] == "unknown"
    assert star.confirm(NEVER_ISSUED, "1", secret=new)["outcome"] == "unknown"
    with bank.rewards.session() as session:
        session.execute(text("UPDATE venue_secrets SET valid_until = valid_until - interval '24 hours'"))
    star.confirm(NEVER_ISSUED, "1", status=401)
    assert star.confirm(NEVER_ISSUED, "1", secret=new)["outcome"] == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"type": "redemption.confirmed"}',
        b"[" * 5000,
        b'{"type": "redemption.confirmed", "timestamp": "x", "data": {"code": "\\u0000", "reference": "1"}}',
        b'{"type": "redemption.confirmed", "timestamp": "2026-11-23T08:00:00Z", "data": {"code": "a\\u0000", "reference": "1"}}',
        b'{"type": "redemption.batch", "timestamp": "2026-11-23T08:00:00Z", "data": {"items": []}}',
        b'{"type": "else", "timestamp": "2026-11-23T08:00:00Z", "data": {}}',
    ],
)
def test_a_signed_body_that_cannot_be_read_is_refused(bank: Bank, star: Venue, body: bytes) -> None:
    star.webhook(body, status=422)
    assert bank.count("webhook_receipts") == 0


def test_secrets_are_not_stored_in_clear(bank: Bank, star: Venue) -> None:
    for sealed, hashed in bank.rows("SELECT sealed, hashed FROM venue_secrets"):
        assert star.secret.encode() not in bytes(sealed or b"")
        assert star.key.encode() not in bytes(hashed or b"")

"""Signed webhooks of venues are booked once per webhook-id and once per reference."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.rewards.redemption.retention import forget_receipts
from services.rewards.redemption.webhook import receive
from services.rewards.vouchers import codes
from services.rewards.vouchers.codes import code_vault
from shared.auth import webhook_signatures
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue, venue_event
from tests.support.statements import counted

NEVER_ISSUED = codes.with_check_signs("2" * 17)


def test_a_confirmed_redemption_is_booked_and_repeated_answers_are_the_same(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
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
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    answers = at_once([lambda: star.confirm(code, "POS-1", id_="msg-1")] * 8)
    assert {answer["outcome"] for answer in answers} == {"redeemed"}
    assert len(bank.rewards.published("voucher.redeemed")) == 1


def test_a_reversal_gives_the_voucher_back(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.confirm(code, "POS-1")
    undo = venue_event("redemption.reversed", {"code": code, "reference": "POS-1"})
    for _ in range(2):
        assert star.webhook(undo)["outcome"] == "reversed"
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"
    assert len(bank.rewards.published("voucher.reversed")) == 1
    assert star.redeem(code, "POS-1") == "reversed"
    assert star.redeem(code, "POS-2") == "redeemed"
    bank.assert_sound()


def test_a_settled_redemption_cannot_be_reversed(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    star.confirm(code, "POS-1")
    with bank.rewards.session() as session:
        session.execute(text("UPDATE redemptions SET settled_at = now()"))
    undo = venue_event("redemption.reversed", {"code": code, "reference": "POS-1"})
    assert star.webhook(undo)["outcome"] == "already_settled"
    assert bank.vouchers(bank.fang)[0]["status"] == "redeemed"
    assert bank.by_staff("GET", "/v1/disputes")["items"][0]["reason_code"] == "already_settled"


def test_a_batch_is_answered_line_by_line(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 240))
    first, second = bank.code(bank.fang, 0), bank.code(bank.fang, 1)
    lines = [
        {"code": first, "reference": "1"},
        {"code": NEVER_ISSUED, "reference": "2"},
        {"code": second, "reference": "3"},
        {"code": first, "reference": "4"},
        {"code": second, "reference": "3"},
    ]
    answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
    found = [(item["reference"], item["outcome"]) for item in answer["items"]]
    assert found == [
        ("1", "redeemed"),
        ("2", "unknown"),
        ("3", "redeemed"),
        ("4", "already_redeemed"),
        ("3", "redeemed"),
    ]
    bank.assert_sound()


def test_a_line_that_cannot_be_booked_becomes_one_dispute(bank: Bank, star: Venue) -> None:
    for _ in range(2):
        assert star.confirm(NEVER_ISSUED, "POS-1")["outcome"] == "unknown"
    (dispute,) = bank.by_staff("GET", "/v1/disputes")["items"]
    assert (dispute["reference"], dispute["reason_code"], dispute["voucher_id"]) == (
        "POS-1",
        "unknown",
        None,
    )
    (event,) = bank.rewards.published("dispute.opened")
    assert event["data"] == {
        "dispute_id": dispute["id"],
        "venue_id": star.id,
        "reason_code": "unknown",
    }
    bank.ask("GET", "/v1/disputes", status=403, as_=bank.of(bank.fang))


def test_a_bad_signature_and_an_unknown_venue_look_alike(bank: Bank, star: Venue) -> None:
    body = venue_event("redemption.confirmed", {"code": NEVER_ISSUED, "reference": "1"})
    wrong = star.webhook(body, secret=webhook_signatures.new_secret(), status=401)
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


@pytest.mark.check("W1")
def test_the_old_secret_stays_valid_for_a_day(bank: Bank, star: Venue) -> None:
    new = bank.secret(star.id, "webhook")
    assert star.confirm(NEVER_ISSUED, "1")["outcome"] == "unknown"
    assert star.confirm(NEVER_ISSUED, "1", secret=new)["outcome"] == "unknown"
    with bank.rewards.session() as session:
        session.execute(
            text("UPDATE venue_secrets SET valid_until = valid_until - interval '24 hours'")
        )
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
        b'{"type": "redemption.confirmed", "timestamp": "x",'
        b' "data": {"code": "\\u0000", "reference": "1"}}',
        b'{"type": "redemption.confirmed", "timestamp": "2026-11-23T08:00:00Z",'
        b' "data": {"code": "a\\u0000", "reference": "1"}}',
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


def every_code(bank: Bank) -> list[str]:
    """Return the codes of all vouchers, oldest first, without five hundred requests."""
    with bank.rewards.session() as session:
        sealed = session.scalars(text("SELECT code_sealed FROM vouchers ORDER BY id"))
        return [code_vault().unseal(bytes(box)) for box in sealed]


def films(bank: Bank, count: int) -> list[str]:
    product_id = bank.rows("SELECT id FROM products ORDER BY id")[0][0]
    bank.by_staff("PUT", f"/v1/products/{product_id}/stock", {"stock": 1000})
    bank.earn_many(bank.fang, count)
    return every_code(bank)


def test_a_batch_of_500_is_right_line_by_line_and_twice_changes_nothing(
    bank: Bank, star: Venue
) -> None:
    pool = Venue(bank, "柯城游泳馆")
    bank.issue(bank.product(pool.id, points=1, title="游泳"))
    good = films(bank, 435)
    late, good = good[430:], good[:430]
    bank.receive(bank.hours(bank.qiang, 5))
    foreign = every_code(bank)[435:]
    assert (len(late), len(foreign)) == (5, 5)
    with bank.rewards.session() as session:
        fingerprints = {"late": [code_vault().fingerprint(code) for code in late]}
        session.execute(
            text("UPDATE vouchers SET expires_at = now() WHERE code_fingerprint = ANY(:late)"),
            fingerprints,
        )
    expected = [("redeemed", code, f"G-{n}") for n, code in enumerate(good)]
    expected += [("redeemed", code, f"G-{n}") for n, code in enumerate(good[:25])]
    expected += [("already_redeemed", code, f"D-{n}") for n, code in enumerate(good[25:50])]
    expected += [("unknown", codes.new_code(), f"U-{n}") for n in range(10)]
    expected += [("unknown", code, f"F-{n}") for n, code in enumerate(foreign)]
    expected += [("expired", code, f"L-{n}") for n, code in enumerate(late)]
    assert len(expected) == 500
    first_of_all, rest = expected[:430], expected[430:]
    random.Random(7).shuffle(rest)
    lines = first_of_all + rest
    message = venue_event(
        "redemption.batch", {"items": [{"code": code, "reference": ref} for _, code, ref in lines]}
    )
    first = star.webhook(message, id_="msg-1")
    assert [(i["outcome"], i["reference"]) for i in first["items"]] == [
        (o, ref) for o, _, ref in lines
    ]
    tables = ("redemptions", "transfers", "disputes", "outbox")
    before = [bank.count(table) for table in tables]
    assert before[0] == 430
    assert before[2] == 25 + 10 + 5 + 5
    assert star.webhook(message, id_="msg-1") == first
    assert star.webhook(message, id_="msg-2") == first
    # Thirty unknown codes within ten minutes raise the alert: the second upload adds nothing else.
    assert bank.count("outbox") - before[3] == len(bank.rewards.published("venue.locked_out")) == 1
    assert [bank.count(table) for table in tables[:3]] == before[:3]
    assert bank.rows("SELECT status FROM vouchers WHERE venue_id = :id GROUP BY 1", id=pool.id) == [
        ("issued",)
    ]
    bank.assert_sound()


def test_a_batch_needs_as_few_statements_as_a_single_one(bank: Bank, star: Venue) -> None:
    found = films(bank, 201)
    with counted(bank.rewards) as single:
        star.confirm(found[0], "S-1")
    with counted(bank.rewards) as many:
        lines = [{"code": code, "reference": f"B-{n}"} for n, code in enumerate(found[1:])]
        answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
    assert {item["outcome"] for item in answer["items"]} == {"redeemed"}
    assert len(many) <= len(single) <= 15


def test_confirmations_and_reversals_in_one_batch_keep_their_order(bank: Bank, star: Venue) -> None:
    first, second = films(bank, 2)
    undo = {"type": "redemption.reversed"}
    lines = [
        {"code": first, "reference": "1"},
        {"code": second, "reference": "2"},
        {"code": first, "reference": "1"} | undo,
        {"code": first, "reference": "3"},
        {"code": second, "reference": "9"} | undo,
        {"code": first, "reference": "1"},
    ]
    answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
    found = [item["outcome"] for item in answer["items"]]
    assert found == ["redeemed", "redeemed", "reversed", "redeemed", "unknown", "reversed"]
    assert bank.rows("SELECT reference FROM redemptions WHERE reversed_at IS NULL ORDER BY 1") == [
        ("2",),
        ("3",),
    ]
    bank.assert_sound()


def test_batches_that_name_the_same_vouchers_in_other_orders_do_not_lock_each_other(
    bank: Bank, star: Venue
) -> None:
    found = films(bank, 60)

    def send(order: list[str], mark: str) -> Counter[str]:
        lines = [{"code": code, "reference": f"{mark}-{n}"} for n, code in enumerate(order)]
        answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
        return Counter(item["outcome"] for item in answer["items"])

    outcomes = at_once([partial(send, found[:: (-1) ** n], str(n)) for n in range(4)])
    assert sum(outcomes, Counter()) == {"redeemed": 60, "already_redeemed": 180}
    assert bank.count("redemptions") == 60


def test_batches_that_use_the_same_references_for_other_vouchers_do_not_lock_each_other(
    bank: Bank, star: Venue
) -> None:
    found = films(bank, 80)

    def send(part: list[str], references: list[str]) -> Counter[str]:
        lines = [
            {"code": code, "reference": ref} for code, ref in zip(part, references, strict=True)
        ]
        answer = star.webhook(venue_event("redemption.batch", {"items": lines}))
        return Counter(item["outcome"] for item in answer["items"])

    references = [f"R-{n}" for n in range(20)]
    calls: list[Callable[[], Any]] = [
        partial(send, found[n * 20 : n * 20 + 20], references[:: (-1) ** n]) for n in range(4)
    ]
    assert sum(at_once(calls), Counter()) == {"redeemed": 20, "already_redeemed": 60}
    bank.assert_sound()


def altered(name: str, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Alter a message in one of fifteen ways."""
    signature, seconds = headers["webhook-signature"], int(headers["webhook-timestamp"])
    flipped = signature[:-3] + ("A" if signature[-3] != "A" else "B") + signature[-2:]
    change: dict[str, dict[str, str | None]] = {
        "another id": {"webhook-id": "msg-2"},
        "no id": {"webhook-id": None},
        "a second later": {"webhook-timestamp": str(seconds + 1)},
        "an hour later": {"webhook-timestamp": str(seconds + 3600)},
        "no time": {"webhook-timestamp": None},
        "a time that is none": {"webhook-timestamp": "now"},
        "one sign of the signature": {"webhook-signature": flipped},
        "half the signature": {"webhook-signature": signature[:20]},
        "no signature": {"webhook-signature": None},
        "another version": {"webhook-signature": signature.replace("v1,", "v2,")},
        "a signature that is none": {"webhook-signature": "v1,"},
    }
    bodies = {
        "another reference": body.replace(b"POS-1", b"POS-2"),
        "another type": body.replace(b"confirmed", b"reversed"),
        "a space more": body + b" ",
        "a byte less": body[:-1],
    }
    sent = {k: v for k, v in (headers | change.get(name, {})).items() if v is not None}
    assert name in change or name in bodies
    return sent, bodies.get(name, body)


ALTERATIONS = (
    "another id",
    "no id",
    "a second later",
    "an hour later",
    "no time",
    "a time that is none",
    "one sign of the signature",
    "half the signature",
    "no signature",
    "another version",
    "a signature that is none",
    "another reference",
    "another type",
    "a space more",
    "a byte less",
)


@pytest.mark.check("W1")
def test_fifteen_altered_messages_are_refused_and_the_true_one_is_taken(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    body = json.dumps(
        venue_event("redemption.confirmed", {"code": bank.code(bank.fang), "reference": "POS-1"})
    ).encode()
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook_signatures.sign([star.secret], "msg-1", at, body),
    }
    path = f"/v1/webhooks/venues/{star.id}"
    assert len(ALTERATIONS) == 15
    for name in ALTERATIONS:
        sent, raw = altered(name, headers, body)
        answer = bank.rewards.call("POST", path, data=raw, headers=sent)
        assert answer.status_code == 401, name
    assert (bank.count("webhook_receipts"), bank.count("redemptions"), bank.count("disputes")) == (
        0,
        0,
        0,
    )
    assert bank.ask("POST", path, data=body, headers=headers)["outcome"] == "redeemed"


@pytest.mark.check("W1")
def test_a_thousand_replays_have_one_effect(bank: Bank, star: Venue) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    body = json.dumps(
        venue_event("redemption.confirmed", {"code": bank.code(bank.fang), "reference": "POS-1"})
    ).encode()
    at = datetime.now(UTC)
    answers = set()
    for round_ in range(10):
        with bank.rewards.session() as session:
            for number in range(100):
                # Every second one is the same message; the others report the same sale anew.
                id_ = "msg-1" if number % 2 else f"msg-{round_}-{number}"
                headers = {
                    "webhook-id": id_,
                    "webhook-timestamp": str(int(at.timestamp())),
                    "webhook-signature": webhook_signatures.sign([star.secret], id_, at, body),
                }
                answers.add(json.dumps(receive(session, UUID(star.id), headers, body)))
    assert len(answers) == 1
    assert json.loads(answers.pop())["outcome"] == "redeemed"
    assert bank.count("redemptions") == len(bank.rewards.published("voucher.redeemed")) == 1
    assert bank.count("disputes") == 0
    bank.assert_sound()


def test_messages_are_forgotten_after_ninety_days(bank: Bank, star: Venue) -> None:
    for number in range(3):
        star.confirm(NEVER_ISSUED, str(number), id_=f"msg-{number}")
    with bank.rewards.session() as session:
        session.execute(
            text(
                "UPDATE webhook_receipts SET received_at = now() - make_interval(days => 91)"
                " WHERE webhook_id < 'msg-2'"
            )
        )
    for forgotten in (1, 1, 0):
        with bank.rewards.session() as session:
            assert forget_receipts(session, 1) == forgotten
    assert bank.rows("SELECT webhook_id FROM webhook_receipts") == [("msg-2",)]

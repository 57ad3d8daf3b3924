"""API keys and webhook secrets of venues, their scopes and ends; suspension; onboarding."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.rewards.vouchers import codes
from tests.support.bank import Bank, Venue

NEVER_ISSUED = codes.with_check_signs("2" * 17)


def key(bank: Bank, venue: Venue, status: int = 201, **more: Any) -> Any:
    return bank.by_staff(
        "POST", f"/v1/venues/{venue.id}/secrets", {"kind": "api_key"} | more, status
    )


def with_key(bank: Bank, made: Any, verb: str, body: Any, status: int = 200) -> Any:
    return bank.ask(
        "POST", f"/v1/vouchers/{verb}", body, status=status, headers={"Api-Key": made["secret"]}
    )


def test_each_till_has_its_own_key(bank: Bank, star: Venue) -> None:
    first, second = key(bank, star, label="till 1"), key(bank, star, label="till 2")
    bank.by_staff("DELETE", f"/v1/venues/{star.id}/secrets/{first['id']}", status=204)
    with_key(bank, first, "check", {"code": "x"}, 401)
    assert with_key(bank, second, "check", {"code": "x"})["outcome"] == "unknown"
    assert star.counter("check", {"code": "x"})["outcome"] == "unknown"


def test_keys_are_listed_without_their_secrets(bank: Bank, star: Venue) -> None:
    made = key(bank, star, label="till 1", scopes=["vouchers:redeem", "vouchers:check"])
    path = f"/v1/venues/{star.id}/secrets"
    answer = bank.rewards.call("GET", path, as_=bank.staff)
    items = answer.get_json()["items"]
    assert items[0] == {
        "id": made["id"],
        "kind": "api_key",
        "label": "till 1",
        "scopes": ["vouchers:check", "vouchers:redeem"],
        "created_at": items[0]["created_at"],
        "valid_until": None,
    }
    assert [item["kind"] for item in items] == ["api_key", "webhook", "api_key"]
    for secret in (made["secret"], star.key, star.secret):
        assert secret not in answer.get_data(as_text=True)
    for who in (bank.of(bank.fang), None):
        assert bank.rewards.call("GET", path, as_=who).status_code in (401, 403)
    bank.ask("GET", path, status=403, headers={"Api-Key": star.key})
    bank.by_staff("GET", f"/v1/venues/{bank.fang}/secrets", status=404)


@pytest.mark.parametrize(
    ("verb", "scope"),
    [("check", "vouchers:check"), ("hold", "vouchers:hold"), ("redeem", "vouchers:redeem")],
)
def test_a_key_does_only_what_its_scopes_say(
    bank: Bank, star: Venue, verb: str, scope: str
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    body = {"code": bank.code(bank.fang)} | ({"reference": "P-1"} if verb == "redeem" else {})
    others = [
        s
        for s in ("vouchers:check", "vouchers:hold", "vouchers:redeem", "statements")
        if s != scope
    ]
    refused = with_key(bank, key(bank, star, scopes=others), verb, body, 403)
    assert scope in refused["detail"]
    assert bank.vouchers(bank.fang)[0]["status"] == "issued"
    assert with_key(bank, key(bank, star, scopes=[scope]), verb, body)["outcome"] in (
        "redeemable",
        "held",
        "redeemed",
    )


def test_ending_a_hold_and_reading_statements_need_their_scopes(bank: Bank, star: Venue) -> None:
    check = {"Api-Key": key(bank, star, scopes=["vouchers:check"])["secret"]}
    assert (
        "vouchers:hold"
        in bank.ask("DELETE", f"/v1/holds/{bank.fang}", status=403, headers=check)["detail"]
    )
    path = f"/v1/settlements/{star.id}/2026-10"
    assert "statements" in bank.ask("GET", path, status=403, headers=check)["detail"]
    bank.ask("GET", path, headers={"Api-Key": key(bank, star, scopes=["statements"])["secret"]})


def test_a_key_ends_when_it_was_said(bank: Bank, star: Venue) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = key(bank, star, expires_at=soon)
    assert with_key(bank, made, "check", {"code": "x"})["outcome"] == "unknown"
    with bank.rewards.session() as session:
        session.execute(
            text("UPDATE venue_secrets SET valid_until = now() WHERE id = :id"), {"id": made["id"]}
        )
    with_key(bank, made, "check", {"code": "x"}, 401)
    assert star.counter("check", {"code": "x"})["outcome"] == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "api_key", "expires_at": "2026-01-01T00:00:00Z"},
        {"kind": "api_key", "scopes": ["everything"]},
        {"kind": "api_key", "label": ""},
        {"kind": "webhook", "scopes": ["vouchers:check"]},
        {"kind": "webhook", "expires_at": "2100-01-01T00:00:00Z"},
        {"kind": "password"},
    ],
)
def test_a_secret_that_makes_no_sense_is_refused(bank: Bank, star: Venue, body: Any) -> None:
    before = bank.rows("SELECT id, valid_until FROM venue_secrets ORDER BY id")
    bank.by_staff("POST", f"/v1/venues/{star.id}/secrets", body, 422)
    assert bank.rows("SELECT id, valid_until FROM venue_secrets ORDER BY id") == before


def test_a_suspended_venue_is_refused_at_the_counter_and_heard_by_webhook(
    bank: Bank, star: Venue
) -> None:
    bank.receive(bank.hours(bank.fang, 120))
    code = bank.code(bank.fang)
    path = f"/v1/venues/{star.id}/suspension"
    for _ in range(2):
        assert bank.by_staff("PUT", path)["status"] == "suspended"
    refused = star.counter("redeem", {"code": code, "reference": "P-1"}, 403)
    assert refused["type"] == "/problems/venue-suspended"
    bank.receive(bank.hours(bank.qiang, 120))
    assert bank.vouchers(bank.qiang) == []
    assert bank.points(bank.qiang) == 120
    assert star.confirm(code, "W-1")["outcome"] == "redeemed"
    for _ in range(2):
        assert bank.by_staff("DELETE", path)["status"] == "active"
    assert star.redeem(code, "P-1") == "already_redeemed"
    bank.ask("PUT", path, status=403, as_=bank.of(bank.fang))
    bank.by_staff("PUT", f"/v1/venues/{bank.fang}/suspension", status=404)
    bank.assert_sound()


def test_onboarding_shows_the_next_step(bank: Bank) -> None:
    made = bank.by_staff("POST", "/v1/venues", {"name": "柯城游泳馆", "kind": "pool"}, 201)
    assert (made["status"], made["sandbox"]) == ("active", False)
    path = f"/v1/venues/{made['id']}/onboarding"

    def following() -> Any:
        return bank.by_staff("GET", path)["next"]

    assert following() == "product"
    bank.product(made["id"])
    assert following() == "api_key"
    bank.secret(made["id"], "api_key")
    assert following() == "webhook_secret"
    bank.secret(made["id"], "webhook")
    assert following() == "practised"
    twin = bank.by_staff(
        "POST", "/v1/venues", {"name": "柯城游泳馆", "kind": "pool", "sandbox": True}, 201
    )["id"]
    body = {"product_id": bank.product(twin)}
    (voucher,) = bank.by_staff("POST", f"/v1/venues/{twin}/test-vouchers", body, 201)["items"]
    headers = {"Api-Key": bank.secret(twin, "api_key")}
    bank.ask(
        "POST", "/v1/vouchers/redeem", {"code": voucher["code"], "reference": "1"}, headers=headers
    )
    assert following() is None
    assert all(bank.by_staff("GET", path)["steps"].values())
    bank.by_staff("PUT", f"/v1/venues/{made['id']}/suspension")
    assert following() == "active"
    bank.ask("GET", path, status=403, as_=bank.of(bank.fang))


@pytest.mark.check("W1")
def test_a_rotation_of_the_secret_loses_no_delivery(bank: Bank, star: Venue) -> None:
    """The venue changes over while messages signed with the old secret are on their way."""
    bank.receive(bank.hours(bank.fang, 120 * 6))
    vouchers = [bank.code(bank.fang, number) for number in range(6)]
    old = star.secret
    assert star.confirm(vouchers[0], "R-0", secret=old)["outcome"] == "redeemed"
    new = bank.secret(star.id, "webhook")
    for number, secrets in enumerate(([old], [new], [old, new], [new, old]), start=1):
        assert (
            star.confirm(vouchers[number], f"R-{number}", secrets=secrets)["outcome"] == "redeemed"
        )
    star.confirm(vouchers[5], "R-5", secrets=[new], id_="msg-late")
    with bank.rewards.session() as session:
        session.execute(
            text("UPDATE venue_secrets SET valid_until = valid_until - interval '24 hours'")
        )
    star.confirm(vouchers[5], "R-6", secrets=[old], status=401)
    assert (
        star.confirm(vouchers[5], "R-5", secrets=[old, new], id_="msg-late")["outcome"]
        == "redeemed"
    )
    assert bank.count("redemptions") == 6
    assert bank.count("disputes") == 0
    bank.assert_sound()


def test_two_rotations_within_a_day_keep_all_three(bank: Bank, star: Venue) -> None:
    second, third = bank.secret(star.id, "webhook"), bank.secret(star.id, "webhook")
    for number, secret in enumerate((star.secret, second, third)):
        assert star.confirm(NEVER_ISSUED, str(number), secret=secret)["outcome"] == "unknown"

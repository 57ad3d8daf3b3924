"""A voucher is redeemed once, at the counter or by webhook."""

import base64
import secrets
from datetime import UTC, datetime

from console.story.stage import Actor, Stage, alert_when, must
from console.story.webhooks import send_webhook
from shared.core.json import JsonObject

UNUSABLE = ("unknown", "already_redeemed", "expired", "voided")
ANOTHER_SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()


def only_the_holder_sees_the_code(s: Stage) -> str:
    path = f"/v1/vouchers/{s.voucher['id']}/code"
    s.code = s.fang.get(path)["code"]
    s.qiang.get(path, expect=(404,))
    s.staff.get(path, expect=(403, 404))
    return "neither another volunteer nor staff"


def the_venue_redeems_once(s: Stage) -> str:
    """The venue checks the voucher at the counter and redeems it by signed webhook.

    A replay, and a second try at the counter, change nothing.
    """
    venue = s.staff.get(f"/v1/vouchers/{s.voucher['id']}")["venue_id"]
    counter = s.with_key("venue", s.key_of(venue, "api_key"))
    checked = counter.post("/v1/vouchers/check", {"code": s.code})
    must(checked["outcome"] not in UNUSABLE, "the code is good", checked)
    _redeem_by_webhook(s, venue)
    _redeem_at_the_counter(s, counter)
    alert_when(s.fang, lambda a: "redeemed" in a["template"], "an alert about the redemption")
    trace = s.fang.get(f"/v1/vouchers/{s.voucher['id']}/trace")
    must(trace, "every minute is traceable from check-in to cinema seat", trace)
    return "redeemed once"


def _redeem_by_webhook(s: Stage, venue: str) -> None:
    secret, message_id = s.key_of(venue, "webhook"), f"msg_{secrets.token_hex(8)}"
    body = _confirmation(s.code, f"POS-{s.run}")
    first = send_webhook(s.base_url, venue, secret, message_id, body)
    must(first == (200, "redeemed"), "the webhook redeems", first)
    again = send_webhook(s.base_url, venue, secret, message_id, body)
    must(again == first, "a replay gets the same response", again)
    status, _ = send_webhook(s.base_url, venue, ANOTHER_SECRET, "msg_other", body)
    must(status == 401, "another's signature is refused", status)


def _confirmation(code: str, reference: str) -> JsonObject:
    return {
        "type": "redemption.confirmed",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"code": code, "reference": reference},
    }


def _redeem_at_the_counter(s: Stage, counter: Actor) -> None:
    body = {"code": s.code, "reference": f"OTHER-{s.run}"}
    again = counter.post("/v1/vouchers/redeem", body)
    must(again["outcome"] == "already_redeemed", "the counter learns that it was used", again)

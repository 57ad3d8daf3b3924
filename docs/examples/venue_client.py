"""A till and a ticket system of a venue, with nothing but Python's standard library. Made to be
copied.

Practises every outcome at a sandbox venue and prints what came back; ends with status 1 where an
answer surprises:

WISHTREE_URL=https://… VENUE_ID=… PRODUCT_ID=… API_KEY=wt_… WEBHOOK_SECRET=whsec_… python
venue_client.py
"""
# ruff: noqa: T201, S310 - it prints by intent, and its address comes from the venue's own settings

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def looks_right(typed: str) -> bool:
    """Whether a typed code is free of slips: noticed offline, before anybody is asked."""
    code = [sign for sign in typed.upper() if sign not in " -"]
    if len(code) != 19 or any(sign not in SIGNS for sign in code):
        return False
    values = [SIGNS.index(sign) for sign in code]
    return (
        sum(values) % 31 == 0
        and sum(place * value for place, value in enumerate(values, start=1)) % 31 == 0
    )


class Venue:
    """One venue's two ways in: the API key at the till, the secret that signs what its system
    reports.
    """

    def __init__(self, url: str, venue_id: str, api_key: str, webhook_secret: str) -> None:
        self.url, self.id, self.api_key = url.rstrip("/"), venue_id, api_key
        self.secret = base64.b64decode(webhook_secret.removeprefix("whsec_"))

    def at_the_till(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A POST with the API key. Sent again after a broken line, the key makes it one and the
        same request.
        """
        key = {} if path.endswith("/check") else {"Idempotency-Key": str(uuid.uuid4())}
        return self._send(path, json.dumps(body).encode(), {"Api-Key": self.api_key} | key)

    def report(
        self, kind: str, data: dict[str, Any], webhook_id: str | None = None
    ) -> dict[str, Any]:
        """A signed webhook (Standard Webhooks). After a broken line send the same `webhook_id`
        again.
        """
        seconds = int(time.time())
        told = {
            "type": kind,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
            "data": data,
        }
        body, id_ = json.dumps(told).encode(), webhook_id or f"msg_{uuid.uuid4()}"
        digest = hmac.digest(self.secret, f"{id_}.{seconds}.".encode() + body, hashlib.sha256)
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(seconds),
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
        return self._send(f"/v1/webhooks/venues/{self.id}", body, headers)

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Tries again when the service is away (503) or a line broke; any other refusal is shown
        and ends it.
        """
        request = urllib.request.Request(
            self.url + path, body, headers | {"Content-Type": "application/json"}, method="POST"
        )
        for wait in (0.5, 2, 8, None):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    found: dict[str, Any] = json.load(answer)
                    return found
            except urllib.error.HTTPError as refused:
                if refused.code != 503 or wait is None:
                    sys.exit(f"{path}: {refused.read().decode()}")
            except OSError:
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError


def practise(venue: Venue, product_id: str) -> bool:
    """Every outcome once. Only a sandbox venue can make its own vouchers."""
    right = True

    def vouchers(count: int, state: str) -> list[str]:
        body = {"product_id": product_id, "count": count}
        made = venue.at_the_till(f"/v1/venues/{venue.id}/test-vouchers?state={state}", body)
        return [item["code"] for item in made["items"]]

    def expect(what: str, answer: dict[str, Any], outcome: str) -> None:
        nonlocal right
        right &= answer["outcome"] == outcome
        print(
            f"{what}: {answer['outcome']}"
            + ("" if answer["outcome"] == outcome else f", but expected {outcome}")
        )

    till, report = venue.at_the_till, venue.report
    sale = uuid.uuid4().hex[:8]
    code, other, *queued = vouchers(5, "issued")
    slip = code[:-1] + ("3" if code[-1] == "2" else "2")
    print("offline check:", looks_right(code), looks_right(slip))
    expect("check", till("/v1/vouchers/check", {"code": code}), "redeemable")
    held = till("/v1/vouchers/hold", {"code": code, "seconds": 120})
    expect("hold", held, "held")
    body = {"code": code, "reference": f"{sale}-1", "hold_id": held.get("hold_id")}
    expect("redeem under the hold", till("/v1/vouchers/redeem", body), "redeemed")
    expect("the same sale again", till("/v1/vouchers/redeem", body), "redeemed")
    again = {"code": code, "reference": f"{sale}-2"}
    expect("another sale", till("/v1/vouchers/redeem", again), "already_redeemed")
    for state, outcome in (
        ("expired", "expired"),
        ("voided", "voided"),
        ("held", "held_elsewhere"),
    ):
        expect(state, till("/v1/vouchers/check", {"code": vouchers(1, state)[0]}), outcome)
    expect("never issued", till("/v1/vouchers/check", {"code": "2" * 19}), "unknown")
    told = {"code": other, "reference": f"{sale}-3"}
    expect("webhook", report("redemption.confirmed", told), "redeemed")
    expect("taken back", report("redemption.reversed", told), "reversed")
    lines = [{"code": c, "reference": f"{sale}-offline-{n}"} for n, c in enumerate(queued)]
    for answer in report("redemption.batch", {"items": lines})["items"]:
        expect(f"offline {answer['reference']}", answer, "redeemed")
    return right


if __name__ == "__main__":
    names = ("WISHTREE_URL", "VENUE_ID", "API_KEY", "WEBHOOK_SECRET")
    sys.exit(
        0 if practise(Venue(*(os.environ[name] for name in names)), os.environ["PRODUCT_ID"]) else 1
    )

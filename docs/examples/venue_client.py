"""A till and a ticket system of a venue, with Python's standard library only. Made to be copied.

Practises every outcome at a sandbox venue and prints the answers. Ends with status 1 where an
answer is not the expected one:

export WISHTREE_URL=https://… VENUE_ID=… PRODUCT_ID=… API_KEY=wt_… WEBHOOK_SECRET=whsec_…
python venue_client.py
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
RETRY_AFTER_SECONDS = (0.5, 2, 8)
ENDED_STATES = (("expired", "expired"), ("voided", "voided"), ("held", "held_elsewhere"))
"""The states of test vouchers that cannot be redeemed, and the outcome of each."""


def looks_right(typed: str) -> bool:
    """Tell offline whether a typed code is free of typing errors, before the service is called."""
    code = [sign for sign in typed.upper() if sign not in " -"]
    if len(code) != 19 or any(sign not in SIGNS for sign in code):
        return False
    values = [SIGNS.index(sign) for sign in code]
    weighted = [place * value for place, value in enumerate(values, start=1)]
    return sum(values) % 31 == 0 and sum(weighted) % 31 == 0


class Venue:
    """A venue's two ways to call: with the API key at the till, and with signed webhooks."""

    def __init__(self, url: str, venue_id: str, api_key: str, webhook_secret: str) -> None:
        self.url, self.id, self.api_key = url.rstrip("/"), venue_id, api_key
        self.secret = base64.b64decode(webhook_secret.removeprefix("whsec_"))

    def at_the_till(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST with the API key. The idempotency key makes a retry the same request."""
        key = {} if path.endswith("/check") else {"Idempotency-Key": str(uuid.uuid4())}
        return self._send(path, json.dumps(body).encode(), {"Api-Key": self.api_key} | key)

    def report(
        self, kind: str, data: dict[str, Any], webhook_id: str | None = None
    ) -> dict[str, Any]:
        """Send a signed webhook (Standard Webhooks). Use the same `webhook_id` for a retry."""
        seconds = int(time.time())
        timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
        body = json.dumps({"type": kind, "timestamp": timestamp, "data": data}).encode()
        id_ = webhook_id or f"msg_{uuid.uuid4()}"
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(seconds),
            "webhook-signature": self._sign(f"{id_}.{seconds}.".encode() + body),
        }
        return self._send(f"/v1/webhooks/venues/{self.id}", body, headers)

    def _sign(self, signed: bytes) -> str:
        digest = hmac.digest(self.secret, signed, hashlib.sha256)
        return "v1," + base64.b64encode(digest).decode()

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Send a request; retry when the service is away (503) or the connection broke.

        Any other error is printed and ends the program.
        """
        request = urllib.request.Request(
            self.url + path, body, headers | {"Content-Type": "application/json"}, method="POST"
        )
        for wait in (*RETRY_AFTER_SECONDS, None):
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    answer: dict[str, Any] = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                if error.code != 503 or wait is None:
                    sys.exit(f"{path}: {error.read().decode()}")
            except OSError:
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError


class Practice:
    """Practises every outcome once. Only a sandbox venue can make its own vouchers."""

    def __init__(self, venue: Venue, product_id: str) -> None:
        self.venue, self.product_id = venue, product_id
        self.sale = uuid.uuid4().hex[:8]
        self.all_expected = True

    def run(self) -> bool:
        """Run all of it; return whether every answer was the expected one."""
        code, other, *queued = self.vouchers(5, "issued")
        mistyped = code[:-1] + ("3" if code[-1] == "2" else "2")
        print("offline check:", looks_right(code), looks_right(mistyped))
        self.redeem_under_a_hold(code)
        self.check_vouchers_that_ended()
        self.report_by_webhook(other)
        self.report_a_batch(queued)
        return self.all_expected

    def vouchers(self, count: int, state: str) -> list[str]:
        """Make test vouchers and return their codes."""
        path = f"/v1/venues/{self.venue.id}/test-vouchers?state={state}"
        made = self.venue.at_the_till(path, {"product_id": self.product_id, "count": count})
        return [item["code"] for item in made["items"]]

    def expect(self, what: str, answer: dict[str, Any], outcome: str) -> None:
        """Print an answer and compare it with the expected outcome."""
        as_expected = answer["outcome"] == outcome
        self.all_expected &= as_expected
        print(f"{what}: {answer['outcome']}{'' if as_expected else f', but expected {outcome}'}")

    def redeem_under_a_hold(self, code: str) -> None:
        till = self.venue.at_the_till
        self.expect("check", till("/v1/vouchers/check", {"code": code}), "redeemable")
        held = till("/v1/vouchers/hold", {"code": code, "seconds": 120})
        self.expect("hold", held, "held")
        body = {"code": code, "reference": f"{self.sale}-1", "hold_id": held.get("hold_id")}
        self.expect("redeem under the hold", till("/v1/vouchers/redeem", body), "redeemed")
        self.expect("the same sale again", till("/v1/vouchers/redeem", body), "redeemed")
        again = {"code": code, "reference": f"{self.sale}-2"}
        self.expect("another sale", till("/v1/vouchers/redeem", again), "already_redeemed")

    def check_vouchers_that_ended(self) -> None:
        check = "/v1/vouchers/check"
        for state, outcome in ENDED_STATES:
            (code,) = self.vouchers(1, state)
            self.expect(state, self.venue.at_the_till(check, {"code": code}), outcome)
        never_issued = {"code": "2" * 19}
        self.expect("never issued", self.venue.at_the_till(check, never_issued), "unknown")

    def report_by_webhook(self, code: str) -> None:
        line = {"code": code, "reference": f"{self.sale}-3"}
        self.expect("webhook", self.venue.report("redemption.confirmed", line), "redeemed")
        self.expect("reversed", self.venue.report("redemption.reversed", line), "reversed")

    def report_a_batch(self, codes: list[str]) -> None:
        """Report what was redeemed while the connection was down."""
        lines = [
            {"code": code, "reference": f"{self.sale}-offline-{number}"}
            for number, code in enumerate(codes)
        ]
        answer = self.venue.report("redemption.batch", {"items": lines})
        for item in answer["items"]:
            self.expect(f"offline {item['reference']}", item, "redeemed")


def main() -> int:
    names = ("WISHTREE_URL", "VENUE_ID", "API_KEY", "WEBHOOK_SECRET")
    venue = Venue(*(os.environ[name] for name in names))
    return 0 if Practice(venue, os.environ["PRODUCT_ID"]).run() else 1


if __name__ == "__main__":
    sys.exit(main())

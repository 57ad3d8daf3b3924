"""Send and receive signed webhooks.

Signing is written here once more, so that no code of ours checks itself.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import requests


def send_webhook(
    base_url: str, venue: str, secret: str, message_id: str, body: Any
) -> tuple[int, str | None]:
    """Send a signed webhook of a venue; returns the status and the outcome."""
    raw, now = json.dumps(body, ensure_ascii=False).encode(), str(int(time.time()))
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": now,
        "webhook-signature": _signature(secret, message_id, now, raw),
        "Content-Type": "application/json",
    }
    url = f"{base_url}/v1/webhooks/venues/{venue}"
    response = requests.post(url, data=raw, headers=headers, timeout=15)
    return response.status_code, response.json().get("outcome") if response.content else None


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(key, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """One POST, as it came."""

    headers: Mapping[str, str]  #: names in lower case
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        message_id, now = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        expected = _signature(secret, message_id, now, self.body)
        # While a secret is being replaced, the header holds a signature for each.
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """A webhook receiver on this machine, for as long as the story lasts."""

    def __init__(self) -> None:
        self.secret = ""
        self._received: list[ReceivedWebhook] = []
        server = HTTPServer(("127.0.0.1", 0), _handler(self._received.append))
        self.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def verified_about(self, voucher_id: str) -> Any:
        """The CloudEvent about this voucher whose signature is right, if it has come."""
        for webhook in self._received:
            event = json.loads(webhook.body)
            if event.get("subject") == voucher_id and webhook.is_signed_with(self.secret):
                return event
        return None


def _handler(keep: Callable[[ReceivedWebhook], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            keep(ReceivedWebhook(headers, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing: the output is the story's."""

    return Handler

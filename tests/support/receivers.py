"""Events as notify receives them, and a webhook receiver of our own on loopback."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from shared.contracts.base import Event
from shared.contracts.registration import Bucket, HoursRecorded, Origin
from shared.contracts.rewards import VoucherIssued
from shared.core.ids import new_id
from shared.messaging.epoch import FIRST_EPOCH
from shared.messaging.inbox import Delivery


def message(event: Event) -> Delivery:
    """Make the message that the broker would deliver."""
    cloud_event = {
        "specversion": "1.0",
        "id": str(new_id()),
        "source": f"/{event.source}",
        "type": event.type,
        "subject": event.subject,
        "time": datetime.now(UTC).isoformat(),
        "dataschema": event.dataschema(),
        "sequence": "1",
        "epoch": str(FIRST_EPOCH),
        "data": event.model_dump(mode="json"),
    }
    return Delivery(json.dumps(cloud_event).encode())


def hours(volunteer_id: UUID, origin: Origin = Origin.ATTENDANCE) -> HoursRecorded:
    return HoursRecorded(
        record_id=new_id(),
        volunteer_id=volunteer_id,
        organisation_id=new_id(),
        minutes=120,
        category="elderly",
        bucket=Bucket.VERIFIED,
        origin=origin,
        worked_on="2026-03-01",
    )


def voucher(holder_id: UUID, venue_id: UUID | None = None) -> VoucherIssued:
    return VoucherIssued(
        voucher_id=new_id(),
        holder_id=holder_id,
        product_id=new_id(),
        venue_id=venue_id or new_id(),
        title="星光影院 Star cinema",
        points=120,
        expires_at="2026-12-31T15:59:00Z",
    )


class Receiver:
    """Keeps what it is sent. It answers with the next of `responses`, then always with 200."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.responses: list[tuple[int, dict[str, str]]] = []
        self.gate = threading.Event()  #: while it is cleared, responses wait up to 5 s
        self.gate.set()
        self.url = ""

    def respond(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str]]:
        self.received.append((path, headers, body))
        self.gate.wait(5)
        return self.responses.pop(0) if self.responses else (200, {})


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve a Receiver on a free port of loopback."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = found.respond(self.path, dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripper(first: bytes) -> Iterator[int]:
    """Open a port that sends `first`, then one byte every 0.2 s for up to 12 s."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        thread = threading.Thread(target=_drip, args=(server, first, over))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _drip(server: socket.socket, first: bytes, over: threading.Event) -> None:
    # The sender cuts the connection: that is what the tests are for.
    with suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.sendall(first)
            for _ in range(60):
                if over.wait(0.2):
                    break
                connection.sendall(b"a")

"""The bus over Valkey (embedded). What it loses, catch-up brings: see `test_outbox_and_feed`."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from devkit.installation import wait_until
from devkit.local.servers import ValkeyServer
from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.broker.consumer import consume
from shared.messaging.broker.relay import relay
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import publish


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    folder = Path(tempfile.mkdtemp(prefix="wishtree-vk-"))
    server = ValkeyServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_an_event_reaches_every_service_over_the_embedded_broker(
    district: District, valkey: ValkeyServer
) -> None:
    received: dict[str, list[UUID]] = {service: [] for service in VolunteerActivated.handled_by}
    stop = threading.Event()
    for service, ids in received.items():

        def handle(_session: Any, events: list[Any], ids: list[UUID] = ids) -> None:
            ids += [event.volunteer_id for event in events]

        inbox = Inbox(district.services[service].database, {VolunteerActivated: handle})
        threading.Thread(target=consume, args=(inbox, valkey.url(), 50, stop), daemon=True).start()
    threading.Thread(
        target=relay, args=(district.registration.database, valkey.url(), stop), daemon=True
    ).start()
    time.sleep(1)
    with district.registration.session() as session:
        publish(session, *(VolunteerActivated(volunteer_id=new_id()) for _ in range(100)))
    try:
        took = wait_until(
            lambda: all(len(set(ids)) == 100 for ids in received.values()),
            20,
            "not every service received all",
        )
    finally:
        stop.set()
        time.sleep(0.6)
    assert took < 10

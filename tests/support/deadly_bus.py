"""A rewards bus that dies, as by kill -9, while it handles one event.

`python -m tests.support.deadly_bus EVENT_ID`
"""

import os
import sys
import threading
from typing import Any
from uuid import UUID

from services.rewards.app import SERVICE
from shared.contracts.base import Event
from shared.messaging.inbox import Inbox
from shared.service.bus_process import run_bus

deadly = UUID(sys.argv[1])
handle: Any = Inbox._handle


def handle_or_die(self: Inbox, events: list[Event], **more: Any) -> None:
    if any(event.envelope.id == deadly for event in events):
        os._exit(137)
    handle(self, events, **more)


Inbox._handle = handle_or_die  # type: ignore[method-assign]
run_bus([SERVICE], threading.Event())

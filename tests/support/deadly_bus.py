"""A rewards bus that dies, as by kill -9, while it handles one message: `python -m
tests.support.deadly_bus EVENT_ID`.
"""

import os
import sys
import threading
from typing import Any
from uuid import UUID

from services.rewards.app import SERVICE
from shared.contracts.base import Fact
from shared.messaging.inbox import Inbox
from shared.service.bus_process import run_bus

deadly = UUID(sys.argv[1])
handle: Any = Inbox._handle


def handle_or_die(self: Inbox, facts: list[Fact]) -> None:
    if any(fact.envelope.id == deadly for fact in facts):
        os._exit(137)
    handle(self, facts)


Inbox._handle = handle_or_die  # type: ignore[method-assign]
run_bus([SERVICE], threading.Event())

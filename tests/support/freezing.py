"""Stop the processes of a server and let them go on: a machine that hangs, as its clients see it.

Its connections stay open, its kernel goes on acknowledging, and nothing is answered.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from devkit.local.servers import Server


@contextmanager
def frozen(*servers: Server) -> Iterator[None]:
    """Freeze servers, with all their processes."""
    pids = [pid for server in servers for pid in _tree(server)]
    _send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pids, signal.SIGCONT)


def _tree(server: Server) -> list[int]:
    parent = psutil.Process(server._child.pid)
    return [parent.pid, *(child.pid for child in parent.children(recursive=True))]


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

"""Stop everything that was started, in reverse order, on Ctrl-C, SIGTERM or a closed terminal."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any, Protocol

from devkit.local.terminal import show


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal: stop everything, in order."""


class Stoppable(Protocol):
    """A server, a supervisor, a command."""

    def stop(self) -> None:
        """End it cleanly."""

    def kill_now(self) -> None:
        """Kill it without waiting, while `stop` waits."""


class Running(contextlib.ExitStack):
    """What has been started here. On leaving, it is stopped in reverse order."""

    closing = False

    def __init__(self, what: str = "") -> None:
        super().__init__()
        self._what = f" {what}" if what else ""
        self._all: list[Stoppable] = []

    def add(self, one: Stoppable) -> None:
        """Call it before starting, so that a start which is interrupted is undone too."""
        self._all.append(one)
        self.callback(one.stop)

    def kill_now(self) -> None:
        for one in reversed(self._all):
            one.kill_now()

    def __exit__(self, *error: Any) -> bool:
        self.closing = True
        if self._all:
            show(f"Stopping{self._what} ...")
        return bool(super().__exit__(*error))


@contextlib.contextmanager
def stopped_by_signals(running: Running) -> Iterator[None]:
    """Raise Interrupted inside at the first signal; kill at once at a second one."""

    def handle(_number: int, _frame: object) -> None:
        if running.closing:
            running.kill_now()
        else:
            running.closing = True
            raise Interrupted

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

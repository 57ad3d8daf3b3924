"""Keep a whole installation running: our processes and the servers below them.

It does not wait until a server is up: one that takes 20 s to start does not keep another child from
being started again meanwhile. What it waits for is short but for one case: a process of an earlier
start that does not stop has 20 s before it is killed. No error of a start ends it.
"""

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from devkit.local.back_off import BackOff, cause_of, how_it_ended
from devkit.local.process_tree import is_frozen
from devkit.local.servers import Server
from devkit.local.supervisor import Supervisor

LOOK_EVERY_SECONDS = 0.2
FROZEN_LOOK_SECONDS = 5


class Keeper:
    """Starts again what has ended, and says so through `show`.

    The owner calls `check` a few times a second.
    """

    def __init__(
        self, supervisor: Supervisor, servers: Sequence[Server], show: Callable[[str], None]
    ) -> None:
        self._supervisor = supervisor
        self._servers = [_KeptServer(server, show) for server in servers]
        self._show = show
        self._frozen: set[str] = set()
        self._look_for_frozen_at = 0.0

    def check(self) -> None:
        """Look after every child once.

        Mostly takes no longer than a server's answer, 2 s; a helper of a server has 5 s to start.
        """
        for server in self._servers:
            server.check()
        self._supervisor.check()
        if time.monotonic() >= self._look_for_frozen_at:
            self._look_for_frozen_at = time.monotonic() + FROZEN_LOOK_SECONDS
            self._name_the_frozen()

    def _name_the_frozen(self) -> None:
        """Say who has been stopped by a signal, once. It is left alone: somebody looks at it."""
        pids = self._supervisor.pids() | {kept.name: kept.pid for kept in self._servers}
        frozen = {name for name, pid in pids.items() if pid is not None and is_frozen(pid)}
        for name in sorted(frozen - self._frozen):
            self._show(f"{name} is frozen by a signal: `kill -CONT {pids[name]}` lets it go on")
        self._frozen = frozen

    def run(self) -> NoReturn:
        """Look after them until a signal interrupts."""
        while True:
            self.check()
            time.sleep(LOOK_EVERY_SECONDS)


class _KeptServer:
    """A server that is kept running.

    It runs, or it waits for its next start, or it has been launched and does not answer yet.
    """

    def __init__(self, server: Server, show: Callable[[str], None]) -> None:
        self._server = server
        self._show = show
        self._back_off = BackOff()
        self._mending = BackOff()
        self._back_off.runs()
        self._ended_at = 0.0
        self._answer_by: float | None = None

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def pid(self) -> int | None:
        return self._server.pid

    def check(self) -> None:
        """Look at it once. No error of a start or of a helper comes out."""
        try:
            self._look()
        except Exception as error:
            self._failed(f"{self.name} could not be started: {cause_of(error)}")

    def _look(self) -> None:
        if self._answer_by is not None:
            self._look_at_start(self._answer_by)
        elif self._back_off.waits:
            if self._back_off.is_over:
                self._launch()
        elif not self._server.running:
            self._ended_at = time.monotonic()
            self._wait(f"{self.name} {how_it_ended(self._server.exit_code)}")
        else:
            self._mend()

    def _launch(self) -> None:
        self._server.launch()
        self._answer_by = time.monotonic() + self._server.ready_seconds

    def _look_at_start(self, answer_by: float) -> None:
        """See whether the server that was launched answers by now, or has failed."""
        if self._server.answers():
            self._answer_by = None
            self._back_off.runs()
            away = time.monotonic() - self._ended_at
            self._show(f"{self.name} is back after {away:.1f} s")
        elif not self._server.running or time.monotonic() > answer_by:
            self._failed(str(self._server.failure()))

    def _failed(self, why: str) -> None:
        """Leave nothing of the failed start running, and pause."""
        self._answer_by = None
        self._server.kill()
        self._wait(why)

    def _wait(self, what_happened: str) -> None:
        pause = self._back_off.ended()
        self._show(f"{what_happened}; again in {pause} s")

    def _mend(self) -> None:
        """Bring back a helper that died alone; the server itself goes on."""
        if self._mending.waits and not self._mending.is_over:
            return
        try:
            done = self._server.mend()
        except Exception as error:
            pause = self._mending.ended()
            self._show(f"{self.name}: {cause_of(error)}; again in {pause} s")
            return
        self._mending.runs()
        if done:
            self._show(f"{self.name}: {done}")

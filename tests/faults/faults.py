"""The faults: each has a name, how long it may last, and how it begins and ends.

What is killed comes back by itself: the stage's keeper is that of `wishtree up`.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import psycopg
from redis import Redis

from devkit.faults.proxy import GOOD, Link
from devkit.installation import wait_until
from devkit.local.process_tree import tree
from tests.faults.stage import Stage, seconds

QUEUES = ("registration.events", "wishes.events", "rewards.events", "notify.events")


class Fault:
    """Begins, lasts a while, ends. `rng` chooses the victim, so that a seed repeats it."""

    lasts: ClassVar[tuple[float, float]] = (0, 0)

    @property
    def name(self) -> str:
        return type(self).__name__

    def begin(self, stage: Stage, rng: Random) -> None:
        raise NotImplementedError

    def end(self, stage: Stage) -> None:
        """Put right what does not get right by itself."""


@dataclass(slots=True)
class Kill(Fault):
    """A signal to one child alone."""

    victim: str
    number: signal.Signals = signal.SIGKILL

    @property
    def name(self) -> str:
        return f"{self.number.name} of {self.victim} alone"

    def begin(self, stage: Stage, rng: Random) -> None:
        before = stage.pid(self.victim)
        stage.kill(self.victim, self.number)
        wait_until_back(stage, self.victim, before)


@dataclass(slots=True)
class KillTree(Fault):
    """SIGKILL to a child and all that it started, frozen until events wait for it."""

    victim: str

    @property
    def name(self) -> str:
        return f"SIGSTOP, then SIGKILL of {self.victim} and its descendants"

    def begin(self, stage: Stage, rng: Random) -> None:
        before = stage.pid(self.victim)
        assert before is not None
        signal_tree(before, signal.SIGSTOP)
        time.sleep(rng.uniform(0.5, 1.5))
        stage.kill(self.victim, signal.SIGKILL, tree=True)
        wait_until_back(stage, self.victim, before)


@dataclass(slots=True)
class KillWithWorkInHand(Fault):
    """SIGKILL to a bus that waits for a locked table, so with a batch that is not committed."""

    victim: str
    table: str

    @property
    def name(self) -> str:
        return f"SIGKILL of {self.victim} while it waits for {self.table}"

    def begin(self, stage: Stage, rng: Random) -> None:
        before = stage.pid(self.victim)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(stage.postgres.url(database="wishtree")) as holder:
            holder.execute(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
            wait_until(lambda: stage.one(waiting), seconds(20), "void: nobody waits for the lock")
            time.sleep(rng.uniform(1, 2))
            stage.kill(self.victim, signal.SIGKILL, tree=True)
        wait_until_back(stage, self.victim, before)


@dataclass(slots=True)
class KillSeveral(Fault):
    """SIGKILL to several children at once."""

    victims: Sequence[str]

    @property
    def name(self) -> str:
        return f"SIGKILL of {', '.join(self.victims)} at once"

    def begin(self, stage: Stage, rng: Random) -> None:
        before = {victim: stage.pid(victim) for victim in self.victims}
        for victim in self.victims:
            stage.kill(victim, signal.SIGKILL)
        for victim, pid in before.items():
            wait_until_back(stage, victim, pid)


class KillABackend(Fault):
    """SIGKILL to one backend: PostgreSQL drops every connection and recovers."""

    def begin(self, stage: Stage, rng: Random) -> None:
        found = stage.query(
            "SELECT pid FROM pg_stat_activity WHERE usename LIKE '%%_app' ORDER BY backend_start"
        )
        os.kill(rng.choice(found)[0], signal.SIGKILL)


class KillTheMapper(Fault):
    """SIGKILL to RabbitMQ's epmd alone."""

    def begin(self, stage: Stage, rng: Random) -> None:
        mapper = stage.rabbit._mapper.pid
        assert mapper is not None
        os.kill(mapper, signal.SIGKILL)
        wait_until(
            lambda: stage.rabbit._mapper.pid != mapper, seconds(15), "epmd did not come back"
        )


@dataclass(slots=True)
class Freeze(Fault):
    """SIGSTOP to a child and its descendants; SIGCONT at the end."""

    lasts: ClassVar[tuple[float, float]] = (5, 40)
    victim: str
    at_most: float = 40

    @property
    def name(self) -> str:
        return f"SIGSTOP of {self.victim}"

    def begin(self, stage: Stage, rng: Random) -> None:
        pid = stage.pid(self.victim)
        assert pid is not None
        self._frozen = signal_tree(pid, signal.SIGSTOP)

    def end(self, stage: Stage) -> None:
        for pid in self._frozen:
            signal_one(pid, signal.SIGCONT)

    _frozen: frozenset[int] = frozenset()


@dataclass(slots=True)
class BadLink(Fault):
    """The link before the database or the broker becomes bad for a while."""

    lasts: ClassVar[tuple[float, float]] = (5, 20)
    which: str
    link: Link
    how: str

    @property
    def name(self) -> str:
        return f"{self.how} before the {self.which}"

    def begin(self, stage: Stage, rng: Random) -> None:
        stage.links[self.which].become(self.link)

    def end(self, stage: Stage) -> None:
        stage.links[self.which].become(GOOD)


@dataclass(slots=True)
class Reset(Fault):
    """RST to every connection, a few times."""

    which: str

    @property
    def name(self) -> str:
        return f"RST before the {self.which}"

    def begin(self, stage: Stage, rng: Random) -> None:
        for _ in range(3):
            stage.links[self.which].reset()
            time.sleep(rng.uniform(0.3, 2))


@dataclass(slots=True)
class HalfClose(Fault):
    """The server is told that its clients send no more."""

    which: str

    @property
    def name(self) -> str:
        return f"half-closed connections to the {self.which}"

    def begin(self, stage: Stage, rng: Random) -> None:
        stage.links[self.which].half_close()


class MemoryAlarm(Fault):
    """RabbitMQ blocks whoever publishes."""

    lasts = (20, 60)

    def begin(self, stage: Stage, rng: Random) -> None:
        stage.rabbit.ctl("set_vm_memory_high_watermark", "0.000001")

    def end(self, stage: Stage) -> None:
        stage.rabbit.ctl("set_vm_memory_high_watermark", "0.4")


class DiskAlarm(Fault):
    """RabbitMQ believes that its disk is almost full, and blocks whoever publishes."""

    lasts = (20, 60)

    def begin(self, stage: Stage, rng: Random) -> None:
        stage.rabbit.ctl("set_disk_free_limit", "100000GB")

    def end(self, stage: Stage) -> None:
        stage.rabbit.ctl("set_disk_free_limit", "200MB")


class TerminateBackends(Fault):
    """`pg_terminate_backend` for every connection of ours, twice."""

    def begin(self, stage: Stage, rng: Random) -> None:
        for _ in range(2):
            stage.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%%_app'"
            )
            time.sleep(rng.uniform(0.2, 1.5))


@dataclass(slots=True)
class LockTable(Fault):
    """Somebody holds a table in ACCESS EXCLUSIVE mode."""

    lasts: ClassVar[tuple[float, float]] = (10, 30)
    table: str

    @property
    def name(self) -> str:
        return f"lock on {self.table}"

    def begin(self, stage: Stage, rng: Random) -> None:
        url = stage.postgres.url(database="wishtree")
        self._holder = psycopg.connect(url)
        self._holder.execute(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]

    def end(self, stage: Stage) -> None:
        assert self._holder is not None
        self._holder.close()

    _holder: psycopg.Connection[tuple[object, ...]] | None = None


@dataclass(slots=True)
class ClockSkew(Fault):
    """One process believes that it is 90 s earlier or later.

    `WISHTREE_CLOCK_OFFSET_SECONDS` moves `app_now()` of its transactions: created_at, due times,
    leases, the feed. It does not move Python's own clock (token times, timeouts, lag) nor the
    operating system's.
    """

    lasts: ClassVar[tuple[float, float]] = (10, 20)
    victim: str
    offset: int

    @property
    def name(self) -> str:
        return f"clock of {self.victim} {self.offset:+} s"

    def begin(self, stage: Stage, rng: Random) -> None:
        self._restart(stage, self.offset)

    def end(self, stage: Stage) -> None:
        self._restart(stage, 0)

    def _restart(self, stage: Stage, offset: int) -> None:
        before = stage.pid(self.victim)
        stage.skew(self.victim, offset)
        stage.kill(self.victim, signal.SIGTERM)
        wait_until_back(stage, self.victim, before)


class QueueDeleted(Fault):
    """A queue vanishes with what is in it; the relays declare it again within 30 s."""

    def begin(self, stage: Stage, rng: Random) -> None:
        stage.rabbit.ctl("delete_queue", rng.choice(QUEUES[2:]))


class QueuePurged(Fault):
    """Messages vanish from the queues while a consumer is frozen, so that there are some."""

    def begin(self, stage: Stage, rng: Random) -> None:
        frozen = [pid for name in ("bus-rewards", "bus-notify") if (pid := stage.pid(name))]
        for pid in frozen:
            signal_tree(pid, signal.SIGSTOP)
        time.sleep(5)
        for queue in QUEUES[2:]:
            stage.rabbit.ctl("purge_queue", queue)
        for pid in frozen:
            signal_tree(pid, signal.SIGCONT)


class BrokerWiped(Fault):
    """The broker loses its disk: queues, messages, everything. It starts empty."""

    def begin(self, stage: Stage, rng: Random) -> None:
        broker = stage.broker
        before = stage.pid(broker.name)
        stage.kill(broker.name, signal.SIGKILL, tree=True)
        if stage.embedded:
            for file in (broker.folder / "data").rglob("*.*"):
                file.unlink(missing_ok=True)
        else:
            wait_until(lambda: not broker.running, seconds(10), "the broker lives")
            stage.rabbit.wipe()
        wait_until_back(stage, broker.name, before)


class QueuesForgotten(Fault):
    """Valkey forgets everything (FLUSHALL)."""

    def begin(self, stage: Stage, rng: Random) -> None:
        password = (stage.broker.folder / "password").read_text()
        socket = str(stage.broker.folder / "socket" / "valkey.sock")
        note = stage.broker.folder / "socket-folder"
        if note.exists():
            socket = f"{note.read_text()}/valkey.sock"
        Redis(unix_socket_path=socket, password=password).flushall()


def signal_tree(pid: int, number: signal.Signals) -> frozenset[int]:
    """Send a signal to a process and its descendants; returns whom."""
    found = frozenset(tree(pid))
    for member in found:
        signal_one(member, number)
    return found


def signal_one(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # it ended meanwhile
        return


def wait_until_back(stage: Stage, name: str, before: int | None) -> None:
    """Wait until the keeper has brought a child back; a server also answers."""
    servers = {server.name: server for server in (stage.postgres, stage.broker)}

    def back() -> bool:
        now = stage.pid(name)
        if now is None or now == before:
            return False
        return name not in servers or servers[name].answers()

    wait_until(back, seconds(90), lambda: f"{name} did not come back: {stage.said[-8:]}")

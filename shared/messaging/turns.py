"""Turns: each loop of a process shows that it still turns, so that others see one that is stuck.

A loop calls `turn()` on every round; that only notes the time in memory. A thread of the process
writes a row for each loop that has turned since the last time, every few seconds. So a loop that
hangs stops turning in the table while the thread goes on, and a process that is frozen or dead
stops altogether. No loop ever waits for this.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, DateTime, Double, cast, delete, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.functions import Function

from shared.core.logs import get_logger
from shared.core.metrics import LOOP_OLDEST, LOOP_TURNED
from shared.core.settings import Settings
from shared.db.contention import is_passing
from shared.db.engine import Database
from shared.db.types import Plumbing

log = get_logger(__name__)

KEPT = timedelta(days=1)
STOP_SECONDS = 1.0
WRITES_PER_SILENCE = 6
"""How often a loop writes before its silence is noticed: every 5 s of 30."""


class LoopKind(StrEnum):
    """What a loop does. Every service needs one of each that turns."""

    RELAY = "relay"
    CONSUME = "consume"
    ATTEMPTS = "attempts"
    CATCH_UP = "catch_up"
    WORKER = "worker"
    BEAT = "beat"


class Trouble(StrEnum):
    """Why a loop that turns cannot do its work."""

    BROKER_AWAY = "broker_away"
    DATABASE_AWAY = "database_away"


class LoopTurn(Plumbing):
    """The last turn of one loop of one process, by the clock of the database."""

    __tablename__ = "loop_turns"

    loop: Mapped[str] = mapped_column(primary_key=True)
    """One of `LoopKind`."""
    process: Mapped[str] = mapped_column(primary_key=True)
    """`host:pid`."""
    started_at: Mapped[datetime]
    """When the process began: a new process with an old number takes the old row over."""
    last_turn_at: Mapped[datetime]
    waiting: Mapped[int | None]
    """How much work waits for the loop."""
    oldest_seconds: Mapped[float | None]
    """How long its oldest work has waited, when it turned last."""
    trouble: Mapped[str | None]
    """One of `Trouble`."""


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for a loop. None: it cannot tell."""

    waiting: int | None = None
    oldest_seconds: float | None = None


Measure = Callable[[Session], Work]


class Loop:
    """One loop of this process. Its own thread calls `turn`, any thread reads."""

    def __init__(self, kind: LoopKind, measure: Measure | None = None) -> None:
        self.kind, self._measure = kind, measure
        self.turned_at = time.monotonic()
        self.trouble: Trouble | None = None
        self.at_broker = False
        """A library connects or sends: the loop does not turn, and a restart would not help."""
        self.work = Work()

    def turn(self, trouble: Trouble | None = None) -> None:
        """Note that the loop has come round, and what kept it from its work."""
        self.turned_at, self.trouble = time.monotonic(), trouble

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Pause until `stop` is set or the time is over, and go on turning meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not stop.wait(min(left, 1)):
            self.turn()

    def measure(self, session: Session) -> Work:
        """What waits for the loop now: in the database, or as the loop has noted it."""
        return self._measure(session) if self._measure is not None else self.work

    @property
    def silent_seconds(self) -> float:
        return time.monotonic() - self.turned_at


def unwatched(kind: LoopKind) -> Loop:
    """A loop that nobody looks at, for tests and commands that run a part of one."""
    return Loop(kind)


def with_one_connection(settings: Settings) -> Settings:
    """For a database that only writes turns: those of a process need no pool."""
    return settings.model_copy(update={"database_pool_size": 1})


class Turns:
    """Writes the turns of one service's loops in this process, from a thread of its own."""

    def __init__(self, database: Database) -> None:
        self.service = database.service
        self.process = f"{socket.gethostname()}:{os.getpid()}"
        self.loops: list[Loop] = []
        self._database = database
        self._every = database.settings.loop_silent_seconds / WRITES_PER_SILENCE
        self._began, self._written_at = time.monotonic(), 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{self.service}.turns", daemon=True)

    def loop(self, kind: LoopKind, measure: Measure | None = None) -> Loop:
        """Add a loop. Call it before `start`."""
        loop = Loop(kind, measure)
        self.loops.append(loop)
        return loop

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin to end: the thread takes the rows back. `stop_turns` waits for it."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._try(self.write)
            self._stop.wait(self._every)
        self._try(self._take_back)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # it must go on, whatever one write met
            if not is_passing(error):
                log.exception("turns not written", service=self.service)

    def _take_back(self) -> None:
        """Delete the rows: this process ends as it should, and no loop is missed."""
        kinds = [loop.kind for loop in self.loops]
        mine = delete(LoopTurn).where(LoopTurn.process == self.process, LoopTurn.loop.in_(kinds))
        with self._database.transaction() as session:
            session.execute(mine)

    def write(self) -> None:
        """Write a row for each loop that has turned since the last time."""
        turned = [loop for loop in self.loops if loop.turned_at > self._written_at]
        if not turned:
            return
        now = time.monotonic()
        with self._database.transaction() as session:
            if not self._written_at:
                _forget_the_dead(session, self.process)
            rows = [self._row(session, loop, now) for loop in turned]
            session.execute(_upsert(rows))
        self._written_at = now

    def _row(self, session: Session, loop: Loop, now: float) -> dict[str, object]:
        work = loop.work = loop.measure(session)
        LOOP_TURNED.labels(self.service, loop.kind).set(time.time() - loop.silent_seconds)
        LOOP_OLDEST.labels(self.service, loop.kind).set(work.oldest_seconds or 0)
        age, life = now - loop.turned_at, now - self._began
        return {
            "loop": loop.kind,
            "process": self.process,
            "started_at": database_now() - timedelta(seconds=life),
            "last_turn_at": database_now() - timedelta(seconds=max(age, 0)),
            "waiting": work.waiting,
            "oldest_seconds": work.oldest_seconds,
            "trouble": loop.trouble,
        }


def stop_turns(turns: Sequence[Turns]) -> None:
    """Take back the rows of a process that ends. A database that hangs holds it up for a second."""
    for one in turns:
        one.end()
    deadline = time.monotonic() + STOP_SECONDS
    for one in turns:
        one.join(max(0, deadline - time.monotonic()))


def _upsert(rows: Sequence[dict[str, object]]) -> Insert:
    new = insert(LoopTurn).values(rows)
    changing = {name: new.excluded[name] for name in rows[0] if name not in {"loop", "process"}}
    return new.on_conflict_do_update(index_elements=["loop", "process"], set_=changing)


def _forget_the_dead(session: Session, process: str) -> None:
    """Delete the rows of processes of this host that are no more: this one may take their place."""
    host = process.rpartition(":")[0]
    known = session.scalars(select(LoopTurn.process).distinct()).all()
    dead = [one for one in known if one.rpartition(":")[0] == host and not _lives(one)]
    if dead:
        session.execute(delete(LoopTurn).where(LoopTurn.process.in_(dead)))


def _lives(process: str) -> bool:
    try:
        os.kill(int(process.rpartition(":")[2]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def database_now() -> Function[datetime]:
    """SQL: the database's own clock. Tests that move the clock do not move the turns."""
    return func.now(type_=DateTime(timezone=True))


def forget_old_turns(session: Session) -> None:
    """Delete the rows of processes that have not turned for a day."""
    session.execute(delete(LoopTurn).where(LoopTurn.last_turn_at < database_now() - KEPT))


def silence() -> ColumnElement[float]:
    """SQL: how many seconds ago a loop turned last."""
    return cast(func.extract("epoch", database_now() - LoopTurn.last_turn_at), Double)

"""Turns of Celery's two loops, worker and beat, and what shows that jobs travel between them.

- `worker` turns in the event loop of the worker's connection: one that is frozen, or whose loop
  hangs, stops turning.
- `beat` turns with each tick of the scheduler. One beat serves all services, so it writes a row in
  the schema of each.
- A probe travels from beat through the broker to a worker every ten seconds. It shows a worker that
  turns and yet gets no jobs, or whose threads all hang: its run is late, as other jobs are.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from celery import Celery, bootsteps
from celery.beat import PersistentScheduler
from celery.worker.components import Beat as BeatStep
from celery.worker.consumer import Connection as ConnectionStep
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core.clock import app_now
from shared.db.engine import Database, transaction
from shared.db.limits import HANDLERS
from shared.jobs.late import most_late
from shared.jobs.periodic import PROBE_PERIOD, Job, JobRun, databases, probe_of
from shared.messaging.turns import (
    Loop,
    LoopKind,
    Trouble,
    Turns,
    Work,
    stop_turns,
    with_one_connection,
)

TURN_EVERY_SECONDS = 1.0


def declare_probe(app: Celery, service: str) -> None:
    """Declare the job that notes that it came from beat through the broker to a worker."""
    name = probe_of(service)

    @app.task(name=name, base=Job)
    def probe() -> None:
        with transaction() as session:
            note_probe(session, name)


def note_probe(session: Session, name: str) -> None:
    """Note that the probe ran now, in its one row."""
    run = insert(JobRun).values(name=name, period=PROBE_PERIOD, started_at=app_now())
    again = run.on_conflict_do_update(
        index_elements=["name", "period"], set_={"started_at": run.excluded.started_at}
    )
    session.execute(again)


def turns_of(services: Iterable[str], kind: LoopKind) -> list[Turns]:
    """A loop of this kind for each service, with connections of its own.

    Beat runs in a child of the worker when it is embedded: it must not use the worker's.
    """
    found = []
    for service in services:
        used = databases[service]
        turns = Turns(Database(service, with_one_connection(used.settings), HANDLERS))
        turns.loop(kind, partial(_late_work, service))
        found.append(turns)
    return found


def _late_work(service: str, session: Session) -> Work:
    return Work(oldest_seconds=most_late(session, service))


def watch_worker(app: Celery, turns: list[Turns]) -> None:
    """Turn with the worker's event loop, from its start to its end."""
    loops = loops_of(turns)
    wait_for_broker(loops, True)  # until there is a connection

    class WriteTurns(bootsteps.StartStopStep):
        """Runs as long as the worker. Its thread begins after the embedded beat was forked off."""

        requires = (BeatStep,)

        def start(self, worker: Any) -> None:
            for one in turns:
                one.start()

        def stop(self, worker: Any) -> None:
            stop_turns(turns)

    class TurnWithLoop(bootsteps.StartStopStep):
        """Runs while the worker has a connection."""

        requires = (ConnectionStep,)

        def start(self, consumer: Any) -> None:
            wait_for_broker(loops, False)
            turn_all(loops)
            self.timer = consumer.timer.call_repeatedly(TURN_EVERY_SECONDS, turn_all, (loops,))

        def stop(self, consumer: Any) -> None:
            if (timer := getattr(self, "timer", None)) is not None:
                timer.cancel()
            turn_all(loops, Trouble.BROKER_AWAY)
            wait_for_broker(loops, True)

    app.steps["worker"].add(WriteTurns)
    app.steps["consumer"].add(TurnWithLoop)


def watch_beat(turns: list[Turns]) -> None:
    """Let the beat of this process turn these loops."""
    WatchedScheduler.turns = turns
    for one in turns:
        one.start()


def loops_of(turns: Iterable[Turns]) -> list[Loop]:
    return [loop for one in turns for loop in one.loops]


def turn_all(loops: Iterable[Loop], trouble: Trouble | None = None) -> None:
    for loop in loops:
        loop.turn(trouble)


def wait_for_broker(loops: Iterable[Loop], waits: bool) -> None:
    for loop in loops:
        loop.at_broker = waits


class WatchedScheduler(PersistentScheduler):
    """Celery's own scheduler, which shows that it ticks."""

    turns: list[Turns] | None = None

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        loops = loops_of(WatchedScheduler.turns or ())
        wait_for_broker(loops, True)  # a tick does nothing else that may take long
        interval = super().tick(*args, **kwargs)
        wait_for_broker(loops, False)
        if WatchedScheduler.turns is None:  # embedded: this process was forked off a moment ago
            watch_beat(turns_of(databases, LoopKind.BEAT))
        turn_all(loops_of(WatchedScheduler.turns or ()))
        return interval

    def close(self) -> None:
        super().close()
        stop_turns(WatchedScheduler.turns or ())

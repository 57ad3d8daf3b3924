"""The `bus` process: for each service a relay, a consumer, an attempts loop and a catch-up.

Each is a thread. The process ends when it is stopped, or with an error when a thread has ended:
a supervisor starts it again.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from shared.core.logs import configure_logs, get_logger
from shared.core.memory import keep_for_good
from shared.core.settings import Settings
from shared.core.stopping import STOP_SECONDS
from shared.db.limits import HANDLERS
from shared.jobs.celery import make_celery
from shared.jobs.enqueue import enqueue_through
from shared.messaging.backlog import waiting_attempts, waiting_events
from shared.messaging.broker.consumer import consume
from shared.messaging.broker.relay import relay
from shared.messaging.inbox import Inbox, TryAgain
from shared.messaging.turns import (
    Loop,
    LoopKind,
    Trouble,
    Turns,
    stop_turns,
    unwatched,
    with_one_connection,
)
from shared.service.catch_up import CatchUp
from shared.service.definition import ServiceDefinition
from shared.service.process_health import serve_health

log = get_logger(__name__)

ATTEMPTS_PAUSE = 0.5


def run_bus(services: Iterable[ServiceDefinition], stop: threading.Event) -> None:
    """Relay, consume, retry and catch up for these services until `stop` is set."""
    services = tuple(services)
    settings = Settings.read()
    configure_logs(settings.log_level)
    enqueue_through(make_celery([service.name for service in services], settings))
    single = with_one_connection(settings)
    turns = [Turns(service.database(single, HANDLERS)) for service in services]
    threads = [
        thread
        for service, watched in zip(services, turns, strict=True)
        for thread in _threads(service, settings, stop, watched)
    ]
    serve_health(settings, turns)
    keep_for_good()
    for thread in threads:
        thread.start()
    for watched in turns:
        watched.start()
    log.info("bus running", services=[service.name for service in services])
    _watch(threads, stop)
    _join(threads)
    stop_turns(turns)


def _watch(threads: list[threading.Thread], stop: threading.Event) -> None:
    """Wait for `stop`. Raises SystemExit when a thread has ended before."""
    while not stop.wait(0.5):
        ended = [thread.name for thread in threads if not thread.is_alive()]
        if ended:
            stop.set()
            raise SystemExit(f"bus loop ended: {', '.join(ended)}")


def _join(threads: list[threading.Thread]) -> None:
    """Let each finish its batch. What waits for a server that does not answer is left behind."""
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))


def _threads(
    definition: ServiceDefinition, settings: Settings, stop: threading.Event, turns: Turns
) -> Iterator[threading.Thread]:
    service, url = definition.name, settings.broker_url
    database = definition.database(settings, HANDLERS)
    inbox = definition.inbox(database)
    add = turns.loop
    relaying = partial(relay, loop=add(LoopKind.RELAY, waiting_events))
    yield _thread(f"{service}.relay", stop, relaying, database, url)
    consuming = partial(consume, loop=add(LoopKind.CONSUME))
    yield _thread(f"{service}.consume", stop, consuming, inbox, url, settings.batch_size)
    retrying = partial(run_attempts, loop=add(LoopKind.ATTEMPTS, waiting_attempts))
    yield _thread(f"{service}.attempts", stop, retrying, inbox)
    catching_up = partial(CatchUp(database, inbox, settings).run, loop=add(LoopKind.CATCH_UP))
    yield _thread(f"{service}.catch_up", stop, catching_up)


def _thread(
    name: str, stop: threading.Event, run: Callable[..., None], *args: Any
) -> threading.Thread:
    """A thread that runs a loop until `stop` is set, which is the loop's last argument."""
    guarded = (stop, run, *args, stop)
    return threading.Thread(target=_guarded, args=guarded, name=name, daemon=True)


def _guarded(stop: threading.Event, run: Callable[..., None], *args: Any) -> None:
    """Run a loop; log why it failed."""
    try:
        run(*args)
    except Exception:
        if not stop.is_set():
            log.exception("bus loop failed")


def run_attempts(inbox: Inbox, stop: threading.Event, loop: Loop | None = None) -> None:
    """Try events again when they fall due, until `stop` is set."""
    watched = loop or unwatched(LoopKind.ATTEMPTS)
    while not stop.is_set():
        if not _retry_due(inbox, watched):
            stop.wait(ATTEMPTS_PAUSE)


def _retry_due(inbox: Inbox, loop: Loop) -> int:
    loop.turn()
    try:
        return inbox.retry_due()
    except TryAgain:
        loop.turn(Trouble.DATABASE_AWAY)
        return 0
    except Exception:  # what it retries may fail in any way, and it must go on
        log.exception("attempts loop failed, going on", service=inbox.service)
        return 0

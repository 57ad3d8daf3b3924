"""The `bus` process: per service a relay, a consumer, the attempts loop and the catch-up, each a
thread.

It ends when told to, or with an error when one of its threads dies: a supervisor starts it again.
"""

import threading
from collections.abc import Callable, Iterable

from prometheus_client import start_http_server

from shared.core.logs import configure_logs, get_logger
from shared.core.settings import Settings
from shared.jobs.celery import make_celery
from shared.jobs.enqueue import enqueue_through
from shared.messaging.broker.consumer import consume, run_attempts
from shared.messaging.broker.relay import relay
from shared.service.catch_up import CatchUp
from shared.service.definition import ServiceDefinition

log = get_logger(__name__)


def run_bus(services: Iterable[ServiceDefinition], stop: threading.Event) -> None:
    """Relay, listen, retry and catch up for these services until `stop` is set."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    services = tuple(services)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    enqueue_through(make_celery([service.name for service in services], settings))
    threads = [
        threading.Thread(target=_guarded, args=(loop, stop), name=name, daemon=True)
        for service in services
        for name, loop in _loops(service, settings, stop)
    ]
    for thread in threads:
        thread.start()
    log.info("bus running", services=[service.name for service in services])
    while not stop.wait(0.5):
        dead = [thread.name for thread in threads if not thread.is_alive()]
        if dead:
            stop.set()
            raise SystemExit(f"bus loop ended: {', '.join(dead)}")
    for thread in threads:  # what is in hand is finished
        thread.join(timeout=20)


def _loops(
    definition: ServiceDefinition, settings: Settings, stop: threading.Event
) -> Iterable[tuple[str, Callable[[], None]]]:
    service = definition.name
    database = definition.database(settings)
    inbox = definition.inbox(database)
    yield f"{service}.relay", lambda: relay(database, settings.broker_url, stop)
    yield (
        f"{service}.consume",
        lambda: consume(inbox, settings.broker_url, settings.batch_size, stop),
    )
    yield f"{service}.attempts", lambda: run_attempts(inbox, stop)
    yield f"{service}.catch_up", lambda: CatchUp(database, inbox, settings).run(stop)


def _guarded(loop: Callable[[], None], stop: threading.Event) -> None:
    try:
        loop()
    except Exception:
        if not stop.is_set():
            log.exception("bus loop failed")

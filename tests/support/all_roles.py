"""One process of each role with something to do, and faults of what they rely on."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress

import psutil
import psycopg
import requests
from sqlalchemy.engine import make_url

from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.local.servers import RabbitServer
from devkit.testkit import District, PrivatePostgres
from shared import SERVICES
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.messaging.outbox import publish
from tests.support.freezing import frozen


class Running:
    """An installation with one process of each role, and something to do for all."""

    def __init__(self, installation: Installation, postgres: PrivatePostgres) -> None:
        self.installation, self.postgres = installation, postgres
        self.district = District(installation.env)
        self.port = free_port()
        self._quiet = threading.Event()
        installation.env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "1"
        for service in SERVICES:
            installation.api(service)
        installation.start("gateway", "--port", str(self.port), name="gateway")
        installation.start("bus", "all", name="bus")
        installation.start("worker", "all", name="worker")
        installation.start("beat", name="beat")
        wait_until(self._works, 40, "the installation does not work")

    def _works(self) -> bool:
        jobs = "SELECT count(*) FROM {}.job_runs"
        ran = sum(self.installation.one(jobs.format(service)) for service in SERVICES)
        ready = requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).ok
        return ready and ran > 0 and "bus running" in self.installation.log("bus")

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Requests at the gateway, and events in an outbox, until the end."""
        self.publish(2000)
        for _ in range(6):
            threading.Thread(target=self._ask, daemon=True).start()
        yield
        self._quiet.set()

    def publish(self, count: int) -> None:
        """Put events into an outbox that another service handles."""
        events = [VolunteerActivated(volunteer_id=new_id()) for _ in range(count)]
        with self.district.registration.session() as session:
            publish(session, *events)

    def _ask(self) -> None:
        while not self._quiet.is_set():
            with suppress(requests.RequestException):
                requests.get(f"http://127.0.0.1:{self.port}/v1/wishes", timeout=20)

    def terminate_all(self) -> dict[str, float]:
        """Send SIGTERM to all at once; returns how many seconds each took."""
        names = list(self.installation.processes)
        with ThreadPoolExecutor(len(names)) as pool:
            seconds = pool.map(self.installation.terminate, names)
        return dict(zip(names, seconds, strict=True))


Fault = Callable[[Running], AbstractContextManager[None]]


@contextmanager
def memory_alarm(rabbit: RabbitServer) -> Iterator[None]:
    """Let the broker take nothing. Each call of rabbitmqctl takes seconds."""
    rabbit.ctl("set_vm_memory_high_watermark", "absolute", "1")
    try:
        yield
    finally:
        rabbit.ctl("set_vm_memory_high_watermark", "0.6")


@contextmanager
def table_lock(running: Running) -> Iterator[None]:
    with psycopg.connect(running.installation.env["WISHTREE_OWNER_DATABASE_URL"]) as owner:
        for service in SERVICES:
            owner.execute(f"LOCK TABLE {service}.outbox, {service}.inbox, {service}.job_runs")
        yield


@contextmanager
def hung_upstream(running: Running) -> Iterator[None]:
    """Catch-up waits for the API of registration."""
    process = running.installation.processes.pop("api-registration")
    workers = [process.pid, *_children(process.pid)]
    for pid in workers:
        _kill(pid, signal.SIGSTOP)
    yield
    for pid in workers:
        _kill(pid, signal.SIGKILL)
    process.wait()


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def everything_frozen(running: Running) -> AbstractContextManager[None]:
    assert running.postgres.server and running.installation.rabbit
    return frozen(running.postgres.server, running.installation.rabbit)


def database_frozen(running: Running) -> AbstractContextManager[None]:
    assert running.postgres.server
    return frozen(running.postgres.server)


def broker_frozen(running: Running) -> AbstractContextManager[None]:
    assert running.installation.rabbit
    return frozen(running.installation.rabbit)


def broker_full(running: Running) -> AbstractContextManager[None]:
    assert running.installation.rabbit
    return memory_alarm(running.installation.rabbit)


@contextmanager
def backends_terminated(running: Running) -> Iterator[None]:
    """Every connection to the database is closed by the server."""
    database = make_url(running.installation.env["WISHTREE_OWNER_DATABASE_URL"]).database
    with psycopg.connect(running.postgres.superuser_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        ).fetchall()
    assert len(ended) > 5, "void: nobody was connected"
    for member in running.district.services.values():  # ours ended, too
        member.database.engine.dispose()
    yield

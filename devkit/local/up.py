"""`wishtree up`: a whole installation on this machine, from nothing, until Ctrl-C.

Everything it makes is below the data folder. A second start continues with the same data, ports and
passwords.
"""

import base64
import contextlib
import fcntl
import http.client
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import click
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devkit.local.accounts import NoAccount
from devkit.local.binaries import MissingBinary, find_postgres
from devkit.local.processes import Child, InUse, private_folder, stop_orphans, write_private
from devkit.local.servers import (
    LOOPBACK,
    PostgresServer,
    RabbitServer,
    Server,
    ServerFailed,
    ValkeyServer,
    port_is_free,
)
from devkit.local.supervisor import Process, Supervisor
from shared import SERVICES

Mode = Literal["embedded", "real"]
DATABASE = "wishtree"
OWNER = "wishtree_owner"
READY_SECONDS = 60
SERVER_PAUSE_SECONDS = 5
WISHTREE = (sys.executable, "-m", "console.main")


class UpFailed(click.ClickException):
    """The installation cannot be started. The text says in one sentence why and what to do."""


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal: stop everything, in order."""


class Stoppable(Protocol):
    """A server, a supervisor, a command."""

    def stop(self) -> None:
        """End it cleanly."""

    def hurry(self) -> None:
        """Kill it without waiting, while `stop` waits."""


class Running(contextlib.ExitStack):
    """What has been started here. On leaving, it is stopped in reverse order."""

    closing = False

    def __init__(self) -> None:
        super().__init__()
        self._all: list[Stoppable] = []

    def add(self, one: Stoppable) -> None:
        """Call it before starting, so that a start which is interrupted is undone too."""
        self._all.append(one)
        self.callback(one.stop)

    def hurry(self) -> None:
        for one in reversed(self._all):
            one.hurry()

    def __exit__(self, *error: Any) -> bool:
        self.closing = True
        if self._all:
            say("Stopping ...")
        return bool(super().__exit__(*error))


@dataclass(frozen=True)
class Place:
    """What was asked for: which servers, where everything is written, the port of the gateway."""

    mode: Mode
    data: Path
    port: int

    def port_of(self, service: str) -> int:
        """Embedded, one process on one port answers for all."""
        return self.port if self.mode == "embedded" else self.port + 1 + SERVICES.index(service)

    @property
    def ports(self) -> list[int]:
        return sorted({self.port, *map(self.port_of, SERVICES)})


def up(
    mode: Mode,
    data: Path,
    port: int,
    verbose: bool = False,
    *,
    processes: Callable[[Place], list[Process]] | None = None,
    steps: Sequence[Process] | None = None,
) -> None:
    """Start everything, print where it is, and wait; on Ctrl-C stop all of it in reverse order.

    `processes` and `steps` (commands that run once, before) replace ours in tests. Raises UpFailed.
    """
    place, running = Place(mode, data.absolute(), port), Running()
    begun = time.monotonic()
    try:
        with stopped_by_signals(running), running:
            take_folder(place, running)
            postgres, broker = start_servers(place, running)
            settings = settings_of(place, postgres, broker)
            write_private(
                place.data / "env", "".join(f"{name}={value}\n" for name, value in settings.items())
            )
            env = environment(settings)
            said = [
                run_once(step, env, place.data, running)
                for step in (STEPS if steps is None else steps)
            ]
            ours = [Process(one.name, one.argv, env) for one in (processes or processes_of)(place)]
            supervisor = Supervisor(ours, place.data, say, verbose)
            start_services(place, supervisor, running)
            announce(place, settings, time.monotonic() - begun, said[-1] if said else "")
            keep_running(supervisor, (postgres, broker))
    except Interrupted:
        say("Stopped.")
    except (MissingBinary, NoAccount, ServerFailed, InUse) as error:
        raise UpFailed(str(error)) from error


STEPS = (Process("migrate", [*WISHTREE, "migrate"]), Process("seed", [*WISHTREE, "seed"]))


def processes_of(place: Place) -> list[Process]:
    """Our processes: three when embedded; one per role and service when real."""
    if place.mode == "embedded":
        return [
            Process("api", [*WISHTREE, "api", "all", "--port", str(place.port)]),
            Process("bus", [*WISHTREE, "bus", "all"]),
            Process("worker", [*WISHTREE, "worker", "all", "--beat"]),
        ]
    apis = [
        Process(f"api-{name}", [*WISHTREE, "api", name, "--port", str(place.port_of(name))])
        for name in SERVICES
    ]
    buses = [Process(f"bus-{name}", [*WISHTREE, "bus", name]) for name in SERVICES]
    workers = [Process(f"worker-{name}", [*WISHTREE, "worker", name]) for name in SERVICES]
    gateway = Process("gateway", [*WISHTREE, "gateway", "--port", str(place.port)])
    return [*apis, gateway, *buses, *workers, Process("beat", [*WISHTREE, "beat"])]


def take_folder(place: Place, running: Running) -> None:
    """Make the folder ours alone, clear away what a crashed run left, and see that the ports are
    free.
    """
    make_writable(place.data)
    running.enter_context(locked(place.data))
    for name in stop_orphans(place.data):
        say(f"Stopped {name}, which an earlier run had left behind.")
    for port in place.ports:
        if not port_is_free(port):
            raise UpFailed(f"Port {port} is taken by another program: choose another with --port.")


def start_servers(
    place: Place, running: Running
) -> tuple[PostgresServer, ValkeyServer | RabbitServer]:
    """Start database and broker, and make the empty database and its owner."""
    postgres, broker = servers_of(place)
    for server in (postgres, broker):
        running.add(server)
        with progress(f"Starting {server.name}"):
            server.start()
    postgres.create_role(OWNER, secret(place.data, "owner-database-password"), createrole=True)
    postgres.create_database(DATABASE, OWNER)
    return postgres, broker


def start_services(place: Place, supervisor: Supervisor, running: Running) -> None:
    """Start our processes and wait until the gateway says that all are ready."""
    running.add(supervisor)
    with progress("Starting services"):
        supervisor.start()
        wait_until_ready(place, supervisor)


def announce(place: Place, settings: Mapping[str, str], seconds: float, said: str) -> None:
    """Say where everything is, and what the last step (seed: the demo log-ins) had to say."""
    say(
        f"Ready after {seconds:.1f} s: {settings['WISHTREE_PUBLIC_URL']} (data in {place.data}; Ctrl-C stops)"
    )
    for name in SERVICES if place.mode == "real" else ():
        say(f"  {name:<12} {settings[f'WISHTREE_{name.upper()}_URL']}")
    say(said.rstrip())


def make_writable(data: Path) -> None:
    """Make the data folder, or make sure that we may write to it. Raises UpFailed.

    One that exists keeps its permissions. Root's may be passed through but not listed: where
    PostgreSQL must run under another account, that account has to reach its own folder in it. What
    is private is in folders and files that are.
    """
    try:
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise UpFailed(
            f"The data folder {data} cannot be written ({error.strerror}): choose another with --data."
        ) from error


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Keep every other `up` out of this folder. The kernel drops the lock when we end, however we
    end.
    """
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UpFailed(
                f"The data folder {data} is in use by process {file.read().strip()}: "
                "stop that one, or choose another folder with --data."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def servers_of(place: Place) -> tuple[PostgresServer, ValkeyServer | RabbitServer]:
    """Database and broker of a mode. Each mode has its own: another PostgreSQL could not read the
    files.
    """
    database = place.data / f"postgresql-{place.mode}"
    if place.mode == "embedded":
        return PostgresServer(database, find_postgres("wheel")), ValkeyServer(place.data / "valkey")
    return PostgresServer(database, find_postgres("installed")), RabbitServer(
        place.data / "rabbitmq"
    )


def settings_of(
    place: Place, postgres: PostgresServer, broker: ValkeyServer | RabbitServer
) -> dict[str, str]:
    """What the services read from their environment. Secrets are made at the first start."""
    data = place.data
    settings = {
        "WISHTREE_OWNER_DATABASE_URL": postgres.url(
            OWNER, secret(data, "owner-database-password"), DATABASE
        ),
        "WISHTREE_BROKER_URL": broker.url(),
        "WISHTREE_SIGNING_KEY_FILE": str(secret_file(data, "signing-key.pem", new_signing_key)),
        "WISHTREE_DATA_KEY_FILE": str(secret_file(data, "data-key", new_data_key)),
        "WISHTREE_PUBLIC_URL": f"http://localhost:{place.port}",
        "WISHTREE_EMBEDDED": "true" if place.mode == "embedded" else "false",
        "WISHTREE_CATCH_UP_EVERY_SECONDS": "30" if place.mode == "embedded" else "180",
        "WISHTREE_WEBHOOK_TEST_NETWORKS": "127.0.0.0/8",  # a receiver beside us, as the story starts one
        "WISHTREE_DATA_DIR": str(data),
    }
    for name in SERVICES:
        its = f"WISHTREE_{name.upper()}_"
        password = secret(data, f"{name}-database-password")
        settings[its + "DATABASE_URL"] = postgres.url(f"{name}_app", password, DATABASE)
        settings[its + "URL"] = f"http://{LOOPBACK}:{place.port_of(name)}"
        settings[its + "CLIENT_SECRET"] = secret(data, f"{name}-client-secret")
    return settings


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours with these settings. A proxy must not come between services; a stray secret must not
    hide the file's.
    """
    hidden = {"WISHTREE_SIGNING_KEY", "WISHTREE_DATA_KEY", "WISHTREE_DATABASE_URL"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    direct = ",".join(
        filter(None, [env.get("NO_PROXY", env.get("no_proxy", "")), "localhost", LOOPBACK])
    )
    return {**env, "PYTHONUNBUFFERED": "1", "NO_PROXY": direct, "no_proxy": direct, **settings}


def secret(data: Path, name: str) -> str:
    """A random password, made once."""
    return secret_file(data, name, lambda: secrets.token_urlsafe(32)).read_text()


def secret_file(data: Path, name: str, make: Callable[[], str]) -> Path:
    """A file in `secrets/`, made once, that only we may read."""
    file = private_folder(data / "secrets") / name
    if not file.exists():
        write_private(file, make())
    return file


def new_signing_key() -> str:
    """A private key for ES256, as PEM."""
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()


def new_data_key() -> str:
    """32 random bytes, base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def run_once(step: Process, env: Mapping[str, str], data: Path, running: Running) -> str:
    """Run a command to its end and return its standard output. Raises UpFailed with its last
    words.
    """
    logs = private_folder(data / "log")
    output, errors = logs / f"{step.name}.out", logs / f"{step.name}.log"
    child = Child(private_folder(data / "run") / f"{step.name}.process")
    running.add(child)
    with progress(f"Running {step.name}"), output.open("wb") as out, errors.open("wb") as err:
        child.start(step.argv, out, env, errors=err)
        while child.running:
            time.sleep(0.05)
    child.stop()
    if child.exit_code != 0:
        words = f"{output.read_text(errors='replace')}\n{errors.read_text(errors='replace')}".strip().splitlines()
        raise UpFailed(
            f"`{step.name}` failed: {words[-1] if words else 'it said nothing'} (log: {errors})"
        )
    return output.read_text(errors="replace")


def wait_until_ready(place: Place, supervisor: Supervisor) -> None:
    """Return when the gateway says that all are ready; it is asked last, since it asks the others.

    Raises UpFailed after a minute, with the last answer.
    """
    deadline = time.monotonic() + READY_SECONDS
    services = [(port, "/healthz") for port in place.ports if port != place.port]
    for port, path in [*services, (place.port, "/readyz")]:
        while (answer := ask(port, path)) != "200":
            if time.monotonic() > deadline:
                raise UpFailed(
                    f"Not ready after {READY_SECONDS} s: {path} on port {port} says {answer} "
                    f"(logs: {place.data / 'log'})."
                )
            supervisor.check()
            time.sleep(0.1)


def ask(port: int, path: str) -> str:
    """The status code of a GET, and what came with it if it is not 200; or why there is none."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(500).decode(errors="replace")
        return "200" if answer.status == 200 else f"{answer.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return f"nothing ({error})"
    finally:
        connection.close()


def keep_running(supervisor: Supervisor, servers: Sequence[Server]) -> None:
    """Start again whatever ends, servers too, until a signal interrupts."""
    due = 0.0
    while True:
        supervisor.check()
        for server in servers:
            if not server.running and time.monotonic() >= due:
                say(f"{server.name} ended; starting it again.")
                due = time.monotonic() + SERVER_PAUSE_SECONDS
                with reported():
                    server.start()
        time.sleep(0.2)


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Say what failed and go on: it will be tried again."""
    try:
        yield
    except (ServerFailed, MissingBinary, NoAccount) as error:
        say(str(error))


@contextlib.contextmanager
def stopped_by_signals(running: Running) -> Iterator[None]:
    """A signal raises Interrupted in here; one that comes while everything is being stopped kills
    at once.
    """

    def handle(_number: int, _frame: object) -> None:
        if running.closing:
            running.hurry()
        else:
            running.closing = True
            raise Interrupted

    before = {
        number: signal.signal(number, handle)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    begun = time.monotonic()
    say(f"{what} ...", end="")
    try:
        yield
    except BaseException:
        say("")
        raise
    say(f" {time.monotonic() - begun:.1f} s")


def say(text: str, end: str = "\n") -> None:
    """One line on the terminal; a terminal that has gone away must not keep us from stopping."""
    with contextlib.suppress(OSError):
        click.echo(text + end, nl=False)

"""`wishtree up`: a whole installation on this machine, from nothing, until Ctrl-C.

Everything it makes is below the data folder. A second start continues with the same data, ports and
passwords.
"""

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from devkit.local.accounts import NoAccount
from devkit.local.binaries import MissingBinary, find_postgres
from devkit.local.environment import (
    DATABASE,
    OWNER,
    environment,
    owner_password,
    settings_of,
)
from devkit.local.files import private_folder, write_private, write_settings
from devkit.local.keeper import Keeper
from devkit.local.place import Mode, Place, UpFailed, take_place
from devkit.local.processes import Child, InUse
from devkit.local.readiness import wait_until_ready
from devkit.local.servers import (
    PostgresServer,
    RabbitServer,
    ServerFailed,
    ValkeyServer,
)
from devkit.local.shutdown import Interrupted, Running, stopped_by_signals
from devkit.local.supervisor import Process, Supervisor
from devkit.local.terminal import progress, show
from shared import SERVICES

WISHTREE = (sys.executable, "-m", "console.main")
STEPS = (Process("migrate", [*WISHTREE, "migrate"]), Process("seed", [*WISHTREE, "seed"]))


def processes_of(place: Place) -> list[Process]:
    """Our processes: three when embedded; one per role and service when real."""
    if place.mode == "embedded":
        return [
            Process("api", [*WISHTREE, "api", "all", "--port", str(place.port)]),
            Process("bus", [*WISHTREE, "bus", "all"]),
            Process("worker", [*WISHTREE, "worker", "all", "--beat"]),
        ]
    return [
        *(_api_of(service, place) for service in SERVICES),
        Process("gateway", [*WISHTREE, "gateway", "--port", str(place.port)]),
        *(_process("bus", service) for service in SERVICES),
        *(_process("worker", service) for service in SERVICES),
        Process("beat", [*WISHTREE, "beat"]),
    ]


def _api_of(service: str, place: Place) -> Process:
    return _process("api", service, "--port", str(place.port_of(service)))


def _process(role: str, service: str, *options: str) -> Process:
    return Process(f"{role}-{service}", [*WISHTREE, role, service, *options])


def up(
    mode: Mode,
    data: Path,
    port: int,
    verbose: bool = False,
    *,
    processes: Callable[[Place], list[Process]] = processes_of,
    steps: Sequence[Process] = STEPS,
) -> None:
    """Start everything, print where it is, and wait; on Ctrl-C stop all of it in reverse order.

    `steps` are commands that run once, before `processes`; tests replace both. Raises UpFailed.
    """
    place, running = Place(mode, data.absolute(), port), Running()
    try:
        with stopped_by_signals(running), running:
            _start_and_keep(place, running, verbose, processes(place), steps)
    except Interrupted:
        show("Stopped.")
    except (MissingBinary, NoAccount, ServerFailed, InUse) as error:
        raise UpFailed(str(error)) from error


def _start_and_keep(
    place: Place,
    running: Running,
    verbose: bool,
    processes: Sequence[Process],
    steps: Sequence[Process],
) -> NoReturn:
    begun = time.monotonic()
    take_place(place, running)
    postgres, broker = start_servers(place, running)
    settings = settings_of(place, postgres, broker)
    write_settings(place.data / "env", settings, between="=")
    env = environment(settings)
    outputs = [run_once(step, env, place.data, running) for step in steps]
    supervisor = Supervisor([p.with_env(env) for p in processes], place.data, show, verbose)
    keeper = Keeper(supervisor, (postgres, broker), show)
    start_services(supervisor, keeper, place, running)
    show_addresses(place, settings, time.monotonic() - begun)
    show_log_ins("".join(outputs[-1:]), place.data / "log-ins")  # the last step is seed
    keeper.run()


def start_servers(
    place: Place, running: Running
) -> tuple[PostgresServer, ValkeyServer | RabbitServer]:
    """Start database and broker, and make the empty database and its owner."""
    postgres, broker = servers_of(place)
    for server in (postgres, broker):
        running.add(server)
        with progress(f"Starting {server.name}"):
            server.start()
    postgres.create_role(OWNER, owner_password(place.data), createrole=True)
    postgres.create_database(DATABASE, OWNER)
    return postgres, broker


def servers_of(place: Place) -> tuple[PostgresServer, ValkeyServer | RabbitServer]:
    """Database and broker of a mode.

    Each mode has its own database: another version of PostgreSQL could not read the files.
    """
    database = place.data / f"postgresql-{place.mode}"
    if place.mode == "embedded":
        return PostgresServer(database, find_postgres("wheel")), ValkeyServer(place.data / "valkey")
    broker = RabbitServer(place.data / "rabbitmq")
    return PostgresServer(database, find_postgres("installed")), broker


def run_once(step: Process, env: Mapping[str, str], data: Path, running: Running) -> str:
    """Run a command to its end and return its standard output.

    Raises UpFailed with the line that says why.
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
        reason = reason_of_failure(output, errors)
        raise UpFailed(f"`{step.name}` failed: {reason} (log: {errors})")
    return output.read_text(errors="replace")


def reason_of_failure(*files: Path) -> str:
    """The last line of a command's output that names an error, or else its last line.

    Below its error, SQLAlchemy prints the statement and a link.
    """
    text = "\n".join(file.read_text(errors="replace") for file in files)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"([\w.]+(Error|Exception)|Error)\b.*: ", line)]
    return (errors or lines or ["it printed nothing"])[-1]


def start_services(supervisor: Supervisor, keeper: Keeper, place: Place, running: Running) -> None:
    """Start our processes and wait until all are ready."""
    running.add(supervisor)
    with progress("Starting services"):
        supervisor.start()
        wait_until_ready(place, keeper.check)


def show_addresses(place: Place, settings: Mapping[str, str], seconds: float) -> None:
    """Print where everything is."""
    url = settings["WISHTREE_PUBLIC_URL"]
    show(f"Ready after {seconds:.1f} s: {url} (data in {place.data}; Ctrl-C stops)")
    for name in SERVICES if place.mode == "real" else ():
        show(f"  {name:<12} {settings[f'WISHTREE_{name.upper()}_URL']}")


def show_log_ins(printed: str, kept: Path) -> None:
    """Print the demo log-ins that `seed` made, and keep them: it makes them once.

    Later starts print where they are.
    """
    if printed.strip():
        write_private(kept, printed)
        show(printed.rstrip())
    elif kept.exists():
        show(f"The log-ins of the demo: {kept}")

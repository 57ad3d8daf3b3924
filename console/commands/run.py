"""Start things: everything on this machine, or one role of one service."""

import os
import signal
import tempfile
import threading
from functools import partial
from pathlib import Path

import click

from console.options import ONE_OR_ALL, PORT, data_option, named, needs_checkout
from shared import SERVICES

THREADS = click.IntRange(1, 200)
API_THREADS = 16
GATEWAY_THREADS = 64
"""More than all services can hold for long, were all to hang: each of the four has ten requests of
programs (WISHTREE_REQUESTS_AT_ONCE) and four of forms and reports. The other eight serve the pages
that ask nobody, readiness and files.
"""


@click.command()
@click.option(
    "--embedded",
    "mode",
    flag_value="embedded",
    default="embedded",
    help="PostgreSQL and Valkey from wheels. This is the default.",
)
@click.option(
    "--real",
    "mode",
    flag_value="real",
    help="Installed PostgreSQL and RabbitMQ, one process per role.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Folder for everything that it writes.",
)
@click.option("--port", type=click.IntRange(1, 65000), default=8000, show_default=True)
@click.option("--verbose", is_flag=True, help="Show all logs here, not only warnings.")
def up(mode: str, data: Path, port: int, verbose: bool) -> None:
    """Start everything on this machine, with demo data, and stop it with Ctrl-C.

    A second start continues with the same data, ports and passwords; delete the data folder to
    start from nothing. Needs a checkout.

    \b
    Example: wishtree up --data /tmp/try --port 9000
    """
    with needs_checkout():
        from devkit.local.up import up as run

    run("real" if mode == "real" else "embedded", data, port, verbose=verbose)


@click.command()
@click.argument("service", type=ONE_OR_ALL)
@click.option("--port", type=PORT, help="Default: 8001 registration ... 8004 notify; all: 8000.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--threads", type=THREADS, help="Default: 16; all: 64.")
@data_option
def api(service: str, port: int | None, host: str, threads: int | None) -> None:
    """Serve the endpoints of SERVICE (`all`: of all four, and the gateway, on one port).

    It runs until SIGTERM. Start more on other ports to serve more requests.

    \b
    Example: wishtree api rewards --host 0.0.0.0 --port 8003
    """
    from console.services import create_api
    from shared.service.serve import serve

    if service == "all":
        from console.compact import create_compact

        serve(create_compact, f"{host}:{port or 8000}", threads or GATEWAY_THREADS)
    else:
        address = f"{host}:{port or 8001 + SERVICES.index(service)}"
        serve(partial(create_api, service), address, threads or API_THREADS)


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--threads", type=THREADS, default=GATEWAY_THREADS, show_default=True)
@data_option
def gateway(port: int, host: str, threads: int) -> None:
    """Serve the pages, and the APIs of all services at one address.

    It finds the services by WISHTREE_REGISTRATION_URL and so on, and runs until SIGTERM.
    """
    from gateway.app import create_gateway
    from shared.service.serve import serve

    serve(create_gateway, f"{host}:{port}", threads)


@click.command()
@click.argument("service", type=ONE_OR_ALL)
@data_option
def bus(service: str) -> None:
    """Publish the outbox of SERVICE and handle the events that it receives.

    It runs until SIGTERM, then finishes what it has begun, for at most 4 s. Start as many as you
    like: they share the work, and no event counts twice.
    """
    from console.services import definitions_of
    from shared.core.stopping import end_soon_after_sigterm
    from shared.service.bus_process import run_bus

    end_soon_after_sigterm()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_bus(definitions_of(named(service)), stop)


@click.command()
@click.argument("service", type=ONE_OR_ALL)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option(
    "--beat", "with_beat", is_flag=True, help="Also start periodic jobs from this process."
)
@data_option
def worker(service: str, concurrency: int, with_beat: bool) -> None:
    """Run the Celery jobs of SERVICE.

    It runs until SIGTERM, then finishes what it has begun, for at most 4 s. Start as many as you
    like: a job whose worker dies is given to another one.
    """
    from console.services import definitions_of
    from shared.core.settings import Settings
    from shared.core.stopping import end_soon_after_sigterm
    from shared.jobs.celery import make_celery
    from shared.jobs.enqueue import enqueue_through
    from shared.jobs.turns import turns_of, watch_worker
    from shared.messaging.turns import LoopKind
    from shared.service.process_health import serve_health

    end_soon_after_sigterm()
    settings = Settings.read()
    definitions_of(named(service))  # importing a service declares its jobs
    app = make_celery(named(service), settings)
    enqueue_through(app)
    turns = turns_of(named(service), LoopKind.WORKER)
    serve_health(settings, turns)
    watch_worker(app, turns)
    app.worker_main(_worker_options(service, concurrency, with_beat))


def _worker_options(service: str, concurrency: int, with_beat: bool) -> list[str]:
    options = ["worker", "--pool", "threads", "--concurrency", str(concurrency)]
    options += ["--loglevel", "INFO"]
    # Workers need not know of each other: the queue shares out the jobs.
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    options += ["--hostname", f"{service}-{os.getpid()}@%h"]
    return [*options, "--beat", "--schedule", _beat_file()] if with_beat else options


@click.command()
@data_option
def beat() -> None:
    """Start the periodic jobs of all services when they are due.

    It runs until SIGTERM. A second beat is harmless: a periodic job runs once a period.
    """
    from console.services import definitions_of
    from shared.core.settings import Settings
    from shared.core.stopping import end_soon_after_sigterm
    from shared.jobs.celery import make_celery
    from shared.jobs.turns import turns_of, watch_beat
    from shared.messaging.turns import LoopKind
    from shared.service.process_health import serve_health

    end_soon_after_sigterm()
    settings = Settings.read()
    definitions_of(SERVICES)  # importing a service declares its jobs
    app = make_celery(SERVICES, settings)
    turns = turns_of(SERVICES, LoopKind.BEAT)
    serve_health(settings, turns)
    watch_beat(turns)
    app.start(["beat", "-s", _beat_file(), "--loglevel", "INFO"])


def _beat_file() -> str:
    """Where beat remembers what it last started.

    Losing it is harmless: a periodic job is unique by its period.
    """
    folder = os.environ.get("WISHTREE_DATA_DIR") or tempfile.gettempdir()
    return str(Path(folder) / f"beat-schedule-{os.getuid()}")

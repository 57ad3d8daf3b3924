"""The `wishtree` command. Loads services by name; everything else imports late, so that `--help` is quick."""

import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from shared import SERVICES
from shared.core.settings import SettingsError

ONE_OR_ALL = click.Choice([*SERVICES, "all"])


class _Group(click.Group):
    """Shows a bad setting as one sentence instead of a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of a running `wishtree up`: its settings are used."
)
def main(data: Path | None) -> None:
    """Wishtree 心愿树: volunteers, wishes and happy vouchers.

    \b
    Try it:     wishtree up                  everything on this machine, http://localhost:8000
                wishtree story               play the main job against it
    Operate it: wishtree migrate; wishtree api|bus|worker SERVICE; wishtree beat; wishtree gateway
    """
    if data is not None:
        use_data_folder(data)


def use_data_folder(data: Path) -> None:
    """Take the settings that `wishtree up --data DIR` wrote; what the environment already says stays."""
    try:
        lines = (data / "env").read_text().splitlines()
    except OSError:
        raise click.ClickException(f"{data}/env cannot be read: has `wishtree up --data {data}` been run?") from None
    for line in lines:
        name, found, value = line.partition("=")
        if found:
            os.environ.setdefault(name, value)


def data_option(command: Any) -> Any:
    """`--data` after the command works as before it."""

    def take(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            use_data_folder(value)

    return click.option(
        "--data", type=click.Path(path_type=Path), callback=take, expose_value=False, is_eager=True,
        help="Folder of a running `wishtree up`: its settings are used.",
    )(command)  # fmt: skip


@main.command()
@click.option(
    "--embedded", "mode", flag_value="embedded", default="embedded", help="PostgreSQL and Valkey from wheels."
)
@click.option("--real", "mode", flag_value="real", help="Installed PostgreSQL and RabbitMQ, one process per role.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True)
@click.option("--port", type=click.IntRange(1, 65000), default=8000, show_default=True)
@click.option("--verbose", is_flag=True, help="Show all logs here, not only warnings.")
def up(mode: str, data: Path, port: int, verbose: bool) -> None:
    """Start everything on this machine and stop it with Ctrl-C."""
    from devkit.local.up import up as run

    run("real" if mode == "real" else "embedded", data, port, verbose=verbose)


@main.command()
@click.argument("service", type=ONE_OR_ALL)
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 8001 registration ... 8004 notify; all: 8000.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--threads", type=click.IntRange(1, 200), default=8, show_default=True)
@data_option
def api(service: str, port: int | None, host: str, threads: int) -> None:
    """Serve a service's endpoints (`all`: all four and the gateway on one port)."""
    from shared.service.serve import serve

    if service == "all":
        from gateway.app import create_compact

        serve(create_compact, f"{host}:{port or 8000}", threads)
    else:
        module = importlib.import_module(f"services.{service}.app")
        serve(module.create_app, f"{host}:{port or 8001 + SERVICES.index(service)}", threads)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--threads", type=click.IntRange(1, 200), default=16, show_default=True)
@data_option
def gateway(port: int, host: str, threads: int) -> None:
    """Serve all services at one origin, and the pages."""
    from gateway.app import create_gateway
    from shared.service.serve import serve

    serve(create_gateway, f"{host}:{port}", threads)


@main.command()
@click.argument("service", type=ONE_OR_ALL)
@data_option
def bus(service: str) -> None:
    """Relay a service's outbox and handle the facts it hears. Start as many as you like."""
    from shared.service.bus_process import run_bus

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_bus(SERVICES if service == "all" else (service,), stop)


@main.command()
@click.argument("service", type=ONE_OR_ALL)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--beat", "with_beat", is_flag=True, help="Also start periodic jobs from this process.")
@data_option
def worker(service: str, concurrency: int, with_beat: bool) -> None:
    """Run a service's Celery jobs (threads, late acknowledgement)."""
    from prometheus_client import start_http_server

    from shared.core.settings import Settings
    from shared.jobs.celery import make_celery
    from shared.jobs.enqueue import kicks_through

    settings = Settings.read()
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    app = make_celery(SERVICES if service == "all" else (service,), settings)
    kicks_through(app)
    options = ["worker", "-P", "threads", "-c", str(concurrency), "--without-gossip", "--without-mingle",
               "--without-heartbeat", "--loglevel", "INFO", "-n", f"{service}-{os.getpid()}@%h"]  # fmt: skip
    app.worker_main([*options, *(["-B", "-s", _beat_file()] if with_beat else [])])


@main.command()
@data_option
def beat() -> None:
    """Start periodic jobs of all services when they are due. A second beat is harmless."""
    from shared.core.settings import Settings
    from shared.jobs.celery import make_celery

    make_celery(SERVICES, Settings.read()).start(["beat", "-s", _beat_file(), "--loglevel", "INFO"])


def _beat_file() -> str:
    """Beat's memory of when it last sent what; losing it is harmless (a periodic job is unique by its period)."""
    import tempfile

    folder = os.environ.get("WISHTREE_DATA_DIR") or tempfile.gettempdir()
    return str(Path(folder) / f"beat-schedule-{os.getuid()}")


@main.command()
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def migrate(service: str) -> None:
    """Bring the schema up to date (needs WISHTREE_OWNER_DATABASE_URL). Repeating it changes nothing."""
    from shared.core.settings import Settings
    from shared.service.migrate import migrate as run

    for name in SERVICES if service == "all" else (service,):
        run(name, Settings.read())
        click.echo(f"{name}: up to date")


@main.command()
@data_option
def seed() -> None:
    """Put a small demo district into an empty installation. Does nothing when there is data."""
    from shared.core.settings import Settings
    from shared.db.engine import Database, transaction, using

    for name in SERVICES:
        module = importlib.import_module(f"console.demo.{name}")
        with using(Database(name, Settings.read())), transaction() as session:
            for line in module.seed(session):
                click.echo(line)


@main.command()
@click.option("--base-url", default="http://localhost:8000", show_default=True)
@data_option
def story(base_url: str) -> None:
    """Play the whole main job over HTTP; ends with 0, or with the first thing that was not as it must be."""
    from devkit.story import play

    sys.exit(play(base_url))


@main.command()
@click.option("--role", required=True, type=click.Choice(["volunteer", "coordinator", "staff", "auditor", "system"]))
@click.option("--subject", help="Person's id, or a client's name for `system`. Default: a new id.")
@click.option("--organisation", help="Where a coordinator coordinates.")
@click.option("--scope", default="", help='For `system`, e.g. "records:write records:verified".')
@click.option("--minutes", type=click.IntRange(1, 1440), default=15, show_default=True)
@data_option
def token(role: str, subject: str | None, organisation: str | None, scope: str, minutes: int) -> None:
    """Print an access token, signed with this installation's key. For operators and tests."""
    from shared.auth.principal import Role
    from shared.auth.tokens import sign_token
    from shared.core.ids import new_id
    from shared.core.settings import Settings

    try:
        who: UUID | str = (subject or "cli") if role == "system" else (UUID(subject) if subject else new_id())
        where = UUID(organisation) if organisation else None
    except ValueError:
        raise click.ClickException("--subject and --organisation must be UUIDs.") from None
    click.echo(
        sign_token(
            Settings.read(), role=Role(role), subject=who, organisation_id=where,
            scopes=frozenset(scope.split()), seconds=minutes * 60,
        )
    )  # fmt: skip


@main.group("dead-letters")
def dead_letters() -> None:
    """Facts that were given up after five attempts."""


@dead_letters.command("list")
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def list_dead_letters(service: str) -> None:
    """One line per dead letter: id, when, why."""
    from console.operations import dead_letters_of

    for name in SERVICES if service == "all" else (service,):
        for letter in dead_letters_of(name):
            click.echo(
                f"{letter.id}  {name:12}  {letter.died_at:%Y-%m-%d %H:%M:%S}  {letter.reason:10}  {letter.error or ''}"
            )


@dead_letters.command("show")
@click.argument("letter_id", type=click.UUID)
@data_option
def show_dead_letter(letter_id: UUID) -> None:
    """The message as it was received, and what went wrong."""
    from console.operations import find_dead_letter

    service, letter = find_dead_letter(letter_id)
    shown = {"service": service, "reason": letter.reason, "error": letter.error, "attempts": letter.attempts}
    click.echo(json.dumps({**shown, "body": letter.body}, ensure_ascii=False, indent=2))


@dead_letters.command("replay")
@click.argument("letter_ids", type=click.UUID, nargs=-1)
@click.option("--all", "everything", is_flag=True)
@data_option
def replay_dead_letters(letter_ids: tuple[UUID, ...], everything: bool) -> None:
    """Give dead letters five new attempts, due at once."""
    from console.operations import replay_letters

    if not letter_ids and not everything:
        raise click.UsageError("Name the letters, or say --all.")
    click.echo(f"{replay_letters(letter_ids, everything)} given new attempts")


@main.command()
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def reconcile(service: str) -> None:
    """Walk the feeds now and take in whatever a broker lost, however young. Prints how many facts were looked at."""
    from console.operations import reconcile as run

    for name in SERVICES if service == "all" else (service,):
        click.echo(f"{name}: {run(name)} facts looked at")


@main.group()
def ledger() -> None:
    """The journal of points and its seal."""


@ledger.command("head")
@data_option
def ledger_head() -> None:
    """Print the newest head of the chain, NUMBER:HASH. Kept elsewhere, it proves later that nothing was changed."""
    from console.operations import head_of_ledger

    click.echo(head_of_ledger() or "nothing is sealed yet")


@ledger.command("audit")
@click.option("--head", help="NUMBER:HASH, as somebody kept it: it must be in the chain.")
@data_option
def audit_ledger(head: str | None) -> None:
    """Check every transfer, seal and balance; ends with 1 and names the first thing that is amiss."""
    from console.operations import audit_ledger as run

    finding = run(head, lambda line: click.echo(line, err=True))
    if finding is not None:
        click.echo(f"{finding.kind}: {finding.detail}")
        sys.exit(1)
    click.echo("The journal, its seals and all balances agree.")


@main.command()
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--venue", "venue_id", type=click.UUID, help="Only this one. Default: every venue with something to settle."
)
@data_option
def settle(month: str, venue_id: UUID | None) -> None:
    """Close a month of the venues; ends with 1 if any was refused."""
    from console.operations import settle_month

    outcomes = list(settle_month(month, venue_id))
    for line, closed in outcomes:
        click.echo(line, err=not closed)
    if not outcomes:
        click.echo(f"Nothing to settle in {month}.")
    sys.exit(0 if all(closed for _, closed in outcomes) else 1)


@main.group()
def events() -> None:
    """What the services tell each other."""


@events.command()
@click.option("--write", is_flag=True, help="Export JSON Schemas and the AsyncAPI document to docs/events/.")
def catalogue(write: bool) -> None:
    """Every fact: who says it, who hears it."""
    from console.operations import export_contracts
    from shared.contracts.base import catalogue as contracts

    for (type_, version), contract in sorted(contracts().items()):
        click.echo(f"{type_:26} v{version}  {contract.source:13} -> {', '.join(contract.heard_by) or '-'}")
    if write:
        click.echo(f"{export_contracts()} files written to docs/events/")


@main.group()
def client() -> None:
    """Other systems that call us."""


@client.command("create")
@click.argument("name")
@click.option("--scope", default="records:write", show_default=True, help="Space-separated.")
@data_option
def create_client(name: str, scope: str) -> None:
    """Register a system; prints its client id and secret once."""
    from console.operations import call_verb

    click.echo(json.dumps(call_verb("registration", "clients", "create_client", name=name, scopes=scope.split())))


@main.group()
def staff() -> None:
    """Centre staff."""


@staff.command("create")
@click.argument("login")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@data_option
def create_staff(login: str, password: str) -> None:
    """Create a staff log-in."""
    from console.operations import call_verb

    click.echo(json.dumps(call_verb("registration", "staff", "create_staff", login=login, password=password)))


@main.group()
def bench() -> None:
    """Measure the hot paths against their physical limit and a peer, in one run."""


@bench.command("pipeline")
@click.option("--rows", type=click.IntRange(100, 1_000_000), default=20_000, show_default=True)
@click.option("--runs", type=click.IntRange(1, 20), default=3, show_default=True)
def bench_pipeline(rows: int, runs: int) -> None:
    """Committed outbox rows -> last credit and voucher committed."""
    from devkit.bench.pipeline import run

    run(rows, runs)


@bench.command("http")
@click.option("--seconds", type=click.IntRange(1, 60), default=5, show_default=True)
@click.option("--runs", type=click.IntRange(1, 20), default=3, show_default=True)
def bench_http(seconds: int, runs: int) -> None:
    """Hot endpoints against a bare Flask view with the same SQL."""
    from devkit.bench.http import run

    run(seconds, runs)


@bench.command("ledger")
@click.option("--accounts", type=click.IntRange(1_000, 5_000_000), default=1_000_000, show_default=True)
@click.option("--entries", type=click.IntRange(10_000, 50_000_000), default=10_000_000, show_default=True)
@click.option("--redemptions", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True)
def bench_ledger(accounts: int, entries: int, redemptions: int) -> None:
    """Balances, statements and a settlement in a small and in a large bank (loads rows for some minutes)."""
    from devkit.bench.ledger import run

    run(accounts, entries, redemptions)


if __name__ == "__main__":
    main()

"""Events: the catalogue, dead letters, what a broker lost."""

import json
import sys
from uuid import UUID

import click

from console.options import ONE_OR_ALL, data_option, named


@click.group("dead-letters")
def dead_letters() -> None:
    """See and repeat events that a service gave up after five attempts."""


@dead_letters.command("list")
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def list_dead_letters(service: str) -> None:
    """Print a line per dead letter of SERVICE (default: all): id, service, time, reason, error.

    Newest first, at most 1,000 a service. Letters that were replayed are left out.
    """
    from console.dead_letters import dead_letters_of

    for name in named(service):
        for letter in dead_letters_of(name):
            died_at, error = f"{letter.died_at:%Y-%m-%d %H:%M:%S}", letter.error or ""
            click.echo(f"{letter.id}  {name:12}  {died_at}  {letter.reason:10}  {error}")


@dead_letters.command("show")
@click.argument("letter_id", type=click.UUID)
@data_option
def show_dead_letter(letter_id: UUID) -> None:
    """Print the message as it was received, and what went wrong, as JSON.

    The message may name people: do not paste it where others read it.
    """
    from console.dead_letters import find_dead_letter

    service, letter = find_dead_letter(letter_id)
    shown = {
        "service": service,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "body": letter.body,
    }
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@dead_letters.command("replay")
@click.argument("letter_ids", type=click.UUID, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every letter that was not replayed yet.")
@data_option
def replay_dead_letters(letter_ids: tuple[UUID, ...], everything: bool) -> None:
    """Give dead letters five new attempts, due at once.

    A letter that was replayed is skipped, and an event that was handled has no second effect, so
    repeating it is harmless.

    \b
    Example: wishtree dead-letters replay 0192f1c8-6d3a-7c55-9b1e-0f6f6f0f6f0f
    """
    from console.dead_letters import replay_letters

    if not letter_ids and not everything:
        raise click.UsageError("Name the letters, or use --all.")
    click.echo(f"{replay_letters(letter_ids, everything)} given new attempts")


@click.command()
@click.argument("service", type=ONE_OR_ALL, default="all")
@click.option("--audit", is_flag=True, help="Compare instead what the services have of each other.")
@click.option(
    "--repair", is_flag=True, help="With --audit: hand over again the events that never arrived."
)
@click.option("--json", "as_json", is_flag=True, help="With --audit: print JSON.")
@data_option
def reconcile(service: str, audit: bool, repair: bool, as_json: bool) -> None:
    """Read the feeds of the other services now and handle every event that a broker lost.

    For SERVICE, or for all. The catch-up does the same by itself, for events over a minute old.
    Prints how many events were looked at. Repeating it changes nothing.

    With --audit it compares the services' copies with what their owners have. It prints a line for
    each difference and what to do about it, and ends with 1 if there are any. The services have to
    be running.
    """
    if audit:
        _audit(service, repair, as_json)
        return
    if repair or as_json:
        raise click.UsageError("--repair and --json go with --audit.")
    from console.reconciliation import reconcile as run

    for name in named(service):
        click.echo(f"{name}: {run(name)} events looked at")


def _audit(service: str, repair: bool, as_json: bool) -> None:
    from console.audit import run_audit

    if run_audit(named(service), repair, as_json, click.echo):
        sys.exit(1)


@click.group()
def events() -> None:
    """See the events between the services."""


@events.command()
@click.option("--write", is_flag=True, help="Also export the JSON Schemas to docs/events/.")
def catalogue(write: bool) -> None:
    """List every event: its version, the service that publishes it, those that handle it.

    Repeating --write changes nothing while the contracts stay the same.
    """
    from console.contracts import export_contracts
    from shared.contracts.base import catalogue as contracts

    for (type_, version), contract in sorted(contracts().items()):
        handlers = ", ".join(contract.handled_by) or "-"
        click.echo(f"{type_:26} v{version}  {contract.source:13} -> {handlers}")
    if write:
        click.echo(f"{export_contracts()} of {len(contracts())} files in docs/events/ changed")

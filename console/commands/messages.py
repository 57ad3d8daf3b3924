"""Events: the catalogue, dead letters, what a broker lost."""

import json
from uuid import UUID

import click

from console.options import ONE_OR_ALL, data_option, named


@click.group("dead-letters")
def dead_letters() -> None:
    """Events that were given up after five attempts."""


@dead_letters.command("list")
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def list_dead_letters(service: str) -> None:
    """One line per dead letter: id, when, why."""
    from console.dead_letters import dead_letters_of

    for name in named(service):
        for letter in dead_letters_of(name):
            click.echo(
                f"{letter.id}  {name:12}  {letter.died_at:%Y-%m-%d %H:%M:%S}  {letter.reason:10}  {letter.error or ''}"
            )


@dead_letters.command("show")
@click.argument("letter_id", type=click.UUID)
@data_option
def show_dead_letter(letter_id: UUID) -> None:
    """The message as it was received, and what went wrong."""
    from console.dead_letters import find_dead_letter

    service, letter = find_dead_letter(letter_id)
    shown = {
        "service": service,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
    }
    click.echo(json.dumps({**shown, "body": letter.body}, ensure_ascii=False, indent=2))


@dead_letters.command("replay")
@click.argument("letter_ids", type=click.UUID, nargs=-1)
@click.option("--all", "everything", is_flag=True)
@data_option
def replay_dead_letters(letter_ids: tuple[UUID, ...], everything: bool) -> None:
    """Give dead letters five new attempts, due at once."""
    from console.dead_letters import replay_letters

    if not letter_ids and not everything:
        raise click.UsageError("Name the letters, or say --all.")
    click.echo(f"{replay_letters(letter_ids, everything)} given new attempts")


@click.command()
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def reconcile(service: str) -> None:
    """Walk the feeds now and take in whatever a broker lost, however young. Prints how many events
    were looked at.
    """
    from console.reconciliation import reconcile as run

    for name in named(service):
        click.echo(f"{name}: {run(name)} events looked at")


@click.group()
def events() -> None:
    """What the services tell each other."""


@events.command()
@click.option("--write", is_flag=True, help="Also export the JSON Schemas to docs/events/.")
def catalogue(write: bool) -> None:
    """Every event: who publishes it, who handles it."""
    from console.contracts import export_contracts
    from shared.contracts.base import catalogue as contracts

    for (type_, version), contract in sorted(contracts().items()):
        click.echo(
            f"{type_:26} v{version}  {contract.source:13} -> {', '.join(contract.handled_by) or '-'}"
        )
    if write:
        click.echo(f"{export_contracts()} files written to docs/events/")

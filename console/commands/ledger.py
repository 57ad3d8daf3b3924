"""The journal of points, and closing a month."""

import sys
from uuid import UUID

import click

from console.options import data_option


@click.group()
def ledger() -> None:
    """The journal of points and its seal."""


@ledger.command("head")
@data_option
def ledger_head() -> None:
    """Print the newest head of the chain, NUMBER:HASH.

    Kept elsewhere, it proves later that nothing was changed.
    """
    from console.ledger import head_of_ledger

    click.echo(head_of_ledger() or "nothing is sealed yet")


@ledger.command("audit")
@click.option("--head", help="NUMBER:HASH, as somebody kept it: it must be in the chain.")
@data_option
def audit_ledger(head: str | None) -> None:
    """Check every transfer, seal and balance.

    Ends with 1 and names the first thing that is wrong.
    """
    from console.ledger import audit_ledger as run

    finding = run(head, lambda line: click.echo(line, err=True))
    if finding is not None:
        click.echo(f"{finding.kind}: {finding.detail}")
        sys.exit(1)
    click.echo("The journal, its seals and all balances agree.")


@click.command()
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--venue",
    "venue_id",
    type=click.UUID,
    help="Only this one. Default: every venue with something to settle.",
)
@data_option
def settle(month: str, venue_id: UUID | None) -> None:
    """Close a month of the venues; ends with 1 if any was refused."""
    from console.ledger import settle_month

    outcomes = list(settle_month(month, venue_id))
    for line, closed in outcomes:
        click.echo(line, err=not closed)
    if not outcomes:
        click.echo(f"Nothing to settle in {month}.")
    sys.exit(0 if all(closed for _, closed in outcomes) else 1)

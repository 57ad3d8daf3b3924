"""Look at the whole installation."""

import sys

import click

from console.options import data_option

COLOURS = {
    **dict.fromkeys(("down", "away", "silent", "behind"), "red"),
    **dict.fromkeys(("degraded", "broker_away", "database_away"), "yellow"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@data_option
def status(as_json: bool) -> None:
    """Print the state of all services, and of each loop of each process.

    Reads the databases and asks no process, so it works while any of them is frozen or dead, and
    within 5 s while a database is away.

    \b
    Ends with 0  ready     everything works
              1  degraded  requests are served, but something behind them does not work
              2  down      a database does not answer
    """
    from console.status import EXIT_CODES, installation_status, status_lines

    found = installation_status()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        for line in status_lines(found):
            click.echo(_coloured(line))
    sys.stdout.flush()
    sys.exit(EXIT_CODES[found.status])


def _coloured(line: str) -> str:
    """Colour words that should catch the eye; click leaves colours out where no terminal is."""
    for word, colour in COLOURS.items():
        line = line.replace(f" {word} ", f" {click.style(word, fg=colour)} ")
    return line

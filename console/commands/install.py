"""Prepare an installation: migrate, seed."""

import click

from console.options import ONE_OR_ALL, data_option, named


@click.command()
@click.argument("service", type=ONE_OR_ALL, default="all")
@data_option
def migrate(service: str) -> None:
    """Bring the tables of SERVICE (default: all) up to date. Repeating it changes nothing.

    Needs WISHTREE_OWNER_DATABASE_URL: the services themselves may not change tables. Run it before
    the new version starts.

    \b
    Example: wishtree migrate && wishtree api rewards
    """
    from console.services import definition_of
    from shared.core.settings import Settings
    from shared.service.migrate import migrate as run

    for name in named(service):
        run(definition_of(name), Settings.read())
        click.echo(f"{name}: up to date")


@click.command()
@data_option
def seed() -> None:
    """Put a small demo district into an empty installation, and print its log-ins.

    A service that has data is left as it is, so repeating it changes nothing.
    """
    from console.demo import SEEDS
    from console.services import operator_transaction

    for service, seed_service in SEEDS.items():
        with operator_transaction(service) as session:
            for line in seed_service(session):
                click.echo(line)

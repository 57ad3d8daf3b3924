"""Tokens, other systems and staff."""

import json
from dataclasses import asdict
from uuid import UUID

import click

from console.options import data_option


@click.command()
@click.option(
    "--role",
    required=True,
    type=click.Choice(["volunteer", "coordinator", "staff", "auditor", "system"]),
)
@click.option("--subject", help="Person's id, or a client's name for `system`. Default: a new id.")
@click.option("--organisation", help="Where a coordinator coordinates.")
@click.option("--scope", default="", help='For `system`, e.g. "records:write records:verified".')
@click.option("--minutes", type=click.IntRange(1, 1440), default=15, show_default=True)
@data_option
def token(
    role: str, subject: str | None, organisation: str | None, scope: str, minutes: int
) -> None:
    """Print an access token, signed with this installation's key. For operators and tests."""
    from shared.auth.principal import Role
    from shared.auth.tokens import sign_token
    from shared.core.ids import new_id
    from shared.core.settings import Settings

    try:
        who: UUID | str = (
            (subject or "cli") if role == "system" else (UUID(subject) if subject else new_id())
        )
        where = UUID(organisation) if organisation else None
    except ValueError:
        raise click.ClickException("--subject and --organisation must be UUIDs.") from None
    click.echo(
        sign_token(
            Settings.read(),
            role=Role(role),
            subject=who,
            organisation_id=where,
            scopes=frozenset(scope.split()),
            seconds=minutes * 60,
        )
    )


@click.group()
def client() -> None:
    """Other systems that call us."""


@client.command("create")
@click.argument("name")
@click.option("--scope", default="records:write", show_default=True, help="Space-separated.")
@data_option
def create_client_command(name: str, scope: str) -> None:
    """Register a system; prints its client id and secret once."""
    from console.services import operator_transaction
    from services.registration.clients import create_client

    with operator_transaction("registration") as session:
        click.echo(json.dumps(asdict(create_client(session, name, scope.split()))))


@click.group()
def staff() -> None:
    """Centre staff."""


@staff.command("create")
@click.argument("login")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@data_option
def create_staff_command(login: str, password: str) -> None:
    """Create a staff log-in."""
    from console.services import operator_transaction
    from services.registration.staff import create_staff

    with operator_transaction("registration") as session:
        click.echo(json.dumps(asdict(create_staff(session, login, password)), default=str))

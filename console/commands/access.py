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
@click.option("--subject", help="A person's id, or for `system` a client's name. Default: new id.")
@click.option("--organisation", help="Id of the organisation that a coordinator coordinates.")
@click.option("--scope", default="", help='For `system`, e.g. "records:write records:verified".')
@click.option("--minutes", type=click.IntRange(1, 1440), default=15, show_default=True)
@data_option
def token(
    role: str, subject: str | None, organisation: str | None, scope: str, minutes: int
) -> None:
    """Print an access token, signed with the key of this installation. For operators and tests.

    Each call makes a new token and stores nothing.

    \b
    Example: curl -H "Authorization: Bearer $(wishtree token --role staff --data var)" \\
                  http://localhost:8000/v1/venues
    """
    from shared.auth.principal import Role
    from shared.auth.tokens import sign_token
    from shared.core.settings import Settings

    signed = sign_token(
        Settings.read(),
        role=Role(role),
        subject=_subject(role, subject),
        organisation_id=_uuid("--organisation", organisation) if organisation else None,
        scopes=frozenset(scope.split()),
        seconds=minutes * 60,
    )
    click.echo(signed)


def _subject(role: str, subject: str | None) -> UUID | str:
    from shared.core.ids import new_id

    if role == "system":
        return subject or "cli"
    return _uuid("--subject", subject) if subject else new_id()


def _uuid(option: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise click.ClickException(f"{option} must be a UUID.") from None


@click.group()
def client() -> None:
    """Manage other systems that call the API."""


@client.command("create")
@click.argument("name")
@click.option("--scope", default="records:write", show_default=True, help="Space-separated.")
@data_option
def create_client_command(name: str, scope: str) -> None:
    """Register a system; print its client id and secret as JSON.

    The secret is shown only now. Repeating it registers another system.

    \b
    Example: wishtree client create "City library" --scope "records:write records:verified"
    """
    from console.services import operator_transaction
    from services.registration.clients import create_client

    with operator_transaction("registration") as session:
        click.echo(json.dumps(asdict(create_client(session, name, scope.split()))))


@click.group()
def staff() -> None:
    """Manage staff of the centre."""


@staff.command("create")
@click.argument("login")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@data_option
def create_staff_command(login: str, password: str) -> None:
    """Create a staff log-in and print its id as JSON. Asks for the password unless it is given.

    A login name can be used once: repeating it is refused.
    """
    from console.services import operator_transaction
    from services.registration.staff import create_staff

    with operator_transaction("registration") as session:
        click.echo(json.dumps(asdict(create_staff(session, login, password)), default=str))

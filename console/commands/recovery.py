"""Back up, restore, and begin a new epoch after a restore by other means."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from console.options import DATA_HELP, ONE_OR_ALL, data_option, named, needs_checkout
from shared import SERVICES


def _stopped_data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data` for a command that also works while `wishtree up` does not run."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        help=f"{DATA_HELP} Its database is started for this command if it does not run.",
    )(command)


@contextmanager
def _installation(data: Path | None, exclusive: bool, new: bool = False) -> Iterator[None]:
    """Use the given settings, or those of a `wishtree up`, whose database is started if need be.

    A variable that is already in the environment stays as it is.
    """
    parent = click.get_current_context().parent
    data = data or (parent.params.get("data") if parent else None)
    if data is None:
        yield
        return
    with needs_checkout():
        from devkit.local.alone import servers_of_installation
    with servers_of_installation(data, exclusive, new) as settings:
        for name, value in settings.items():
            os.environ.setdefault(name, value)
        yield


def _report(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_stopped_data_option
def backup(folder: Path, data: Path | None) -> None:
    """Write everything in the databases to the new folder DIR, as it is at one moment.

    Services go on meanwhile. The folder holds personal data: only you may read it. It does not hold
    the secrets; without the data key nobody can read its encrypted columns, so keep that key
    elsewhere.

    \b
    Examples: wishtree backup backups/2026-11-27
              wishtree backup backups/2026-11-27 --data var       of a `wishtree up`
              docker compose run --rm recovery backup /backups/2026-11-27
    """
    from console.recovery.backup import back_up
    from shared.core.settings import Settings

    with _installation(data, exclusive=False):
        manifest = back_up(folder, Settings.read(), _report)
    click.echo(f"{folder}: {manifest.rows:,} rows of {len(manifest.schemas)} services")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Replace what is there. Not needed if it is empty.")
@click.option(
    "--only",
    "service",
    type=ONE_OR_ALL,
    default="all",
    show_default=True,
    help="Take one service alone. Avoid it: the others keep what they did with its later events.",
)
@click.option(
    "--other-key",
    is_flag=True,
    help="Restore although the data key is lost: contacts and voucher codes are lost for good.",
)
@click.option("--force", is_flag=True, help="Restore although sessions are connected (a pooler's).")
@click.option("--keep-broker", is_flag=True, help="Do not empty the broker.")
@_stopped_data_option
def restore(
    folder: Path,
    yes: bool,
    service: str,
    other_key: bool,
    force: bool,
    keep_broker: bool,
    data: Path | None,
) -> None:
    """Replace everything in the databases by the backup in DIR.

    Stop every api, bus, worker and beat first. Needs WISHTREE_OWNER_DATABASE_URL, which --data
    knows. All files are checked before anything changes. Then the tables are replaced, a new epoch
    begins, the broker is emptied, and the result is checked. An interrupted restore is repeated.

    \b
    Examples: wishtree restore backups/2026-11-27 --yes
              wishtree restore backups/2026-11-27 --yes --data var
              docker compose run --rm recovery restore /backups/2026-11-27 --yes
    """
    from console.recovery.restore import check_backup, owned_databases, refuse_if_in_use, rows_in
    from shared.core.settings import Settings

    with _installation(data, exclusive=True, new=True):
        settings = Settings.read()
        found = check_backup(folder, settings, named(service), other_key)
        with owned_databases(settings) as databases:
            if not force:
                refuse_if_in_use(databases)
            if not yes and rows_in(databases, found.services):
                raise click.ClickException(
                    "There is data in this installation, and a restore replaces it. If you mean"
                    " that, repeat the command with --yes."
                )
            _begin_and_check(databases, settings, found, keep_broker)
    of_it = f" --data {data}" if data else ""
    click.echo(
        f"Restored what was there on {found.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC. Start the"
        f" services; then `wishtree reconcile{of_it}` brings at once what catch-up would bring by"
        " itself."
    )


@click.command("new-epoch")
@click.option("--force", is_flag=True, help="Go on although sessions are connected (a pooler's).")
@click.option("--keep-broker", is_flag=True, help="Do not empty the broker.")
@_stopped_data_option
def new_epoch(force: bool, keep_broker: bool, data: Path | None) -> None:
    """Finish a restore that was made by other means, such as point-in-time recovery.

    Stop every api, bus, worker and beat first. Needs WISHTREE_OWNER_DATABASE_URL, which --data
    knows. Brings the tables up to date, begins a new epoch, so that events of the discarded future
    are refused, empties the broker and checks the result. Changes no other data, and may be
    repeated.

    \b
    Examples: wishtree new-epoch
              wishtree new-epoch --data var
    """
    from console.recovery.restore import owned_databases, refuse_if_in_use
    from shared.core.settings import Settings

    with _installation(data, exclusive=True):
        settings = Settings.read()
        with owned_databases(settings) as databases:
            if not force:
                refuse_if_in_use(databases)
            _begin_and_check(databases, settings, None, keep_broker)
    click.echo("A new epoch has begun. Start the services.")


def _begin_and_check(databases: Any, settings: Any, found: Any, keep_broker: bool) -> None:
    """Begin a new epoch, with the backup if there is one; empty the broker; check the result."""
    from console.ledger import audit_ledger
    from console.recovery.restore import begin_new_epoch, epochs_of

    epoch = begin_new_epoch(databases, settings, found, _report)
    if not keep_broker:
        _empty(settings)
    if epochs_of(databases) != {epoch}:
        raise click.ClickException("The schemas are not of one epoch: repeat the command.")
    finding = audit_ledger(None, lambda _line: None)
    if finding is not None:
        click.echo(f"The ledger does not agree: {finding.kind}: {finding.detail}", err=True)
        sys.exit(1)
    _report(f"checked: all {len(SERVICES)} schemas are of epoch {epoch}, and the ledger agrees")


def _empty(settings: Any) -> None:
    from console.recovery.broker import empty_broker

    try:
        _report(f"broker: {empty_broker(settings)} messages removed")
    except Exception as error:  # every transport has errors of its own
        _report(
            f"The broker was not emptied ({type(error).__name__}). Its old events are refused all"
            " the same; `wishtree empty-broker` removes them."
        )


@click.command("empty-broker")
@data_option
def empty_broker_command() -> None:
    """Remove every message of ours from the broker. No event is lost by it.

    Every event is in an outbox, and catch-up brings those that were not handled. Running processes
    declare their queues again by themselves. Repeating it is harmless.

    \b
    Example: wishtree empty-broker --data var
    """
    from console.recovery.broker import empty_broker
    from shared.core.settings import Settings

    settings = Settings.read()
    try:
        removed = empty_broker(settings)
    except Exception as error:  # every transport has errors of its own
        raise click.ClickException(
            f"The broker does not answer ({type(error).__name__}). No harm: its events of another"
            " epoch are refused all the same. Repeat the command when it is back."
        ) from error
    click.echo(f"{removed} messages removed")

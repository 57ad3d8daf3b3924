"""The `wishtree` command."""

from pathlib import Path
from typing import Any

import click
import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from console.commands import access, develop, install, ledger, messages, recovery, run, watch
from console.options import ADD_DATA, DATA_HELP, use_data_folder
from shared.core.problems import Problem
from shared.core.settings import SettingMissing, SettingsError
from shared.db.contention import first_line


class _Group(click.Group):
    """Prints a wrong setting, a refusal or what the database says instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingMissing as error:
            raise click.ClickException(f"{error} {ADD_DATA}") from None
        except SettingsError as error:
            raise click.ClickException(str(error)) from None
        except Problem as problem:
            raise click.ClickException(f"{problem.title()} {problem.detail}") from None
        except (DBAPIError, PoolTimeout, psycopg.Error) as error:
            words = f"The database: {first_line(error)}"
            if "Connection refused" in words:
                words = f"{words}: does this installation run?"
            raise click.ClickException(words) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), help=DATA_HELP)
def main(data: Path | None) -> None:
    """Run and operate Wishtree 心愿树: volunteers, wishes and happy vouchers.

    \b
    Try it:     wishtree up                  everything on this machine, http://localhost:8000
                wishtree story               play the main job against it
    Operate it: wishtree migrate; wishtree api|bus|worker SERVICE; wishtree beat; wishtree gateway
    Watch it:   wishtree status
    Keep it:    wishtree backup DIR; wishtree restore DIR

    Settings come from the environment (WISHTREE_...), or with --data from a running `wishtree up`.
    `wishtree COMMAND --help` explains a command.
    """
    if data is not None:
        use_data_folder(data)


for command in (
    *(run.up, run.api, run.gateway, run.bus, run.worker, run.beat),
    *(install.migrate, install.seed),
    watch.status,
    *(access.token, access.client, access.staff),
    *(messages.dead_letters, messages.reconcile, messages.events),
    *(ledger.ledger, ledger.settle),
    *(recovery.backup, recovery.restore, recovery.new_epoch, recovery.empty_broker_command),
    *(develop.story, develop.bench),
):
    main.add_command(command)


if __name__ == "__main__":
    main()

"""Arguments and options that several commands take."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from shared import SERVICES

ONE_OR_ALL = click.Choice([*SERVICES, "all"])
PORT = click.IntRange(1, 65535)
DATA_HELP = "Folder of a `wishtree up`: use the settings of that installation."
ADD_DATA = "With `make run`: add `--data var`."
NOT_IN_PRODUCTION = {"devkit", "psutil"}  #: modules that only a checkout has


def named(service: str) -> tuple[str, ...]:
    """The services that a SERVICE argument names."""
    return SERVICES if service == "all" else (service,)


def use_data_folder(data: Path) -> None:
    """Use the settings that `wishtree up --data DIR` wrote.

    A variable that is already in the environment stays as it is.
    """
    try:
        lines = (data / "env").read_text().splitlines()
    except OSError:
        raise click.ClickException(
            f"{data}/env cannot be read: has `wishtree up --data {data}` been run?"
        ) from None
    for line in lines:
        name, found, value = line.partition("=")
        if found:
            os.environ.setdefault(name, value)


@contextmanager
def needs_checkout() -> Iterator[None]:
    """Wrap imports of the developers' tools: a production installation has none.

    Raises ClickException where they are missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in NOT_IN_PRODUCTION:
            raise
        raise click.ClickException(
            "This installation holds only what production needs."
            " Run this command from a checkout: see its README."
        ) from None


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data`, which works after the command as it does before it."""

    def use(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            use_data_folder(value)

    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        callback=use,
        expose_value=False,
        is_eager=True,  # the settings are there before any other option is read
        help=DATA_HELP,
    )(command)

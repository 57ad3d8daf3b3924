"""Arguments and options that several commands take."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from shared import SERVICES

ONE_OR_ALL = click.Choice([*SERVICES, "all"])
DATA_HELP = "Folder of a running `wishtree up`: its settings are used."


def named(service: str) -> tuple[str, ...]:
    """The services that a SERVICE argument stands for."""
    return SERVICES if service == "all" else (service,)


def use_data_folder(data: Path) -> None:
    """Take the settings that `wishtree up --data DIR` wrote; what the environment already says
    stays.
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
    """Say in a sentence that an import inside needs the developers' tools, which a production
    install leaves out.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("devkit", "psutil"):
            raise
        raise click.ClickException(
            "This installation holds only what production needs. Run this command from a checkout: see its README."
        ) from None


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--data` after the command works as before it."""

    def take(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
        if value is not None:
            use_data_folder(value)

    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        callback=take,
        expose_value=False,
        is_eager=True,
        help=DATA_HELP,
    )(command)

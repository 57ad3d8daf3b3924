"""The folder and the ports of one installation: what `up` was given, and how it takes them."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from devkit.local.ports import port_is_free
from devkit.local.processes import stop_orphans
from devkit.local.shutdown import Running
from devkit.local.terminal import show
from shared import SERVICES

Mode = Literal["embedded", "real"]
OR_ANOTHER = "stop that one, or choose another folder with --data."


class UpFailed(click.ClickException):
    """The installation cannot be started. The text says in one sentence why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """What `up` was given: which servers, where everything is written, the port of the gateway."""

    mode: Mode
    data: Path
    port: int

    def port_of(self, service: str) -> int:
        """Embedded, one process on one port answers for all."""
        return self.port if self.mode == "embedded" else self.port + 1 + SERVICES.index(service)

    @property
    def ports(self) -> list[int]:
        return sorted({self.port, *map(self.port_of, SERVICES)})


def take_place(place: Place, running: Running) -> None:
    """Lock the folder, stop what a crashed run left, and check that the ports are free.

    Raises UpFailed.
    """
    make_writable(place.data)
    running.enter_context(locked(place.data))
    for name in stop_orphans(place.data):
        show(f"Stopped {name}, which an earlier run had left behind.")
    for port in place.ports:
        if not port_is_free(port):
            raise UpFailed(f"Port {port} is taken by another program: choose another with --port.")


def make_writable(data: Path) -> None:
    """Make the data folder, or make sure that we may write to it. Raises UpFailed.

    One that exists keeps its permissions. Root's may be passed through but not listed: where
    PostgreSQL must run under another account, that account has to reach its own folder in it. What
    is private is in folders and files that are.
    """
    try:
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise UpFailed(
            f"The data folder {data} cannot be written ({error.strerror}):"
            " choose another with --data."
        ) from error


@contextlib.contextmanager
def locked(data: Path, advice: str = OR_ANOTHER) -> Iterator[None]:
    """Keep every other `up` out of this folder.

    The kernel drops the lock when we end, however we end. Raises UpFailed with the advice.
    """
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UpFailed(
                f"The data folder {data} is in use by process {file.read().strip()}: {advice}"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield

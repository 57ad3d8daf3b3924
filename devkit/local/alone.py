"""Database and broker of an `up` installation, for a command that works on them alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devkit.local.accounts import NoAccount
from devkit.local.binaries import MissingBinary
from devkit.local.environment import DATABASE, OWNER, owner_password, settings_of
from devkit.local.place import Mode, Place, UpFailed, locked, make_writable
from devkit.local.processes import InUse, stop_orphans
from devkit.local.servers import ServerFailed
from devkit.local.shutdown import Interrupted, Running, stopped_by_signals
from devkit.local.up import servers_of

DEFAULT_PORT = 8000
STOP_IT = "press Ctrl-C where `make run` runs, then repeat the command."


@contextmanager
def servers_of_installation(
    data: Path, exclusive: bool, new: bool = False
) -> Iterator[Mapping[str, str]]:
    """Have the servers of the installation running, and yield its settings.

    If `up` runs, its servers are used, unless the command must have them for itself: then UpFailed
    says who is there. Otherwise they are started, and stopped afterwards. A folder in which `up`
    was never run is refused; a `new` one needs nothing but the secrets of a backup.
    """
    settings = read_settings(data)
    _refuse_if_unknown(data, settings, new)
    data = data.absolute()
    if not exclusive and settings and _is_running(data):
        yield settings
        return
    place = Place(_mode(data, settings), data, _port(settings))
    running = Running("database and broker")
    make_writable(data)
    try:
        with stopped_by_signals(running), running:
            running.enter_context(locked(data, STOP_IT))
            stop_orphans(data)
            yield _start(place, running)
    except Interrupted:
        raise UpFailed("Interrupted. Nothing is half done: repeat the command.") from None
    except (MissingBinary, NoAccount, ServerFailed, InUse) as error:
        raise UpFailed(str(error)) from error


def read_settings(data: Path) -> dict[str, str]:
    """What `up` wrote at its last start; empty if it never ran."""
    try:
        lines = (data / "env").read_text().splitlines()
    except OSError:
        return {}
    return {name: value for name, found, value in (line.partition("=") for line in lines) if found}


def _refuse_if_unknown(data: Path, settings: Mapping[str, str], new: bool) -> None:
    """Raise UpFailed before anything is made in a folder that was named by mistake."""
    if new and not (data / "secrets" / "data-key").is_file():
        raise UpFailed(
            f"{data} has no secrets: unpack those of the backup to {data}/secrets first."
        )
    if not new and not settings:
        raise UpFailed(f"{data}/env cannot be read: has `wishtree up --data {data}` been run?")


def _start(place: Place, running: Running) -> Mapping[str, str]:
    postgres, broker = servers_of(place)
    for server in (postgres, broker):
        running.add(server)
        server.start()
    postgres.create_role(OWNER, owner_password(place.data), createrole=True)
    postgres.create_database(DATABASE, OWNER)
    return settings_of(place, postgres, broker)


def _is_running(data: Path) -> bool:
    try:
        with locked(data):
            return False
    except UpFailed:
        return True


def _mode(data: Path, settings: Mapping[str, str]) -> Mode:
    """The mode of the last start; a folder that was never started becomes an embedded one."""
    if settings:
        return "embedded" if settings.get("WISHTREE_EMBEDDED") == "true" else "real"
    return "real" if (data / "postgresql-real").exists() else "embedded"


def _port(settings: Mapping[str, str]) -> int:
    port = settings.get("WISHTREE_PUBLIC_URL", "").rpartition(":")[2]
    return int(port) if port.isdigit() else DEFAULT_PORT

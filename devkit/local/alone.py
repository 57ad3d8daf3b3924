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
from devkit.local.shutdown import Running, stopped_by_signals
from devkit.local.up import servers_of

DEFAULT_PORT = 8000


@contextmanager
def servers_of_installation(data: Path, exclusive: bool) -> Iterator[Mapping[str, str]]:
    """Have the servers of the installation running, and yield its settings.

    If `up` runs, its servers are used, unless the command must have them for itself: then UpFailed
    says who is there. Otherwise they are started, and stopped afterwards.
    """
    data = data.absolute()
    settings = read_settings(data)
    if not exclusive and settings and _is_running(data):
        yield settings
        return
    place = Place(_mode(data, settings), data, _port(settings))
    running = Running()
    make_writable(data)
    try:
        with stopped_by_signals(running), running:
            running.enter_context(locked(data))
            stop_orphans(data)
            yield _start(place, running)
    except (MissingBinary, NoAccount, ServerFailed, InUse) as error:
        raise UpFailed(str(error)) from error


def read_settings(data: Path) -> dict[str, str]:
    """What `up` wrote at its last start; empty if it never ran."""
    try:
        lines = (data / "env").read_text().splitlines()
    except OSError:
        return {}
    return {name: value for name, found, value in (line.partition("=") for line in lines) if found}


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

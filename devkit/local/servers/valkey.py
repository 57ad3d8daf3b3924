"""A private Valkey: the broker of embedded mode."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from devkit.local.binaries import find_valkey
from devkit.local.files import private_folder, write_settings
from devkit.local.ports import LOOPBACK, response_of
from devkit.local.servers.base import Server, forget_socket_folder, socket_folder


class ValkeyServer(Server):
    """A private Valkey on a unix socket that only we may reach, with a password.

    `tcp=True` opens a loopback port too.
    """

    name = "Valkey"

    def __init__(self, folder: Path, tcp: bool = False) -> None:
        super().__init__(folder)
        self._tcp = tcp

    def url(self, tcp: bool = False) -> str:
        """The form that kombu and Celery take."""
        password = self._secret("password")
        if tcp:
            return f"redis://:{password}@{LOOPBACK}:{self.port}/0"
        return f"redis+socket://:{password}@{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        return socket_folder(self.folder) / "valkey.sock"

    def stop(self) -> None:
        super().stop()
        forget_socket_folder(self.folder)

    def _prepare(self) -> None:
        private_folder(self.folder / "data")
        settings = {
            "port": str(self.port) if self._tcp else "0",
            "bind": LOOPBACK,
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "requirepass": self._secret("password"),
            "dir": f'"{self.folder / "data"}"',
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",  # a full broker must refuse, not drop
            "daemonize": "no",
        }
        write_settings(self.folder / "valkey.conf", settings, between=" ")

    def _command(self) -> Sequence[str | Path]:
        return [find_valkey(), self.folder / "valkey.conf"]

    def _answers(self) -> bool:
        """True when PING is answered: while it loads its data, it answers with an error."""
        request = f"AUTH {self._secret('password')}\r\nPING\r\n".encode()
        return response_of(str(self.socket), request, until=b"PONG").endswith(b"+PONG\r\n")

"""A private pgbouncer in transaction mode, five connections per role."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from sqlalchemy.engine import make_url

from devkit.local.accounts import Account, account_for
from devkit.local.files import write_private
from devkit.local.ports import LOOPBACK, port_is_free
from devkit.local.servers import Server
from devkit.local.servers.base import NO_ACCOUNT
from devkit.testkit import PrivatePostgres

POOL_SIZE = 5


class PgBouncer(Server):
    """Passes connections on to one PostgreSQL; knows the passwords of the given URLs."""

    name = "pgbouncer"

    def __init__(self, folder: Path, urls: Sequence[str], settings: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._urls = [make_url(url) for url in urls]
        self._settings = settings

    def through(self, url: str) -> str:
        """The same URL, through the pooler."""
        mine = make_url(url).set(host=LOOPBACK, port=self.port)
        return mine.render_as_string(hide_password=False)

    def _prepare(self) -> None:
        users = {f'"{url.username}" "{url.password}"' for url in self._urls}
        write_private(self.folder / "users", "\n".join(sorted(users)))
        settings = {
            "listen_addr": LOOPBACK,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self.folder / "users"),
            "pool_mode": "transaction",
            "default_pool_size": str(POOL_SIZE),
            "max_client_conn": "200",
            **self._settings,
        }
        target = f"* = host={self._urls[0].host} port={self._urls[0].port}"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        text = "\n".join(["[databases]", target, "[pgbouncer]", *lines])
        write_private(self.folder / "pgbouncer.ini", text)

    def _command(self) -> Sequence[str | Path]:
        return [_program(), self.folder / "pgbouncer.ini"]

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = NO_ACCOUNT) -> None:
        account, _ = account_for(self.folder, _program().parent, "pgbouncer")  # it refuses root
        account.give(self.folder)
        super()._launch(env, account)

    def _answers(self) -> bool:
        return not port_is_free(self.port)


def _program() -> Path:
    found = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if found is None:
        pytest.skip("NOT TESTED: pgbouncer is not installed")
    return Path(found)


@contextmanager
def pgbouncer(
    postgres: PrivatePostgres, urls: Sequence[str], settings: Mapping[str, str]
) -> Iterator[PgBouncer]:
    """Run one before the tests' PostgreSQL. Skips the test loudly where it is not installed."""
    _program()
    folder = Path(mkdtemp(prefix="wishtree-pooler-"))
    server = PgBouncer(folder, [postgres.superuser_url, *urls], settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

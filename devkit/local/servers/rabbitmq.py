"""A private RabbitMQ: the broker of real mode."""

# ruff: noqa: S603 - starting programs is what this file is for

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from devkit.local.accounts import Account
from devkit.local.back_off import how_it_ended
from devkit.local.binaries import find_epmd, find_rabbitmq
from devkit.local.files import write_private, write_settings
from devkit.local.ports import LOOPBACK, remembered_port, response_of, wait_for_port
from devkit.local.processes import Child
from devkit.local.servers.base import NO_ACCOUNT, Server, ServerFailed, reason_in

AMQP_GREETING = b"AMQP\0\0\x09\x01"
METHOD_FRAME = b"\x01"
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


class RabbitServer(Server):
    """A private RabbitMQ node with its own port mapper, cookie and plugins file; `guest` does not
    exist.

    Starting takes 4-20 s, so tests share one and take a virtual host each.
    """

    name = "RabbitMQ"
    ready_seconds = 90
    user: ClassVar[str] = "wishtree"

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are lines of rabbitmq.conf."""
        super().__init__(folder)
        self.data = self.folder / "data"
        self._settings = settings or {}
        self._mapper = Child(self.folder / "epmd.process")

    def url(self, vhost: str = "/") -> str:
        login = f"{self.user}:{self._secret('password')}"
        return f"amqp://{login}@{LOOPBACK}:{self.port}/{quote(vhost, safe='')}"

    def vhost(self, *names: str) -> str:
        """Make virtual hosts and return the URL of the first.

        All are made in one call, since a call may take seconds.
        """
        made = [f'rabbit_vhost:add(<<"{_plain(name)}">>, <<"{self.user}">>)' for name in names]
        granted = [
            f'rabbit_auth_backend_internal:set_permissions(<<"{self.user}">>, <<"{name}">>,'
            f' <<".*">>, <<".*">>, <<".*">>, <<"{self.user}">>)'
            for name in names
        ]
        self.ctl("eval", f"{', '.join([*made, *granted])}.")
        return self.url(names[0])

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl against this node and return its output; 0.5-4 s a call.

        Raises ServerFailed.
        """
        command = [str(find_rabbitmq() / "rabbitmqctl"), "--quiet", *arguments]
        done = subprocess.run(
            command, env=self._env(), capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip()
            raise ServerFailed(f"rabbitmqctl {arguments[0]}: {reason}")
        return done.stdout

    def wipe(self) -> None:
        """Lose every queue and message, as a broker whose disk died. Only while it is stopped."""
        if self.running:
            raise RuntimeError("stop the broker before wiping it")
        shutil.rmtree(self.data, ignore_errors=True)

    def stop(self) -> None:
        super().stop()
        self._mapper.stop()

    def kill(self) -> None:
        super().kill()
        self._mapper.kill()

    def kill_now(self) -> None:
        super().kill_now()
        self._mapper.kill_now()

    def _prepare(self) -> None:
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            write_private(cookie, secrets.token_hex(16))
            cookie.chmod(0o400)
        write_private(self.folder / "plugins", "[].")
        settings = {
            "default_user": self.user,
            "default_pass": self._secret("password"),
            "default_user_tags.administrator": "true",
            "disk_free_limit.absolute": "200MB",
            **self._settings,
        }
        write_settings(self.folder / "rabbitmq.conf", settings, between=" = ")

    def _command(self) -> Sequence[str | Path]:
        return [find_rabbitmq() / "rabbitmq-server"]

    def _launch(self, env: Mapping[str, str] | None = None, account: Account = NO_ACCOUNT) -> None:
        """Start the port mapper, then the node.

        Without a mapper Erlang would start one by itself, which would stay behind. One that has
        outlived its node is kept.
        """
        if not self._mapper.running:
            self._start_mapper()
        super()._launch(self._env())

    def mend(self) -> str | None:
        """Start the port mapper again; the node registers with it by itself, within 2 s."""
        if self._mapper.running:
            return None
        how = how_it_ended(self._mapper.exit_code)
        self._start_mapper()
        return f"its port mapper (epmd) {how} and was started again"

    def _start_mapper(self) -> None:
        """Start it at its port, which a running node knows. Raises ServerFailed."""
        port = self._mapper_port
        command: list[str | Path] = [find_epmd(), "-port", str(port), "-address", LOOPBACK]
        with self._output() as output:
            self._mapper.start(command, output)
        wait_for_port(port)
        if not self._mapper.running:
            raise ServerFailed(f"epmd did not start: {reason_in(self.log)} (port {port})")

    @property
    def _mapper_port(self) -> int:
        keep = self.running or self._mapper.running
        return remembered_port(self.folder / "epmd-port", keep=keep)

    def _env(self) -> dict[str, str]:
        """The environment of the node and of rabbitmqctl.

        Nothing of ours is in it: a RABBITMQ_ variable might name another node.
        """
        return {
            "PATH": f"{find_epmd().parent}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": "wishtree@localhost",
            **self._addresses(),
            **self._files(),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 2:2 {LOOPBACK_ONLY}",
            "RABBITMQ_CTL_ERL_ARGS": f"+S 2:2 {LOOPBACK_ONLY}",
            # The start script then becomes the node instead of waiting for it: the process we
            # started is the node.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _addresses(self) -> dict[str, str]:
        dist_port = remembered_port(self.folder / "dist-port", keep=self.running)
        return {
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._mapper_port),
        }

    def _files(self) -> dict[str, str]:
        return {
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "no-such-file"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }

    def _answers(self) -> bool:
        """True when the first frame of an AMQP handshake comes back.

        The port is open a little earlier.
        """
        return response_of((LOOPBACK, self.port), AMQP_GREETING).startswith(METHOD_FRAME)


def _plain(name: str) -> str:
    """Raise ValueError unless the name is safe in Erlang code.

    Letters, digits, dot, dash and underscore are.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"not a name for a virtual host: {name!r}")
    return name

"""Our real processes, one per role, for tests that kill them and benchmarks that time them."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import requests

from devkit.local.ports import free_port
from devkit.local.servers import RabbitServer
from shared import SERVICES


class Installation:
    """Starts `wishtree` commands on one database and broker, and kills only what it started."""

    def __init__(self, env: dict[str, str], rabbit: RabbitServer | None = None) -> None:
        self.env, self.rabbit = env, rabbit
        self.logs = Path(tempfile.mkdtemp(prefix="wishtree-logs-"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {service: free_port() for service in SERVICES}
        for service, port in self.ports.items():
            env[f"WISHTREE_{service.upper()}_URL"] = f"http://127.0.0.1:{port}"
        env["WISHTREE_CATCH_UP_EVERY_SECONDS"] = "5"
        env["WISHTREE_CATCH_UP_AGE_SECONDS"] = "60"
        env["WISHTREE_LOG_LEVEL"] = "INFO"  # `logged` counts lines of this level

    def start(self, *command: str, name: str | None = None, module: str = "console.main") -> None:
        """Start `wishtree <command>` (or another module); `name` tells replicas apart."""
        name = name or "-".join(command)
        log = (self.logs / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", module, *command],
            env={**os.environ, **self.env},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def api(self, service: str, name: str | None = None, port: int | None = None) -> str:
        """Start the API of a service and wait until it answers; returns its URL."""
        port = port or self.ports[service]
        self.start("api", service, "--port", str(port), name=name or f"api-{service}")
        url = f"http://127.0.0.1:{port}"
        wait_until(
            lambda: requests.get(f"{url}/healthz", timeout=2).ok, 60, f"{service} does not answer"
        )
        return url

    def kill(self, name: str) -> None:
        """Kill -9 the whole process group; it must have been running."""
        process = self.processes.pop(name)
        assert process.poll() is None, f"{name} had ended by itself: {self.log(name)[-2000:]}"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def terminate(self, name: str, seconds: float = 25) -> float:
        """Send SIGTERM; returns how many seconds it took to end."""
        process = self.processes.pop(name)
        started = time.monotonic()
        process.terminate()
        process.wait(seconds)
        return time.monotonic() - started

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def logged(self, words: str) -> int:
        """How many log lines of all processes hold these words."""
        texts = [path.read_text(errors="replace") for path in self.logs.glob("*.log")]
        return sum(words in line for text in texts for line in text.splitlines())

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Look at the database from outside the code under test, as its owner."""
        with psycopg.connect(self.env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
            return connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def one(self, sql: str, *parameters: Any) -> Any:
        return self.query(sql, *parameters)[0][0]

    def unpublished(self) -> int:
        """How many events still wait in the outboxes."""
        waiting = "SELECT count(*) FROM {}.outbox WHERE published_at IS NULL"
        return sum(self.one(waiting.format(service)) for service in SERVICES)

    def stop(self) -> None:
        for name in list(self.processes):
            process = self.processes.pop(name)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until(
    condition: Callable[[], Any], seconds: float, what: str | Callable[[], str]
) -> float:
    """Wait until the condition holds; returns how many seconds it took.

    Errors of the network count as "not yet". If it never holds, `what` is the message; a function
    is called only then, so that it can describe the state at the end.
    """
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            if condition():
                return time.monotonic() - started
        except (requests.RequestException, psycopg.OperationalError):
            pass
        time.sleep(0.1)
    message = what if isinstance(what, str) else what()
    raise AssertionError(f"{message} (waited {seconds} s)")

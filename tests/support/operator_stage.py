"""A folder in which the operators' pages are true: their commands run there as they are typed.

`.venv/bin/wishtree` is ours, and `var` belongs to a `wishtree up --embedded`. `docker` and `make`
are stand-ins. `docker compose run SERVICE ARGUMENTS` runs `wishtree` with exactly the settings that
docker-compose.yml gives to that service; what concerns containers is compared with that file.

As a program it is the stand-in: `operator_stage.py FOLDER PORT docker|make ARGUMENTS`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from devkit.local.alone import read_settings, servers_of_installation

ROOT = Path(__file__).parents[2]
SCRIPT = """#!/bin/sh
exec env PYTHONPATH={root} {python} {words} "$@"
"""
FLAGS = {
    "up": {"--build", "--detach", "--force-recreate", "--scale"},
    "run": {"--rm", "--user"},
    "stop": set(),
    "start": set(),
    "down": set(),
    "ps": set(),
    "build": set(),
    "restart": set(),
    "logs": {"--follow", "--tail", "--since", "--no-log-prefix"},
}
TAKES_A_VALUE = {"--scale", "--user", "--tail", "--since"}


class Stage:
    """The folder, and the installation in it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.data, self.log = folder / "var", folder / "up.log"
        self.pid_file = folder / "up.pid"

    def prepare(self) -> None:
        """Write the commands and copy what the pages name."""
        shutil.copytree(
            ROOT / "deploy", self.folder / "deploy", ignore=shutil.ignore_patterns("secrets")
        )
        for name in ("bin", ".venv/bin", "docs"):
            (self.folder / name).mkdir(parents=True)
        self._script(".venv/bin/wishtree", "-m console.main")
        self._script("bin/python3", "")  # of `deploy/make-secrets`
        subprocess.run([sys.executable, "deploy/make-secrets"], cwd=self.folder, check=True)
        for name in ("docker", "make"):
            words = f"{Path(__file__)} {self.folder} {self.port} {name}"
            self._script(f"bin/{name}", words)

    def _script(self, name: str, words: str) -> None:
        file = self.folder / name
        file.write_text(SCRIPT.format(root=ROOT, python=sys.executable, words=words))
        file.chmod(0o700)

    @property
    def running(self) -> bool:
        return self.pid_file.exists()

    def start(self) -> None:
        """Start `wishtree up` unless it runs, and wait until it is ready."""
        if self.running:
            return
        with self.log.open("wb") as log:
            command = ["up", "--data", str(self.data), "--port", str(self.port)]
            process = subprocess.Popen(
                [sys.executable, "-m", "console.main", *command],
                env={**self.environment(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(str(process.pid))
        deadline = time.monotonic() + 120
        while "Ready after" not in self.log.read_text():
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise SystemExit(self.log.read_text())
            time.sleep(0.1)

    def stop(self) -> None:
        """Press Ctrl-C, and wait until it has stopped."""
        if not self.running:
            return
        pid = int(self.pid_file.read_text())
        self.pid_file.unlink()
        try:
            os.kill(pid, signal.SIGINT)
            while "Stopped." not in self.log.read_text():
                if os.waitpid(pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.1)
        except ProcessLookupError:
            return
        except ChildProcessError:  # another process started it
            while "Stopped." not in self.log.read_text() and Path(f"/proc/{pid}").exists():
                time.sleep(0.1)

    def environment(self) -> dict[str, str]:
        """Ours without settings of another installation, and the stand-ins before all programs."""
        env = {name: value for name, value in os.environ.items() if "WISHTREE_" not in name}
        return {**env, "PATH": f"{self.folder / 'bin'}:{env['PATH']}"}

    def type(self, line: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        """Run a line of a page, and answer what it asks. Only the ports differ from the page."""
        typed = line.replace("localhost:8080", f"localhost:{self.port}")
        typed = typed.replace("localhost:8000", f"localhost:{self.port}")
        return subprocess.run(
            ["bash", "-c", typed],
            cwd=self.folder,
            env=self.environment(),
            input=answers,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


class Compose:
    """What `docker compose` does here."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
            "services"
        ]

    def __call__(self, words: Sequence[str]) -> int:
        command, *rest = words
        flags, rest = _flags(command, rest)
        if command == "run":
            return self._run(*rest)
        self._check(command, flags, rest)
        # `up` is only checked: the next command that needs our processes starts them.
        if command in ("stop", "down") and not rest:
            self.stage.stop()
        return 0

    def _check(self, command: str, flags: Mapping[str, list[str]], rest: Sequence[str]) -> None:
        rest = rest[:1] if command == "exec" else rest  # the others are a command in its container
        named = [*rest, *(value.partition("=")[0] for value in flags.get("--scale", []))]
        unknown = set(named) - set(self.services)
        if unknown:
            raise SystemExit(f"docker-compose.yml has no {', '.join(sorted(unknown))}")

    def _run(self, name: str, *arguments: str) -> int:
        service = self.services[name]
        words = list(arguments or service["command"])
        words = [word.replace("/backups/", "compose-backups/") for word in words]
        with ExitStack() as stack:
            if self.stage.running:
                settings = read_settings(self.stage.data)
            else:  # the containers of database and broker start with it
                running = servers_of_installation(self.stage.data, exclusive=True)
                settings = dict(stack.enter_context(running))
            given = {variable.removesuffix("_FILE") for variable in service["environment"]}
            env = {
                variable: value
                for variable, value in settings.items()
                if variable.removesuffix("_FILE") in given
            }
            return subprocess.run(
                [sys.executable, "-m", "console.main", *words],
                env={**self.stage.environment(), **env, "PYTHONPATH": str(ROOT)},
                check=False,
            ).returncode


def _flags(command: str, words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The flags of a command of Compose, and the words after them. Unknown ones end the program."""
    flags: dict[str, list[str]] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag not in FLAGS[command]:
            raise SystemExit(f"docker compose {command} is not known to take {flag}")
        flags.setdefault(flag, []).append(rest.pop(0) if flag in TAKES_A_VALUE else "")
    return flags, rest


def make(stage: Stage, words: Sequence[str]) -> int:
    """`make run` starts the installation; the recipe of another port is only looked at."""
    if list(words) == ["run"]:
        stage.start()
        return 0
    command = ["/usr/bin/make", "--dry-run", "--directory", str(ROOT), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    settings = [word.partition("=")[2] for word in words if "=" in word]
    return 0 if done.returncode == 0 and all(one in done.stdout for one in settings) else 1


def main(folder: str, port: str, program: str, *words: str) -> int:
    stage = Stage(Path(folder), int(port))
    if program == "make":
        return make(stage, words)
    if words[0] != "compose":
        raise SystemExit(f"docker {words[0]} has no stand-in")
    return Compose(stage)(words[1:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

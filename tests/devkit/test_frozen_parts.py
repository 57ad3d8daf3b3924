"""A service or the database is frozen: liveness answers, and the pages of the others are there."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import PrivatePostgres, environment, migrate_all, private_postgres
from shared import SERVICES
from tests.support.watching import Watch, seconds_until_whole, watch_while_frozen

SHORT = pytest.param(4, marks=pytest.mark.long(reason="five processes, frozen for 4 s"))
WHOLE = pytest.param(40, marks=pytest.mark.faults)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PrivatePostgres]:
    """A server that may be frozen: no other test uses it."""
    with private_postgres() as server:
        yield server


@pytest.fixture
def installation(own_postgres: PrivatePostgres) -> Iterator[Installation]:
    owner_url, name = own_postgres.create_database()
    env = environment(owner_url, name, WISHTREE_PAGE_SECONDS="1")
    migrate_all(env)
    running = Installation(env)
    yield running
    running.stop()
    own_postgres.drop_database(name)


def start_real(installation: Installation) -> str:
    for service in SERVICES:
        installation.api(service)
    return start(installation, "gateway")


def start_compact(installation: Installation) -> str:
    return start(installation, "api", "all")


def start(installation: Installation, *command: str) -> str:
    port = free_port()
    installation.start(*command, "--port", str(port), name=command[0])
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: requests.get(f"{url}/healthz", timeout=2).ok, 30, "it does not answer")
    for path in ("/", "/pool", "/login"):  # the first time compiles the templates
        requests.get(url + path, timeout=30)
    return url


def tree_of(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def database_processes(postgres: PrivatePostgres) -> list[psutil.Process]:
    server = postgres.server
    if server is None:
        pytest.skip("NOT TESTED: the database is not ours to freeze")
    return tree_of(int((Path(server.data) / "postmaster.pid").read_text().split()[0]))


@pytest.fixture
def idle() -> Iterator[str]:
    """A process that does nothing: how late it answers is what the machine's other work costs."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.blocking_server", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/healthz"
    wait_until(lambda: requests.get(url, timeout=2).ok, 20, "the idle process does not start")
    yield url
    process.terminate()
    process.wait()


def report(title: str, watches: dict[str, Watch]) -> None:
    for url, watch in watches.items():
        sys.stderr.write(
            f"\n{title} {url}: {len(watch.answers)} answers {sorted(watch.statuses())},"
            f" p95 {watch.p95():.3f} s, slowest {watch.slowest():.3f} s"
        )


@pytest.mark.parametrize("seconds", [SHORT, WHOLE])
def test_a_frozen_service_holds_up_neither_liveness_nor_the_pages_of_others(
    installation: Installation, idle: str, seconds: float
) -> None:
    url = start_real(installation)
    clients = {"/healthz": 1, "/": 2, "/pool": 30, "/v1/pool": 30, "/readyz": 1}
    seen = watch_while_frozen(
        tree_of(installation.processes["api-rewards"].pid),
        seconds,
        {idle: 1} | {url + path: count for path, count in clients.items()},
    )
    whole = seconds_until_whole(lambda: requests.get(f"{url}/pool", timeout=5).ok, 5)
    report("rewards frozen", seen)
    sys.stderr.write(f"\nwhole again after {whole:.1f} s\n")
    late = 2 * seen[idle].slowest()
    assert seen[f"{url}/healthz"].statuses() == {200}
    assert seen[f"{url}/healthz"].slowest() < 0.1 + late
    assert seen[f"{url}/"].statuses() == {200}
    assert seen[f"{url}/"].slowest() < 2 + late
    assert seen[f"{url}/pool"].p95() < 1 + late
    assert seen[f"{url}/pool"].slowest() < 2 + late
    assert seen[f"{url}/readyz"].slowest() < 2 + late


@pytest.mark.faults
@pytest.mark.parametrize("start_all", [start_real, start_compact])
def test_a_frozen_database_holds_up_neither_liveness_nor_pages_that_need_none(
    own_postgres: PrivatePostgres,
    installation: Installation,
    idle: str,
    start_all: Callable[[Installation], str],
) -> None:
    url = start_all(installation)
    clients = {"/healthz": 1, "/login": 1, "/": 15, "/pool": 15, "/v1/pool": 30, "/readyz": 1}
    seen = watch_while_frozen(
        database_processes(own_postgres),
        40,
        {idle: 1} | {url + path: count for path, count in clients.items()},
    )
    pages = [f"{url}/", f"{url}/pool"]
    whole = seconds_until_whole(lambda: all(requests.get(page, timeout=5).ok for page in pages), 15)
    report(f"{start_all.__name__}, database frozen", seen)
    sys.stderr.write(f"\nwhole again after {whole:.1f} s\n")
    late = 2 * seen[idle].slowest()
    assert seen[f"{url}/healthz"].statuses() == {200}
    assert seen[f"{url}/healthz"].slowest() < 0.1 + late
    assert seen[f"{url}/login"].statuses() == {200}
    assert seen[f"{url}/login"].slowest() < 2 + late
    for page in pages:
        assert seen[page].slowest() < 2 + late
    assert seen[f"{url}/readyz"].slowest() < 2 + late

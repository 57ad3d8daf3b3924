"""A service or the database is frozen: liveness answers, and the pages of the others are there.

The long sizes belong to `make test-faults`: WISHTREE_FREEZE_SECONDS=40.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from devkit.installation import Installation, wait_until
from devkit.local.ports import free_port
from devkit.testkit import PrivatePostgres, environment, migrate_all, private_postgres
from shared import SERVICES
from tests.support.freezing import Watch, seconds_until_whole

FREEZE_SECONDS = float(os.environ.get("WISHTREE_FREEZE_SECONDS", "6"))
LONG = pytest.mark.long(reason="something is frozen for seconds")


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
    for path in ("/", "/pool", "/login"):  # compiles the templates
        requests.get(url + path, timeout=30)
    return url


@contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def tree_of(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def database_processes(postgres: PrivatePostgres) -> list[psutil.Process]:
    server = postgres.server
    if server is None:
        pytest.skip("NOT TESTED: the database is not ours to freeze")
    return tree_of(int((Path(server.data) / "postmaster.pid").read_text().split()[0]))


def report(name: str, watches: dict[str, Watch]) -> None:
    for path, watch in watches.items():
        sys.stderr.write(
            f"\n{name} {path}: {len(watch.answers)} answers {sorted(watch.statuses())},"
            f" p95 {watch.p95():.3f} s, slowest {watch.slowest():.3f} s"
        )


@contextmanager
def watched(url: str, **clients: int) -> Iterator[dict[str, Watch]]:
    """Look at pages for as long as the block takes; by path, with so many clients each."""
    watches = {
        path: Watch(url + path, count, pause=0.25 if count > 5 else 0.05)
        for path, count in clients.items()
    }
    with ExitStack() as stack:
        for watch in watches.values():
            stack.enter_context(watch.running())
        yield watches


def check_liveness(before: Watch, during: Watch) -> None:
    """Within 100 ms, and what the machine's other work costs anyhow."""
    assert during.statuses() == {200}
    assert during.slowest() < 0.1 + before.slowest()


@LONG
def test_a_frozen_service_holds_up_neither_liveness_nor_the_pages_of_others(
    installation: Installation,
) -> None:
    url = start_real(installation)
    paths = {"/healthz": 1, "/": 2, "/pool": 30, "/v1/pool": 30, "/readyz": 1}
    with watched(url, **paths) as before:
        time.sleep(1)
    pid = installation.processes["api-rewards"].pid
    with frozen(tree_of(pid)), watched(url, **paths) as during:
        time.sleep(FREEZE_SECONDS)
    whole = seconds_until_whole(lambda: requests.get(f"{url}/pool", timeout=5).ok, 5)
    report("rewards frozen", during)
    sys.stderr.write(f"\nwhole again after {whole:.1f} s\n")
    check_liveness(before["/healthz"], during["/healthz"])
    assert during["/"].statuses() == {200}
    assert during["/"].slowest() < 2
    assert during["/pool"].statuses() <= {503}
    assert during["/pool"].slowest() < 3
    assert during["/readyz"].statuses() == {503}
    assert during["/readyz"].slowest() < 2 + before["/readyz"].slowest()


@LONG
@pytest.mark.parametrize("start_all", [start_real, start_compact])
def test_a_frozen_database_holds_up_neither_liveness_nor_pages_that_need_none(
    own_postgres: PrivatePostgres, installation: Installation, start_all: object
) -> None:
    assert callable(start_all)
    url = start_all(installation)
    paths = {"/healthz": 1, "/login": 1, "/": 15, "/pool": 15, "/v1/pool": 30, "/readyz": 1}
    with watched(url, **paths) as before:
        time.sleep(1)
    with frozen(database_processes(own_postgres)), watched(url, **paths) as during:
        time.sleep(FREEZE_SECONDS)
    whole = seconds_until_whole(
        lambda: all(requests.get(url + path, timeout=5).ok for path in ("/", "/pool")), 15
    )
    report(f"{start_all.__name__}, database frozen", during)
    sys.stderr.write(f"\nwhole again after {whole:.1f} s\n")
    check_liveness(before["/healthz"], during["/healthz"])
    assert during["/login"].statuses() == {200}
    assert during["/login"].slowest() < 2
    for path in ("/", "/pool"):
        assert during[path].statuses() <= {503}
        assert during[path].slowest() < 3
    assert during["/readyz"].statuses() == {503}

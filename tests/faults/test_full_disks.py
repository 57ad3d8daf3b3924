"""A full disk of the database, or of the logs: requests are refused or served, and nothing is lost.

The disks are tmpfs, which only root may mount.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.local.readiness import get
from tests.faults.oracle import verdict_of
from tests.faults.stage import seconds
from tests.faults.test_faults import playing

FULL_SECONDS = 20

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: only root can mount a small disk"
)


@pytest.fixture
def disk(folder: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a tmpfs of so many MB."""
    mounted: list[Path] = []

    def mount(megabytes: int) -> Path:
        path = folder / "disk"
        path.mkdir()
        size = f"size={megabytes}m"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", path], check=False)
        if done.returncode != 0:
            pytest.skip("NOT TESTED: tmpfs cannot be mounted here")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill it to the last byte with a ballast file, and free it at the end."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.check("L7")
@pytest.mark.timeout(600)
@pytest.mark.long(reason="a disk is full for 20 s")
def test_the_disk_of_the_database_may_be_full(folder: Path, disk: Callable[[int], Path]) -> None:
    volume = disk(600)
    with playing("embedded", folder, catch_up_age=20, database_folder=volume / "pg") as (
        stage,
        crowd,
    ):
        stage.wait_until_events_flow("the start")
        with full(volume):
            before = len(crowd.acknowledged)
            time.sleep(FULL_SECONDS)
            print(f"acknowledged while the disk was full: {len(crowd.acknowledged) - before}")
            assert crowd.is_working, crowd.failures
        flow = stage.wait_until_events_flow("a full disk")
        print(f"events flow again after {flow:.1f} s; refused {dict(crowd.refused)}")
        crowd.end(seconds(120))
        verdict_of(stage, crowd, 20)


@pytest.mark.check("L7")
@pytest.mark.timeout(600)
@pytest.mark.long(reason="a disk is full for 20 s")
def test_the_disk_of_the_logs_may_be_full(folder: Path, disk: Callable[[int], Path]) -> None:
    volume = disk(20)
    with playing("embedded", folder, catch_up_age=20, log_folder=volume) as (stage, crowd):
        stage.wait_until_events_flow("the start")
        with full(volume):
            before = len(crowd.acknowledged)
            time.sleep(FULL_SECONDS)
            assert get(stage.place.port, "/healthz") == "200"
            done = len(crowd.acknowledged) - before
            assert done > FULL_SECONDS, f"only {done} records in {FULL_SECONDS} s"
            pid = stage.pid("bus")
            stage.kill("bus", 9)
            stage.wait_until_events_flow("a kill while the logs are full")
            assert stage.pid("bus") != pid
        crowd.end(seconds(120))
        verdict_of(stage, crowd, 20)

"""Fixtures of `wishtree up`: see `tests/support/running_up.py`."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_up import RunningUp, processes_naming


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name no other process knows; at the end nothing may run in it."""
    path = Path(tempfile.mkdtemp(prefix="wt-"))
    yield path
    left = processes_naming(path)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)
    assert left == {}


@pytest.fixture
def running_up(folder: Path) -> Iterator[RunningUp]:
    run = RunningUp(folder / "data")
    yield run
    if run.process.poll() is None:
        run.interrupt()

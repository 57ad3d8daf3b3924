"""Every test here is part of `make test-faults` alone, and needs a machine of its own meanwhile."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_up import processes_naming


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults" in str(item.path):
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a stage; at the end nothing may run in it."""
    path = Path(tempfile.mkdtemp(prefix="wf-"))
    yield path
    left = processes_naming(path)
    shutil.rmtree(path, ignore_errors=True)
    assert left == {}

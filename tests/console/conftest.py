"""A running installation as the command line sees it: the `env` file in its data folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import SERVICES

PORT = 9123


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """No WISHTREE_ variable before the test, and none of its own after it."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("WISHTREE_"):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a `wishtree up` on another port than the usual one."""
    settings = {"WISHTREE_PUBLIC_URL": f"http://localhost:{PORT}"}
    for number, service in enumerate(SERVICES):
        prefix = f"WISHTREE_{service.upper()}_"
        settings[prefix + "URL"] = f"http://127.0.0.1:{PORT + number}"
        settings[prefix + "DATABASE_URL"] = f"postgresql://{service}@127.0.0.1:1/{PORT}"
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (tmp_path / "env").write_text("".join(lines))
    return tmp_path

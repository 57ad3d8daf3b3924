"""`scripts/check` runs every check even if one fails, and names those that failed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = {"types": "mypy", "imports": "lint-imports", "tests": "python", "lint": "ruff"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose tools print their name and succeed."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for tool in TOOLS.values():
        install(tmp_path, tool, ends_with=0)
    return tmp_path


def install(checkout: Path, tool: str, ends_with: int) -> None:
    program = checkout / ".venv" / "bin" / tool
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "{tool} $*"\nexit {ends_with}\n')
    program.chmod(0o755)


def check(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [checkout / "scripts" / "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_all_checks_run_and_arguments_go_to_pytest(checkout: Path) -> None:
    done = check(checkout, "-m", "not browser and not slow")
    assert done.returncode == 0 and done.stdout.endswith("\nAll checks passed.\n")
    assert all(f"\n{tool} " in done.stdout for tool in TOOLS.values())
    assert "--dist loadgroup -m not browser and not slow\n" in done.stdout


@pytest.mark.parametrize("name", TOOLS)
def test_a_check_that_fails_is_named_and_the_others_run(checkout: Path, name: str) -> None:
    install(checkout, TOOLS[name], ends_with=1)
    done = check(checkout)
    assert done.returncode == 1
    assert f" {name}" in done.stdout.splitlines()[-1]
    assert all(f"\n{tool} " in done.stdout for tool in TOOLS.values())

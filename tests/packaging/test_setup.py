"""`scripts/setup` says in a sentence what is missing, and tests that did not run are said
loudly.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout without .venv."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


def setup_with(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    fake = folder / "python"
    fake.write_text(f"#!/bin/sh\n{python}\n")
    fake.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "PYTHON": str(fake)}
    return subprocess.run(
        ["scripts/setup", "run"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_an_old_python_is_named(bare: Path) -> None:
    done = setup_with(bare, 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr and "Python 3.9.2" in done.stderr
    assert not (bare / ".venv").exists()


def test_a_missing_venv_module_is_named(bare: Path) -> None:
    done = setup_with(
        bare,
        'case "$*" in *ensurepip*) exit 1;; *--version*) echo Python 3.12.3;; *) exit 0;; esac',
    )
    assert done.returncode == 1
    assert (
        "Python 3.12.3 comes without its venv module" in done.stderr
        and "python3-venv" in done.stderr
    )


@pytest.mark.parametrize(("ci", "ends_with"), [("", 0), ("true", 1)])
def test_a_skip_is_said_loudly_and_fails_in_ci(tmp_path: Path, ci: str, ends_with: int) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\ndef test_here(): pass\n\n@pytest.mark.skip(reason='no RabbitMQ here')\ndef test_there(): pass\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.support.loud_skips",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            f"--rootdir={tmp_path}",
            tmp_path,
        ],
        cwd=ROOT,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends_with, done.stdout
    assert "1 TESTS DID NOT RUN" in done.stdout and "1 x no RabbitMQ here" in done.stdout


def test_no_skip_is_silent_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_here(): pass\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.support.loud_skips",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            f"--rootdir={tmp_path}",
            tmp_path,
        ],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "DID NOT RUN" not in done.stdout

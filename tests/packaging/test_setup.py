"""`scripts/setup` names what is missing; tests that did not run, or took too long, are reported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]

OLD_PYTHON = 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi'
WITHOUT_VENV = (
    'case "$*" in *ensurepip*) exit 1;; *--version*) echo Python 3.12.3;; *) exit 0;; esac'
)
ONE_SKIP = """
import pytest

def test_here(): pass

@pytest.mark.skip(reason='no RabbitMQ here')
def test_there(): pass
"""
A_SKIPPED_MODULE = """
import pytest

pytest.skip('no Chromium here', allow_module_level=True)
"""
NO_SKIP = "def test_here(): pass\n"
SLEEPS = """
import time
import pytest

def test_it_sleeps(): time.sleep(0.3)
"""
SLEEPS_WITH_REASON = SLEEPS.replace("def", "@pytest.mark.long(reason='it sleeps')\ndef")
SLEEPS_WITHOUT_REASON = SLEEPS.replace("def", "@pytest.mark.long\ndef")

here_or_in_workers = pytest.mark.parametrize("workers", ["0", "2"])


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout without .venv."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


def setup_with(folder: Path, python: str) -> Done:
    fake = folder / "python"
    fake.write_text(f"#!/bin/sh\n{python}\n")
    fake.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "PYTHON": str(fake)}
    return subprocess.run(
        ["scripts/setup", "run"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_an_old_python_is_named(bare: Path) -> None:
    done = setup_with(bare, OLD_PYTHON)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr and "Python 3.9.2" in done.stderr
    assert not (bare / ".venv").exists()


def test_a_missing_venv_module_is_named(bare: Path) -> None:
    done = setup_with(bare, WITHOUT_VENV)
    assert done.returncode == 1
    assert "Python 3.12.3 comes without its venv module" in done.stderr
    assert "python3-venv" in done.stderr


def pytest_with(plugin: str, folder: Path, tests: str, *options: str, ci: str = "") -> Done:
    """Run pytest with one of our plugins over a file of tests."""
    (folder / "test_it.py").write_text(tests)
    settings = ["-c", "/dev/null", f"--rootdir={folder}", "-p", "no:cacheprovider"]
    plugins = ["-p", f"tests.support.{plugin}", "-p", "xdist"]
    command = [sys.executable, "-m", "pytest", *plugins, *settings]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the other plugins take a second to load
    return subprocess.run(
        [*command, *options, folder],
        cwd=ROOT,
        env={**env, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


@here_or_in_workers
@pytest.mark.parametrize(("ci", "ends_with"), [("", 0), ("true", 1)])
def test_a_skip_is_said_loudly_and_fails_in_ci(
    tmp_path: Path, ci: str, ends_with: int, workers: str
) -> None:
    done = pytest_with("loud_skips", tmp_path, ONE_SKIP, "-n", workers, ci=ci)
    assert done.returncode == ends_with, done.stdout
    assert "1 TESTS DID NOT RUN" in done.stdout and "1 x no RabbitMQ here" in done.stdout


@here_or_in_workers
def test_a_skipped_module_counts_once_and_fails_in_ci(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_other.py").write_text(NO_SKIP)
    done = pytest_with("loud_skips", tmp_path, A_SKIPPED_MODULE, "-n", workers, ci="true")
    assert done.returncode == 1, done.stdout
    assert "1 TESTS DID NOT RUN" in done.stdout and "1 x no Chromium here" in done.stdout


def test_no_skip_is_silent_in_ci(tmp_path: Path) -> None:
    done = pytest_with("loud_skips", tmp_path, NO_SKIP, ci="true")
    assert done.returncode == 0 and "DID NOT RUN" not in done.stdout


@here_or_in_workers
def test_a_test_over_the_limit_fails_the_run(tmp_path: Path, workers: str) -> None:
    done = pytest_with("time_limit", tmp_path, SLEEPS, "-n", workers, "--test-limit", "0.001")
    assert done.returncode == 1, done.stdout
    assert "1 TESTS TOOK OVER 0.001 s" in done.stdout and "test_it_sleeps" in done.stdout


@here_or_in_workers
def test_a_long_test_with_a_reason_may_take_longer(tmp_path: Path, workers: str) -> None:
    limit = ("-n", workers, "--test-limit", "0.001")
    done = pytest_with("time_limit", tmp_path, SLEEPS_WITH_REASON, *limit)
    assert done.returncode == 0 and "TOOK OVER" not in done.stdout, done.stdout


def test_a_long_test_needs_a_reason(tmp_path: Path) -> None:
    done = pytest_with("time_limit", tmp_path, SLEEPS_WITHOUT_REASON)
    assert done.returncode != 0 and "`long` needs a reason" in done.stdout + done.stderr

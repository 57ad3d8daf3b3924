"""Import rules that `lint-imports` cannot express.

They are about what the rules of a service may import, and about strings in `shared`.
"""

from functools import cache
from pathlib import Path

import grimp
import pytest

from shared import SERVICES

ROOT = Path(__file__).parents[2]
ENTRY_POINTS = ("app", "api", "events", "tasks")
FRAMEWORKS = {"flask", "apiflask", "celery", "kombu"}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", include_external_packages=True)


def concepts_of(service: str) -> list[str]:
    """The modules that hold a service's rules: all but entry points, tables and migrations."""
    own = f"services.{service}"
    without = [f"{own}.{part}" for part in (*ENTRY_POINTS, "models", "migrations")]
    return [
        module
        for module in graph().find_descendants(own)
        if not any(module == part or module.startswith(f"{part}.") for part in without)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_rules_import_no_entry_point_of_their_service(service: str) -> None:
    entries = tuple(f"services.{service}.{part}" for part in ENTRY_POINTS)
    for module in concepts_of(service):
        imported = graph().find_modules_directly_imported_by(module)
        found = {one for one in imported if one in entries or one.startswith(f"{entries[1]}.")}
        assert not found, f"{module} imports {found}"


@pytest.mark.parametrize("service", SERVICES)
def test_rules_import_no_framework(service: str) -> None:
    for module in concepts_of(service):
        found = graph().find_modules_directly_imported_by(module) & FRAMEWORKS
        assert not found, f"{module} imports {found}"


def test_every_service_has_rules_to_look_at() -> None:
    assert all(len(concepts_of(service)) >= 5 for service in SERVICES)


def test_the_library_names_no_service_and_loads_none_by_name() -> None:
    for path in (ROOT / "shared").rglob("*.py"):
        text = path.read_text()
        assert '"services.' not in text and "import_module" not in text, path

"""Rules of style that neither ruff nor mypy can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("console", "devkit", "gateway", "services", "shared")
UNTYPED = "dict[" + "str, Any]"
MOST_UNTYPED = 30
FORMATTER_OFF = "# " + "fmt:"


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def docstring_of(module: Path) -> str | None:
    return ast.get_docstring(ast.parse(module.read_text()))


def package_folders() -> set[Path]:
    """Every folder with code. Alembic loads folders of migrations as scripts, by path."""
    folders = {module.parent for module in modules(*PACKAGES)}
    return {folder for folder in folders if "migrations" not in folder.parts}


def test_data_between_functions_is_typed() -> None:
    untyped = [
        f"{module.relative_to(ROOT)}:{number}"
        for module in modules(*PACKAGES)
        if (ROOT / "shared" / "http") not in module.parents
        for number, line in enumerate(module.read_text().splitlines(), 1)
        if UNTYPED in line
    ]
    assert len(untyped) <= MOST_UNTYPED, untyped


def test_the_formatter_is_never_switched_off() -> None:
    switched_off = [
        module for module in modules(*PACKAGES, "tests") if FORMATTER_OFF in module.read_text()
    ]
    assert not switched_off


def test_every_package_says_what_is_in_it() -> None:
    folders = package_folders()
    assert len(folders) > 40
    missing = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert not missing
    silent = [folder for folder in folders if docstring_of(folder / "__init__.py") is None]
    assert not silent


def test_every_test_file_says_what_it_tests() -> None:
    files = [module for module in modules("tests") if module.name != "__init__.py"]
    assert len(files) > 100
    silent = [file for file in files if docstring_of(file) is None]
    assert not silent

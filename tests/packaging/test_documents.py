"""The commands in README and docs exist, and so do the targets of their links."""

import pkgutil
import re
import shlex
from pathlib import Path

import click
import pytest

from console.main import main
from console.services import definition_of
from shared import SERVICES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def typed_in(document: Path) -> list[str]:
    """The commands in the ```sh blocks of a page, one per line."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    return [
        line.partition(" # ")[0].strip()
        for block in blocks
        for line in block.splitlines()
        if line.strip()
    ]


def parse(arguments: list[str]) -> None:
    """Raises click.UsageError when `wishtree` would."""
    group: click.Command = main
    while isinstance(group, click.Group):
        name, *arguments = arguments
        if name not in group.commands:
            raise click.UsageError(f"No such command {name!r}.")
        group = group.commands[name]
    parser = group.make_parser(click.Context(group))
    parser.parse_args(list(arguments))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_on_a_page_exists(document: Path) -> None:
    for line in typed_in(document):
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word} <= TARGETS, line
        elif words and words[0].split("/")[-1] == "wishtree":
            parse(words[1:])
        elif words[:4] == ["docker", "compose", "run", "--rm"] and words[4] == "operator":
            parse(words[5:])
        elif words and words[0].startswith(("scripts/", "deploy/")):
            assert (ROOT / words[0]).exists(), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_target_of_every_link_exists(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_dotted_name_exists(document: Path) -> None:
    for name in re.findall(
        r"`((?:shared|gateway|services|devkit|console)(?:\.\w+)+)`", document.read_text()
    ):
        pkgutil.resolve_name(name)


def test_ci_runs_the_tests_that_the_readme_names() -> None:
    readme = typed_in(ROOT / "README.md")
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    run = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert run == ["make test"] and "make test" in readme and "make run" in readme


def test_every_test_that_holds_a_promise_exists() -> None:
    page = (ROOT / "docs" / "promises.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", page)
    assert len(named) > 30
    for file, test in named:
        assert (ROOT / file).exists(), file
        assert not test or f"def {test}" in (ROOT / file).read_text(), (file, test)


def test_every_setting_is_explained_and_nothing_else() -> None:
    page = (ROOT / "docs" / "operations" / "settings.md").read_text()
    explained = set(re.findall(r"`WISHTREE_([A-Z_]+)`", page))
    classes = [definition_of(service).settings for service in SERVICES]
    known = {field.upper() for settings in classes for field in settings.model_fields}
    assert explained - {"X", "X_FILE"} == known

"""`--data DIR` makes every command talk to the installation of that folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import console.story
from console.main import main
from shared.core.settings import Settings
from tests.console.conftest import PORT

WITHOUT_AN_INSTALLATION = {"bench http", "bench ledger", "bench pipeline", "events catalogue", "up"}
"""They start what they need, or read only code."""
STARTING_SERVERS = {"backup", "restore", "new-epoch", "empty-broker"}
"""They use a folder in which nothing runs; see `test_recovery`."""


def leaves(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *names, name)
        else:
            yield " ".join((*names, name)), command


COMMANDS = dict(leaves(main))
TALKING = sorted(COMMANDS.keys() - WITHOUT_AN_INSTALLATION - STARTING_SERVERS)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The base URLs that the story was played against."""
    urls: list[str] = []

    def play(base_url: str) -> int:
        urls.append(base_url)
        return 0

    monkeypatch.setattr(console.story, "play", play)
    return urls


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_the_story_is_played_against_the_port_of_that_installation(
    data: Path, played: list[str], before: bool
) -> None:
    option = ["--data", str(data)]
    done = CliRunner().invoke(main, [*option, "story"] if before else ["story", *option])
    assert done.exit_code == 0, done.output
    assert played == [f"http://localhost:{PORT}"]


def test_a_base_url_that_is_given_counts_before_that_of_the_folder(
    data: Path, played: list[str]
) -> None:
    given = ["--base-url", "https://wishes.example"]
    done = CliRunner().invoke(main, ["story", "--data", str(data), *given])
    assert done.exit_code == 0, done.output
    assert played == ["https://wishes.example"]


@pytest.mark.parametrize("name", TALKING)
def test_every_command_that_talks_to_an_installation_uses_that_one(name: str, data: Path) -> None:
    command = COMMANDS[name]
    with contextlib.suppress(click.UsageError):  # of an argument that is missing here
        command.make_context(name, ["--data", str(data)])
    settings = Settings.read()
    assert settings.public_url == f"http://localhost:{PORT}"
    assert settings.database_url_of("rewards") == f"postgresql://rewards@127.0.0.1:1/{PORT}"


def test_a_variable_that_is_already_set_stays(data: Path, played: list[str]) -> None:
    os.environ["WISHTREE_PUBLIC_URL"] = "https://already.example"
    CliRunner().invoke(main, ["story", "--data", str(data)])
    assert played == ["https://already.example"]


def test_a_folder_where_nothing_was_started_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["story", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert f"has `wishtree up --data {tmp_path}` been run?" in done.output

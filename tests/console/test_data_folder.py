"""`--data DIR` makes every command talk to the installation of that folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner

import console.story
from console.main import main
from console.unanswered import why_unanswered
from devkit.local import alone
from devkit.local.place import locked
from devkit.local.secret_files import new_data_key, secret_file
from devkit.local.shutdown import Interrupted
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


@pytest.mark.parametrize("command", [["backup", "made"], ["new-epoch"]], ids=lambda words: words[0])
def test_a_mistyped_folder_does_not_become_an_installation(
    command: list[str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(main, [*command, "--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 1
    assert f"has `wishtree up --data {tmp_path / 'nowhere'}` been run?" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_restore_makes_no_secrets_of_its_own(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["restore", "made", "--data", str(tmp_path / "new")])
    assert done.exit_code == 1
    assert "unpack those of the backup" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_restore_of_a_running_installation_says_how_to_stop_it(data: Path) -> None:
    secret_file(data, "data-key", new_data_key)
    with locked(data):
        done = CliRunner().invoke(main, ["restore", "made", "--data", str(data)])
    assert done.exit_code == 1
    assert "press Ctrl-C where `make run` runs" in done.output


def test_ctrl_c_is_no_traceback(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr(alone, "_start", interrupted)
    done = CliRunner().invoke(main, ["new-epoch", "--data", str(data)])
    assert done.exit_code == 1
    assert "Interrupted. Nothing is half done: repeat the command." in done.output


@pytest.mark.parametrize("command", ["backup made", "new-epoch", "ledger head", "status"])
def test_a_forgotten_data_folder_is_asked_for(command: str) -> None:
    done = CliRunner().invoke(main, command.split())
    assert done.exit_code != 0
    assert "is not set" in done.output
    assert "add `--data var`" in done.output


def test_an_installation_that_does_not_run_is_one_sentence(data: Path) -> None:
    done = CliRunner().invoke(main, ["ledger", "head", "--data", str(data)])
    assert done.exit_code == 1
    assert "Connection refused" in done.output
    assert "does this installation run?" in done.output


def test_an_address_where_nothing_answers_is_named() -> None:
    with requests.Session() as http, pytest.raises(requests.ConnectionError) as refused:
        http.trust_env = False
        http.get("http://127.0.0.1:1/v1/claims?after=1")
    asked = "Nothing answers at http://127.0.0.1:1/v1/claims: does this installation run?"
    assert why_unanswered(refused.value) == asked


def test_a_broker_that_is_away_is_no_traceback() -> None:
    os.environ["WISHTREE_BROKER_URL"] = "amqp://127.0.0.1:1//"
    done = CliRunner().invoke(main, ["empty-broker"])
    assert done.exit_code == 1
    assert "The broker does not answer" in done.output
    assert "Repeat the command when it is back." in done.output

"""`--help` explains each command; what cannot be done is one sentence."""

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from console.main import main
from tests.console.test_data_folder import COMMANDS

NEED_A_CHECKOUT = [["up"], ["bench", "pipeline"], ["bench", "http"], ["bench", "ledger"]]


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in which the developers' tools cannot be imported."""
    for name in ["devkit", *(name for name in sys.modules if name.startswith("devkit."))]:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("command", NEED_A_CHECKOUT, ids=" ".join)
def test_production_says_that_a_checkout_is_needed(production: None, command: list[str]) -> None:
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert done.output.startswith("Error: This installation holds only what production needs.")
    assert "Traceback" not in done.output


def test_production_prints_all_help(production: None) -> None:
    for name in COMMANDS:
        done = CliRunner().invoke(main, [*name.split(), "--help"])
        assert done.exit_code == 0, done.output


def test_a_refusal_is_a_sentence(data: Path) -> None:
    options = ["--data", str(data), "--password", "short"]
    done = CliRunner().invoke(main, ["staff", "create", "fang", *options])
    assert done.exit_code == 1
    assert "A password needs at least 12 characters." in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_what_it_does(name: str) -> None:
    command = COMMANDS[name]
    text = command.get_short_help_str(200)
    assert text and text[0].isupper() and len(text) > 20
    assert isinstance(command, click.Command)


def test_what_the_database_says_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WISHTREE_REWARDS_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/c")
    done = CliRunner().invoke(main, ["ledger", "audit"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: The database: connection failed: ")
    assert "Connection refused" in done.output
    assert len(done.output.splitlines()) == 1

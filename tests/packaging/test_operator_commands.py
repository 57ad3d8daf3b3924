"""Every command on the operators' pages and in the README is run, in an installation of its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devkit.local.alone import read_settings
from devkit.local.ports import free_port
from tests.support.operator_stage import Stage

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs" / "operations").glob("*.md")])
LETTER = "0192f1c8-0000-7000-8000-000000000000"  #: as the pages name a dead letter

NOT_RUN = {
    "make test": "runs this test",
    ".venv/bin/wishtree up --real": "tests/devkit/test_up.py starts both modes",
    "docker build --tag wishtree:local .": "needs Docker; test_image.py checks the Dockerfile",
    'docker run --rm --user "$(id -u)" --volume "$PWD/deploy:/deploy" --entrypoint python'
    " wishtree:local /deploy/make-secrets": "needs Docker; test_secrets.py runs make-secrets",
    'docker compose exec postgres psql --username postgres --command "\\password wishtree_owner"': (
        "asks at a terminal, in a container"
    ),
}
"""The lines that cannot be run here, and why."""

ANSWERS = {"docker compose run --rm operator staff create anna": "a long password of anna\n" * 2}
"""What is typed at the questions of a command."""

ENDS_WITH_1 = {
    ".venv/bin/wishtree ledger audit --head"
    " 12:3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea --data var": (
        "no such head was ever sealed here"
    ),
}


def commands_of(page: Path) -> list[str]:
    """The commands in the `sh` blocks of a page, also of blocks in a list, in their order."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    typed = (re.sub(r"\s+#\s.*$", "", line).strip() for line in lines)
    return [re.sub(r"\s+", " ", line) for line in typed if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("operator"), free_port())
    stage.prepare()
    stage.start()
    yield stage
    stage.stop()


def add_dead_letter(stage: Stage) -> None:
    """Let rewards have the dead letter that the pages name."""
    with psycopg.connect(read_settings(stage.data)["WISHTREE_OWNER_DATABASE_URL"]) as connection:
        connection.execute(
            "INSERT INTO rewards.dead_letters (id, event_id, body, reason, attempts)"
            " VALUES (%s, gen_random_uuid(), '{}', 'failed', 5) ON CONFLICT DO NOTHING",
            [LETTER],
        )


@pytest.mark.long(reason="starts and stops an installation as the page says")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_works(stage: Stage, page: Path) -> None:
    commands = commands_of(page)
    for line in commands:
        if line in NOT_RUN:
            continue
        _get_ready(stage, line)
        done = stage.type(line, ANSWERS.get(line, ""))
        expected = 1 if line in ENDS_WITH_1 else 0
        assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"


def _get_ready(stage: Stage, line: str) -> None:
    """Do what the text around a command says: press Ctrl-C first, or let it run."""
    if re.search(r"wishtree (restore|new-epoch)|^rm var/", line):
        stage.stop()
    elif re.search("wishtree|compose run|curl", line) and "recovery" not in line:
        stage.start()
        add_dead_letter(stage)


def test_a_page_names_no_command_that_this_test_would_not_find() -> None:
    assert sum(len(commands_of(page)) for page in PAGES) > 40
    everything = {line for page in PAGES for line in commands_of(page)}
    assert set(NOT_RUN) | set(ENDS_WITH_1) <= everything

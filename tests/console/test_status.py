"""`wishtree status` reads the databases: it works while processes and databases are away."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, func, insert

from console.main import main
from devkit.testkit import District
from shared import SERVICES
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.jobs.late import jobs_of
from shared.jobs.periodic import JobRun
from shared.messaging.attempts import DeadLetter
from shared.messaging.turns import LoopKind, LoopTurn


@pytest.fixture
def whole(district: District, monkeypatch: pytest.MonkeyPatch) -> Iterator[District]:
    """All loops of all services turn."""
    for name, value in district.env.items():
        monkeypatch.setenv(name, value)
    for member in district.services.values():
        with member.session() as session:
            for kind in LoopKind:
                session.execute(insert(LoopTurn).values(turn(kind)))
            for name in jobs_of(member.service):
                session.execute(insert(JobRun).values(name=name, period=0, started_at=app_now()))
    yield district


def turn(loop: str, process: str = "host-1:11") -> dict[str, Any]:
    now = func.now()
    return {"loop": loop, "process": process, "started_at": now, "last_turn_at": now}


def status(*options: str) -> Result:
    return CliRunner().invoke(main, ["status", *options])


def status_json() -> Any:
    done = status("--json")
    return json.loads(done.stdout) | {"exit_code": done.exit_code}


def test_all_is_well_and_ends_with_zero(whole: District) -> None:
    found = status_json()
    assert (found["exit_code"], found["status"]) == (0, "ready")
    assert [one["service"] for one in found["services"]] == list(SERVICES)
    for one in found["services"]:
        assert one["database"] == "answers" and one["migrations"] == "current"
        assert one["broker"] == "reached" and one["reasons"] == []
        assert {loop["loop"] for loop in one["loops"]} == set(LoopKind)


def test_a_silent_worker_is_named_and_ends_with_one(whole: District) -> None:
    with whole.wishes.session() as session:
        session.execute(delete(LoopTurn).where(LoopTurn.loop == "worker"))
        last = func.now() - timedelta(seconds=60)
        late = turn("worker", "host-2:7") | {"last_turn_at": last}
        session.execute(insert(LoopTurn).values(late))
    found = status_json()
    assert (found["exit_code"], found["status"]) == (1, "degraded")
    states = {one["service"]: one["reasons"] for one in found["services"]}
    (reason,) = states.pop("wishes")
    assert not any(states.values())
    assert (reason["code"], reason["loop"], reason["process"]) == (
        "loop_silent",
        "worker",
        "host-2:7",
    )


def test_nothing_was_ever_started(whole: District) -> None:
    with whole.rewards.session() as session:
        session.execute(delete(LoopTurn))
    rewards = status_json()["services"][2]
    assert {one["code"] for one in rewards["reasons"]} == {"loop_missing"}
    assert {one["loop"] for one in rewards["reasons"]} == set(LoopKind)
    assert rewards["broker"] == "unknown"


def test_text_is_an_aligned_table_with_what_is_wrong_first(whole: District) -> None:
    with whole.rewards.session() as session:
        session.execute(delete(LoopTurn).where(LoopTurn.loop == "relay"))
        letter = DeadLetter(id=new_id(), body="{}", reason="unreadable", attempts=0)
        session.add(letter)
    done = status()
    assert done.exit_code == 1
    first, wrong, empty, head, *rows = done.stdout.splitlines()
    assert first.endswith("UTC: degraded")
    assert wrong == "- No relay of rewards runs." and empty == ""
    rewards = next(row for row in rows if row.startswith("rewards"))
    for column, value in {"state": "degraded", "database": "answers", "dead letters": "1"}.items():
        assert rewards[head.index(column) :].startswith(value), column
    assert "\x1b" not in done.stdout


@pytest.fixture(params=["refuses", "hangs"])
def away(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that is not there, or that takes connections and never answers."""
    if request.param == "refuses":
        yield "127.0.0.1:1"
        return
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"127.0.0.1:{silent.getsockname()[1]}"


def test_a_database_that_is_away_is_named_soon_and_the_others_are_shown(
    whole: District, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    monkeypatch.setattr("console.status.ANSWER_SECONDS", 1.0)
    monkeypatch.setenv("WISHTREE_NOTIFY_DATABASE_URL", f"postgresql://nobody@{away}/none")
    begun = time.monotonic()
    found = status_json()
    assert time.monotonic() - begun < 2.5  # a connection would be waited for longer
    assert (found["exit_code"], found["status"]) == (2, "down")
    *others, notify = found["services"]
    assert {one["status"] for one in others} == {"ready"}
    assert (notify["status"], notify["database"]) == ("down", "away")
    assert notify["reasons"][0]["text"] == "The database of notify does not answer."


def test_tables_of_another_version_are_said_to_be_so(
    whole: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.status.is_migrated", lambda _session, one: one.name != "wishes")
    found = status_json()
    wishes = found["services"][1]
    assert found["exit_code"] == 1 and wishes["migrations"] == "behind"
    assert wishes["reasons"][0]["text"].endswith("run `wishtree migrate`.")


def test_an_installation_that_is_stopped_is_down(data: Path) -> None:
    done = status("--data", str(data))
    assert done.exit_code == 2 and "Traceback" not in done.output
    assert "The database of rewards does not answer." in done.output


def test_help_says_what_the_exit_codes_mean() -> None:
    text = status("--help").output
    assert "0  ready" in text and "1  degraded" in text and "2  down" in text

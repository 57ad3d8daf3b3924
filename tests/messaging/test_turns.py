"""Turns of loops: what is written, what is taken back, and what a stuck loop looks like."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update
from werkzeug.test import Client

from devkit.testkit import District, Member
from shared.contracts.registration import VolunteerActivated
from shared.core.ids import new_id
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.messaging.backlog import waiting_events
from shared.messaging.outbox import publish
from shared.messaging.turns import Loop, LoopKind, LoopTurn, Trouble, Turns, Work, stop_turns
from shared.service.housekeeping import forget_small_tables
from shared.service.process_health import health_app


@pytest.fixture
def turns(district: District) -> Iterator[Turns]:
    made = Turns(district.registration.database)
    yield made
    stop_turns([made])


def rows(member: Member) -> dict[str, LoopTurn]:
    with member.session() as session:
        return {row.loop: row for row in session.scalars(select(LoopTurn))}


def test_a_row_says_when_a_loop_turned_and_what_waits_for_it(
    district: District, turns: Turns
) -> None:
    turns.loop(LoopKind.RELAY, waiting_events)
    consume = turns.loop(LoopKind.CONSUME)
    with district.registration.session() as session:
        publish(session, VolunteerActivated(volunteer_id=new_id()))
    consume.turn(Trouble.BROKER_AWAY)
    consume.work = Work(3, 7.5)
    turns.write()
    found = rows(district.registration)
    relay, consumer = found["relay"], found["consume"]
    assert relay.process == turns.process and relay.started_at <= relay.last_turn_at
    assert relay.waiting == 1 and 0 <= (relay.oldest_seconds or -1) < 5
    assert (consumer.waiting, consumer.oldest_seconds) == (3, 7.5)
    assert consumer.trouble == "broker_away" and relay.trouble is None
    turned = REGISTRY.get_sample_value(
        "wishtree_loop_last_turn_timestamp_seconds", {"service": "registration", "loop": "relay"}
    )
    assert turned is not None and abs(time.time() - turned) < 5


def test_a_loop_that_is_stuck_is_not_written_while_its_process_goes_on(
    district: District, turns: Turns
) -> None:
    stuck, well = turns.loop(LoopKind.RELAY), turns.loop(LoopKind.CONSUME)
    turns.write()
    first = rows(district.registration)
    well.turn()
    turns.write()
    second = rows(district.registration)
    assert second["relay"].last_turn_at == first["relay"].last_turn_at
    assert second["consume"].last_turn_at > first["consume"].last_turn_at
    assert stuck.silent_seconds > well.silent_seconds


def test_nothing_is_written_when_no_loop_has_turned(district: District, turns: Turns) -> None:
    turns.loop(LoopKind.RELAY)
    turns.write()
    with district.registration.session() as session:
        session.execute(text("DELETE FROM loop_turns"))
    turns.write()
    assert rows(district.registration) == {}


def test_a_clean_stop_takes_only_its_own_rows_back(district: District) -> None:
    ours, other = (Turns(district.registration.database) for _ in range(2))
    other.process = "elsewhere:1"
    for turns in (ours, other):
        turns.loop(LoopKind.RELAY)
        turns.start()
    deadline = time.monotonic() + 3
    while len(processes(district.registration)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop_turns([ours])
    assert processes(district.registration) == {"elsewhere:1"}
    stop_turns([other])
    assert processes(district.registration) == set()


def processes(member: Member) -> set[str]:
    with member.session() as session:
        return set(session.scalars(select(LoopTurn.process)))


def test_a_process_takes_the_place_of_the_dead_of_its_host(
    district: District, turns: Turns
) -> None:
    host = socket.gethostname()
    for process in (f"{host}:4194301", "elsewhere:4194301", f"{host}:1"):  # above the largest pid
        other = Turns(district.registration.database)
        other.process = process
        other.loop(LoopKind.RELAY)
        other._written_at = 1e-9  # does not look for the dead
        other.write()
    turns.loop(LoopKind.RELAY)
    turns.write()
    assert processes(district.registration) == {"elsewhere:4194301", f"{host}:1", turns.process}


def test_housekeeping_deletes_what_has_not_turned_for_a_day(
    district: District, turns: Turns
) -> None:
    turns.loop(LoopKind.RELAY)
    turns.loop(LoopKind.CONSUME)
    turns.write()
    with district.registration.session() as session:
        old = update(LoopTurn).where(LoopTurn.loop == "relay")
        session.execute(old.values(last_turn_at=text("now() - interval '25 hours'")))
        forget_small_tables(session)
    assert set(rows(district.registration)) == {"consume"}


def test_no_loop_waits_or_fails_because_the_database_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = Settings(
        rewards_database_url="postgresql://nobody@127.0.0.1:1/none", loop_silent_seconds=1
    )
    turns = Turns(Database("rewards", settings))
    loop = turns.loop(LoopKind.RELAY)
    turns.start()
    time.sleep(0.5)
    begun = time.monotonic()
    loop.turn()
    assert time.monotonic() - begun < 0.1
    stop_turns([turns])
    assert turns._thread.is_alive() is False
    assert "turns not written" not in caplog.text


def test_a_long_pause_turns_and_ends_at_once_when_stopped() -> None:
    loop, stop = Loop(LoopKind.CATCH_UP), threading.Event()
    pause = threading.Thread(target=loop.wait, args=(stop, 60))
    pause.start()
    time.sleep(1.3)
    assert loop.silent_seconds < 1.2
    stop.set()
    pause.join(1)
    assert not pause.is_alive()


def test_health_names_the_loop_that_is_stuck_and_no_other(turns: Turns) -> None:
    stuck, well = turns.loop(LoopKind.RELAY), turns.loop(LoopKind.CONSUME)
    browser = Client(health_app([turns], stuck_seconds=60))
    assert browser.get("/healthz").status_code == 200
    stuck.turned_at -= 61
    well.turn(Trouble.BROKER_AWAY)  # a restart would not bring the broker back
    waits = turns.loop(LoopKind.WORKER)
    waits.turned_at, waits.at_broker = stuck.turned_at, True
    answer: Any = browser.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "stuck: registration.relay")
    assert "wishtree_loop_oldest_seconds" in browser.get("/metrics").text

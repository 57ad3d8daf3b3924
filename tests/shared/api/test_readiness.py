"""Readiness names what is wrong: which loop, of which process, since when."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, func, insert
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from devkit.testkit import District, Member
from shared.contracts.registration import VolunteerActivated
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.core.language import LANGUAGES, translate, translations
from shared.db import engine
from shared.jobs.late import jobs_of
from shared.jobs.periodic import JobRun
from shared.messaging.attempts import Attempt
from shared.messaging.outbox import OutboxRow, publish
from shared.messaging.turns import LoopKind, LoopTurn
from shared.service import probes
from shared.service.condition import LOOP_NAMES, TEXTS, Code

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def rewards(district: District) -> Member:
    """Rewards with one process of each role, all of which turn, and jobs that ran just now."""
    with district.rewards.session() as session:
        for kind in LoopKind:
            session.execute(insert(LoopTurn).values(turn(kind)))
        for name in jobs_of("rewards"):
            session.execute(insert(JobRun).values(name=name, period=0, started_at=app_now()))
    return district.rewards


def turn(loop: str, process: str = "host-1:11", silent: float = 1, **more: Any) -> dict[str, Any]:
    last = func.now() - timedelta(seconds=silent)
    started = func.now() - timedelta(hours=9)
    return {"loop": loop, "process": process, "last_turn_at": last, "started_at": started} | more


def replace(member: Member, loop: str, *rows: dict[str, Any]) -> None:
    with member.session() as session:
        session.execute(delete(LoopTurn).where(LoopTurn.loop == loop))
        for row in rows:
            session.execute(insert(LoopTurn).values(row))


def readiness(member: Member, headers: dict[str, str] = ENGLISH) -> Any:
    answer = member.call("GET", f"/{member.service}/readyz", headers=headers)
    assert answer.status_code == 200
    return answer.get_json()


def only_reason(member: Member) -> Any:
    state = readiness(member)
    assert state["status"] == "degraded"
    (reason,) = state["reasons"]
    assert state["reason"] == reason["text"]
    return reason


def test_ready_while_a_loop_of_each_kind_turns(rewards: Member) -> None:
    state = readiness(rewards)
    assert state["status"] == "ready" and state["reasons"] == [] and "reason" not in state
    assert {one["loop"] for one in state["loops"]} == set(LoopKind)
    assert {one["status"] for one in state["loops"]} == {"turning"}


@pytest.mark.check("L2")
@pytest.mark.parametrize("kind", LoopKind)
def test_a_silent_loop_is_named_with_its_process(rewards: Member, kind: LoopKind) -> None:
    replace(rewards, kind, turn(kind, "host-2:4711", silent=41), turn(kind, "host-0:9", silent=999))
    reason = only_reason(rewards)
    assert reason["code"] == "loop_silent" and reason["loop"] == kind
    assert reason["process"] == "host-2:4711" and 40 < reason["seconds"] < 45
    assert re.search("of rewards on host-2:4711 has not turned for 4[1-4] s.$", reason["text"])
    chinese = readiness(rewards, {"Accept-Language": "zh-CN"})["reason"]
    assert "host-2:4711 上 rewards 的" in chinese and "秒无响应。" in chinese


def test_a_database_that_is_slow_at_every_statement_has_one_deadline(
    rewards: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(session: Session, *_: object) -> None:
        for _ in range(10):
            session.execute(sql("SELECT pg_sleep(0.3)"))

    monkeypatch.setattr(probes, "PROBE_SECONDS", 1)
    monkeypatch.setattr(engine, "GRACE_SECONDS", 0)
    monkeypatch.setattr(probes, "condition_of", slowly)
    began = time.monotonic()
    answer = rewards.call("GET", "/rewards/readyz", headers=ENGLISH)
    assert time.monotonic() - began < 2
    assert answer.status_code == 503
    assert answer.get_json()["reasons"][0]["code"] == "database_away"
    monkeypatch.undo()
    assert readiness(rewards)["status"] == "ready"


def test_another_process_that_turns_is_enough(rewards: Member) -> None:
    replace(rewards, "relay", turn("relay"), turn("relay", "host-2:1", silent=41))
    state = readiness(rewards)
    assert state["status"] == "ready"
    shown = {one["process"]: one["status"] for one in state["loops"] if one["loop"] == "relay"}
    assert shown == {"host-1:11": "turning", "host-2:1": "silent"}


def test_a_loop_that_is_missing_is_given_time_to_start(
    rewards: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    readiness(rewards)
    replace(rewards, "relay")
    assert readiness(rewards)["status"] == "ready"
    later = probes.LastSeen.missing_seconds
    monkeypatch.setattr(probes.LastSeen, "missing_seconds", lambda *a: later(*a) + 61)
    reason = only_reason(rewards)
    assert (reason["code"], reason["loop"], reason["process"]) == ("loop_missing", "relay", None)
    assert reason["text"] == "No relay of rewards runs."


@pytest.mark.check("L2")
def test_a_consumer_that_takes_nothing_is_deaf(rewards: Member) -> None:
    replace(rewards, "consume", turn("consume", waiting=3, oldest_seconds=61.0))
    reason = only_reason(rewards)
    assert (reason["code"], reason["process"]) == ("queue_untouched", "host-1:11")


def test_a_loop_without_broker_says_so(rewards: Member) -> None:
    replace(rewards, "relay", turn("relay", trouble="broker_away"))
    reason = only_reason(rewards)
    assert (reason["code"], reason["loop"]) == ("broker_away", "relay")
    replace(rewards, "consume", turn("consume", trouble="broker_away"))
    replace(rewards, "worker", turn("worker", silent=41))  # it waits for the broker
    found = {(one["code"], one["loop"]) for one in readiness(rewards)["reasons"]}
    assert found == {("broker_away", loop) for loop in ("relay", "consume", "worker")}


def test_what_a_newer_version_writes_is_no_error(rewards: Member) -> None:
    replace(rewards, "future", turn("future"))
    replace(rewards, "relay", turn("relay", trouble="something_new"))
    assert readiness(rewards)["status"] == "ready"


def test_events_that_do_not_leave_are_seen(rewards: Member) -> None:
    with rewards.session() as session:
        (event_id,) = publish(session, VolunteerActivated(volunteer_id=new_id()))
        old = OutboxRow.__table__.update().where(OutboxRow.id == event_id)
        session.execute(old.values(created_at=app_now() - timedelta(seconds=11)))
    assert only_reason(rewards)["code"] == "outbox_behind"


def test_attempts_that_nobody_makes_are_seen(rewards: Member) -> None:
    with rewards.session() as session:
        due = app_now() - timedelta(seconds=61)
        session.execute(
            insert(Attempt).values(event_id=new_id(), body="{}", attempts=1, due_at=due)
        )
    assert only_reason(rewards)["code"] == "attempts_late"


def late(member: Member, job: str, seconds: float) -> None:
    with member.session() as session:
        ran = JobRun.__table__.update().where(JobRun.name == job)
        session.execute(ran.values(started_at=app_now() - timedelta(seconds=seconds)))


def test_jobs_that_do_not_reach_a_worker_are_seen_although_beat_and_worker_turn(
    rewards: Member,
) -> None:
    late(rewards, "rewards.probe_worker", 79)
    assert readiness(rewards)["status"] == "ready"
    late(rewards, "rewards.probe_worker", 82)
    reason = only_reason(rewards)
    assert (reason["code"], reason["loop"], reason["process"]) == (
        "jobs_late",
        "worker",
        "host-1:11",
    )


def test_late_jobs_are_blamed_on_a_beat_that_is_silent(rewards: Member) -> None:
    late(rewards, "rewards.probe_worker", 500)
    replace(rewards, "beat", turn("beat", "host-3:1", silent=41))
    reason = only_reason(rewards)
    assert (reason["code"], reason["loop"], reason["process"]) == (
        "loop_silent",
        "beat",
        "host-3:1",
    )


def test_a_job_that_never_ran_counts_from_the_start_of_beat(rewards: Member) -> None:
    with rewards.session() as session:
        session.execute(delete(JobRun).where(JobRun.name == "rewards.export_head"))
    assert only_reason(rewards)["code"] == "jobs_late"  # beat began nine hours ago
    fresh = turn("beat") | {"started_at": func.now()}
    replace(rewards, "beat", fresh)
    assert readiness(rewards)["status"] == "ready"


def test_metrics_show_since_when_no_process_turns_a_loop(rewards: Member) -> None:
    replace(rewards, "consume", turn("consume", silent=50), turn("consume", "b:1", silent=900))
    late(rewards, "rewards.probe_worker", 500)
    found = samples(rewards)
    assert 50 <= found["wishtree_loop_silent_seconds", "consume"] < 55
    assert found["wishtree_loop_silent_seconds", "relay"] < 5
    assert 480 <= found["wishtree_jobs_late_seconds", None] < 485
    assert found["wishtree_database_up", None] == 1 and found["wishtree_broker_up", None] == 1


def samples(member: Member) -> dict[tuple[str, str | None], float]:
    text = member.call("GET", f"/{member.service}/metrics").get_data(as_text=True)
    return {
        (sample.name, sample.labels.get("loop")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("service") == member.service
    }


def test_people_read_every_reason_in_their_language() -> None:
    assert set(TEXTS) == set(Code) and set(LOOP_NAMES) == set(LoopKind)
    catalogue = translations(LANGUAGES[0])
    for text in (*TEXTS.values(), *LOOP_NAMES.values()):
        assert catalogue.gettext(text) != text, text
        assert translate(text, "en") == text

"""Alert rules and dashboard: well-formed, about metrics that exist, and each in the runbook.

The rules about gauges also fire: they are evaluated over what an API really exposes.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert, update

from devkit.testkit import District
from shared.contracts.registration import VolunteerActivated
from shared.core.clock import app_now
from shared.core.ids import new_id
from shared.jobs.late import jobs_of
from shared.jobs.periodic import JobRun
from shared.messaging.attempts import DeadLetter
from shared.messaging.outbox import OutboxRow, publish
from shared.messaging.turns import LoopKind, LoopTurn
from tests.support.promql import Refused, evaluate, parse

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "wishtree.json"
RUNBOOK = ROOT / "docs" / "operations" / "watch-it.md"


class Strict(BaseModel):
    """Refuses what it does not know, as Prometheus does."""

    model_config = ConfigDict(extra="forbid")


class Labels(Strict):
    """What routes an alert."""

    severity: Literal["critical", "warning"]


class Annotations(Strict):
    """What a person reads."""

    summary: str = Field(min_length=20, max_length=120)
    runbook_url: str = Field(pattern=r"^docs/operations/watch-it\.md#[a-z]+$")


class Alert(Strict):
    """An alerting rule."""

    alert: str = Field(pattern=r"^Wishtree[A-Z]\w+$")
    expr: str
    hold: str = Field(alias="for", pattern=r"^\d+[smh]$")
    labels: Labels
    annotations: Annotations


class Group(Strict):
    """Rules that are evaluated together."""

    name: str
    interval: str = Field(default="1m", pattern=r"^\d+[smh]$")
    rules: list[Alert] = Field(min_length=1)


class RuleFile(Strict):
    """https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/"""

    groups: list[Group]


def alerts() -> list[Alert]:
    found = RuleFile.model_validate(yaml.safe_load(RULES.read_text()))
    return [rule for group in found.groups for rule in group.rules]


ALERTS = {rule.alert: rule for rule in alerts()}


def anchors() -> set[str]:
    titles = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}


def test_names_are_unique() -> None:
    assert len(ALERTS) == len(alerts()) >= 15


@pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: rule.alert)
def test_a_rule_is_about_metrics_and_labels_that_exist(rule: Alert) -> None:
    labels = parse(rule.expr).labels()
    named = set(re.findall(r"\$labels\.(\w+)", rule.annotations.summary))
    assert named <= labels


@pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: rule.alert)
def test_every_alert_is_in_the_runbook(rule: Alert) -> None:
    anchor = rule.annotations.runbook_url.partition("#")[2]
    assert anchor == rule.alert.lower()
    assert anchor in anchors()


def test_the_runbook_names_no_alert_that_does_not_exist() -> None:
    assert set(re.findall(r"\bWishtree[A-Z]\w+", RUNBOOK.read_text())) == set(ALERTS)


@pytest.mark.parametrize(
    "wrong",
    [
        "wishtree_loop_silent > 3",
        'wishtree_loop_silent_seconds{name="relay"} > 3',
        "min by (name) (wishtree_loop_silent_seconds) > 3",
        "rate(wishtree_job_seconds_count) > 3",
        "min by (service (wishtree_loop_silent_seconds) > 3",
        "wishtree_outbox_unpublished > > 3",
    ],
)
def test_a_wrong_expression_is_refused(wrong: str) -> None:
    with pytest.raises(Refused):
        parse(wrong)


# The dashboard


def panels(found: list[Any]) -> Iterator[Any]:
    for panel in found:
        yield panel
        yield from panels(panel.get("panels", []))


def test_the_dashboard_can_be_imported_and_asks_for_metrics_that_exist() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert board["schemaVersion"] >= 36 and board["uid"] == "wishtree" and board["id"] is None
    (source,) = (one for one in board["templating"]["list"] if one["type"] == "datasource")
    assert source["query"] == "prometheus"
    found = list(panels(board["panels"]))
    ids = [panel["id"] for panel in found]
    assert len(ids) == len(set(ids)) >= 10
    for panel in found:
        assert panel["title"] and set(panel["gridPos"]) == {"h", "w", "x", "y"}
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{source['name']}}}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        for target in panel["targets"]:
            labels = parse(target["expr"].replace("$service", "rewards")).labels()
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert named <= labels, (panel["title"], named, labels)


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(json.loads(DASHBOARD.read_text())["panels"]):
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken and at["x"] + at["w"] <= 24
        taken |= cells


# What fires


@pytest.fixture
def well(district: District) -> District:
    """Rewards, all loops of which turn, and all jobs of which ran just now."""
    with district.rewards.session() as session:
        for kind in LoopKind:
            last = func.now()
            began = last - timedelta(hours=9)
            row = {"loop": kind, "process": "a:1", "started_at": began, "last_turn_at": last}
            session.execute(insert(LoopTurn).values(row))
        for name in jobs_of("rewards"):
            session.execute(insert(JobRun).values(name=name, period=0, started_at=app_now()))
    return district


def firing(district: District) -> set[str]:
    """The alerts that fire for rewards, of those about gauges."""
    exposed = district.rewards.call("GET", "/rewards/metrics").get_data(as_text=True)
    ours = "\n".join(
        line for line in exposed.splitlines() if line[:1] == "#" or 'service="rewards"' in line
    )
    found = set()
    for rule in ALERTS.values():
        try:
            if evaluate(parse(rule.expr), ours + "\n"):
                found.add(rule.alert)
        except NotImplementedError:
            continue
    return found


def silence(district: District, *kinds: LoopKind) -> None:
    with district.rewards.session() as session:
        old = update(LoopTurn).where(LoopTurn.loop.in_(kinds))
        session.execute(old.values(last_turn_at=func.now() - timedelta(seconds=50)))


def test_nothing_fires_while_all_is_well(well: District) -> None:
    assert firing(well) == set()


@pytest.mark.parametrize(
    ("kind", "alert"),
    [
        (LoopKind.RELAY, "WishtreeRelayStopped"),
        (LoopKind.CONSUME, "WishtreeConsumerSilent"),
        (LoopKind.WORKER, "WishtreeWorkerSilent"),
        (LoopKind.BEAT, "WishtreeBeatStopped"),
    ],
)
def test_a_loop_that_is_silent_fires_its_own_alert_and_no_other(
    well: District, kind: LoopKind, alert: str
) -> None:
    silence(well, kind)
    assert firing(well) == {alert}


def test_a_dead_bus_fires_for_each_of_its_loops(well: District) -> None:
    silence(well, LoopKind.RELAY, LoopKind.CONSUME, LoopKind.ATTEMPTS, LoopKind.CATCH_UP)
    assert firing(well) == {
        "WishtreeRelayStopped",
        "WishtreeConsumerSilent",
        "WishtreeAttemptsStopped",
    }


def test_a_deaf_consumer_an_old_event_a_dead_letter_and_late_jobs_fire(well: District) -> None:
    with well.rewards.session() as session:
        deaf = update(LoopTurn).where(LoopTurn.loop == LoopKind.CONSUME)
        session.execute(deaf.values(oldest_seconds=61.0))
        publish(session, VolunteerActivated(volunteer_id=new_id()))
        session.execute(update(OutboxRow).values(created_at=app_now() - timedelta(seconds=61)))
        session.add(DeadLetter(id=new_id(), body="{}", reason="unreadable", attempts=0))
        ran = update(JobRun).where(JobRun.name == "rewards.probe_worker")
        session.execute(ran.values(started_at=app_now() - timedelta(seconds=90)))
    assert firing(well) == {
        "WishtreeConsumerDeaf",
        "WishtreeOutboxBehind",
        "WishtreeDeadLetters",
        "WishtreeJobsLate",
    }


def test_a_bus_without_broker_fires(well: District) -> None:
    with well.rewards.session() as session:
        session.execute(update(LoopTurn).values(trouble="broker_away"))
    assert firing(well) == {"WishtreeBrokerAway"}


@pytest.mark.long(reason="a database that does not answer is waited for")
def test_a_database_that_is_away_fires(well: District, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    firing(well)
    monkeypatch.setattr("shared.service.probes.condition_of", away)
    assert "WishtreeDatabaseAway" in firing(well)

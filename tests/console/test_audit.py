"""`wishtree reconcile --audit`: a line for each difference, what to do, and how it ends."""

import json
from uuid import UUID

import pytest
from click.testing import CliRunner

import console.audit
from console.audit import Audited
from console.main import main
from console.services import definition_of
from shared.service.audit import AuditResult
from shared.service.differences import EVENT_MISSING, Difference

EVENT = EVENT_MISSING(UUID(int=7), "-", "hours.recorded 1")


def audits_find(monkeypatch: pytest.MonkeyPatch, *rounds: list[Difference]) -> None:
    """Let each audit of a service find what the next round has."""
    remaining = iter(rounds)

    def audit_service(service: str) -> Audited:
        found = next(remaining)
        return Audited(definition_of(service), AuditResult(service, found, len(found), 5), 0.1)

    monkeypatch.setattr(console.audit, "audit_service", audit_service)


def test_differences_are_named_and_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    audits_find(monkeypatch, [EVENT])
    done = CliRunner().invoke(main, ["reconcile", "--audit", "rewards"])
    assert done.exit_code == 1
    assert (
        f"event_missing            {UUID(int=7)}  here: -  there: hours.recorded 1" in done.output
    )
    assert EVENT_MISSING.repair in done.output


def test_a_repair_is_followed_by_another_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    audits_find(monkeypatch, [EVENT], [])
    monkeypatch.setattr(console.audit, "repair_service", lambda one: len(one.result.differences))
    done = CliRunner().invoke(main, ["reconcile", "--audit", "--repair", "rewards"])
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "1 events handed over again")


def test_json_is_all_that_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    audits_find(monkeypatch, [EVENT])
    done = CliRunner().invoke(main, ["reconcile", "--audit", "--json", "rewards"])
    [service] = json.loads(done.output)
    assert service["differences"] == [
        {
            "kind": "event_missing",
            "id": str(UUID(int=7)),
            "here": "-",
            "there": "hours.recorded 1",
        }
    ]


def test_repair_without_audit_is_refused() -> None:
    done = CliRunner().invoke(main, ["reconcile", "--repair"])
    assert done.exit_code == 2
    assert "go with --audit" in done.output

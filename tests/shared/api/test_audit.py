"""Evidence for audits, their runs over HTTP, and what a run keeps."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from console.services import definition_of
from devkit.testkit import District
from services.registration.clients import SCOPES, SERVICE_SCOPES
from shared import SERVICES
from shared.core.ids import new_id
from shared.core.language import translations
from shared.db.engine import using
from shared.service import audit_runs, auditing
from shared.service.audit import side_by_side
from shared.service.differences import COMMON_KINDS, DifferenceKind
from shared.service.evidence_api import SCOPE

PATH = "/v1/evidence/registration/organisations"


def organisations(district: District, count: int) -> list[str]:
    staff = district.token("staff")
    return [
        district.registration.call(
            "POST", "/v1/organisations", {"name": f"站{n}", "kind": "group"}, as_=staff
        ).get_json()["id"]
        for n in range(count)
    ]


def test_evidence_comes_in_the_order_of_ids_page_by_page(district: District) -> None:
    ids = organisations(district, 3)
    auditor = district.token("auditor")
    first = district.registration.call("GET", f"{PATH}?limit=2", as_=auditor).get_json()
    assert [item["id"] for item in first["items"]] == ids[:2]
    rest = district.registration.call("GET", f"{PATH}?after={ids[1]}", as_=auditor).get_json()
    assert [item["id"] for item in rest["items"]] == ids[2:]


@pytest.mark.parametrize("role", ["staff", "volunteer", "coordinator", "venue"])
def test_evidence_is_for_services_and_auditors(district: District, role: str) -> None:
    assert district.registration.call("GET", PATH).status_code == 401
    assert district.registration.call("GET", PATH, as_=district.token(role)).status_code == 403
    client = district.token("system", "school", scopes="events:read events:*")
    assert district.registration.call("GET", PATH, as_=client).status_code == 403


def test_no_client_can_be_given_the_scope_of_evidence() -> None:
    assert SCOPE in SERVICE_SCOPES
    assert SCOPE not in SCOPES


@pytest.mark.parametrize(
    ("path", "status"),
    [("nothing", 404), ("records?after=x", 422), ("records?limit=5001", 422)],
)
def test_odd_requests_for_evidence_are_refused(district: District, path: str, status: int) -> None:
    auditor = district.token("auditor")
    answer = district.registration.call("GET", f"/v1/evidence/registration/{path}", as_=auditor)
    assert answer.status_code == status


def test_evidence_holds_nothing_about_people(district: District) -> None:
    person = {"name": "沈芳", "phone": "13800000011", "birth_date": "1990-05-01"}
    district.registration.call("POST", "/v1/volunteers", person)
    auditor = district.token("auditor")
    for kind in ("volunteers", "events-for-notify", "events-for-rewards"):
        answer = district.registration.call("GET", f"/v1/evidence/registration/{kind}", as_=auditor)
        assert answer.get_json()["items"]
        assert not any(one in answer.get_data(as_text=True) for one in ("沈芳", "13800000011"))


class Row:
    def __init__(self, number: int) -> None:
        self.id = UUID(int=number)


def test_two_sides_are_paired_by_id() -> None:
    theirs, ours = [Row(n) for n in (1, 3, 4)], [Row(n) for n in (2, 3, 5)]
    pairs: Any = side_by_side(iter(theirs), iter(ours))  # type: ignore[type-var]
    found = [tuple(one and one.id.int for one in pair) for pair in pairs]
    assert found == [(1, None), (None, 2), (3, 3), (4, None), (None, 5)]


def shown(district: District, service: str = "wishes", **query: str) -> Any:
    auditor = district.token("auditor")
    path = f"/v1/audit/{service}"
    return district.services[service].call("GET", path, as_=auditor, query_string=query).get_json()


def rename_copies(district: District, name: str) -> None:
    with district.wishes.session() as session:
        session.execute(text("UPDATE known_organisations SET name = :name"), {"name": name})


def test_a_difference_is_kept_until_a_run_no_longer_finds_it(district: District) -> None:
    [station] = organisations(district, 1)
    district.deliver_all()
    rename_copies(district, "other")
    district.audit("wishes")
    (first,) = shown(district)["items"]
    assert (first["kind"], first["subject_id"]) == ("organisation_differs", station)
    assert (first["here"], first["there"]) == ("other name", "name")

    district.audit("wishes")
    (again,) = shown(district)["items"]
    assert (again["id"], again["first_found_at"]) == (first["id"], first["first_found_at"])
    assert again["found_at"] > first["found_at"]

    rename_copies(district, "站0")
    district.audit("wishes")
    assert shown(district)["items"] == []
    assert shown(district)["kinds"] == []

    rename_copies(district, "other")
    district.audit("wishes")
    (back,) = shown(district, kind="organisation_differs")["items"]
    assert back["first_found_at"] > first["first_found_at"]
    assert shown(district, kind="claimer_standing")["items"] == []


class AwayReader:
    """Another service that does not answer."""

    def read(self, *_: object) -> bytes:
        raise ConnectionError("away")


def test_a_run_that_is_interrupted_resolves_nothing(district: District) -> None:
    organisations(district, 1)
    district.deliver_all()
    rename_copies(district, "other")
    district.audit("wishes")
    with using(district.wishes.database):
        with district.wishes.session() as session:
            run_id = audit_runs.begin_run(session, "test")
        with pytest.raises(ConnectionError):
            auditing.run("wishes", definition_of("wishes").checks, AwayReader(), run_id)
    audit = shown(district)
    assert len(audit["items"]) == 1
    assert audit["newest"]["error"] == "ConnectionError: away"
    assert audit["newest"]["finished_at"] is None
    assert audit["finished"]["found"] == 1


def test_a_run_is_due_when_requested_and_once_a_day(district: District) -> None:
    with district.wishes.session() as session:
        daily = audit_runs.begin_due_run(session)
        assert daily is not None
        assert audit_runs.begin_due_run(session) is None  # it has just begun
        session.execute(text("UPDATE audit_runs SET finished_at = app_now()"))
    staff = district.token("staff")
    first = district.wishes.call("POST", "/v1/audit/wishes/runs", as_=staff)
    second = district.wishes.call("POST", "/v1/audit/wishes/runs", as_=staff)
    assert (first.status_code, first.get_json()["id"]) == (202, second.get_json()["id"])
    with district.wishes.session() as session:
        assert str(audit_runs.begin_due_run(session)) == first.get_json()["id"]
        assert audit_runs.begin_due_run(session) is None
        session.execute(
            text(
                "UPDATE audit_runs SET started_at = app_now() - interval '2 days',"
                " finished_at = app_now() - interval '25 hours'"
            )
        )
        assert audit_runs.begin_due_run(session) is not None


@pytest.mark.parametrize("role", ["volunteer", "coordinator", "venue"])
def test_the_audit_is_for_staff_and_auditors(district: District, role: str) -> None:
    token = district.token(role)
    assert district.wishes.call("GET", "/v1/audit/wishes", as_=token).status_code == 403
    assert district.wishes.call("POST", "/v1/audit/wishes/runs", as_=token).status_code == 403
    auditor = district.token("auditor")
    assert district.wishes.call("POST", "/v1/audit/wishes/runs", as_=auditor).status_code == 403


def test_metrics_show_differences_and_the_age_of_the_audit(district: District) -> None:
    organisations(district, 1)
    district.deliver_all()
    rename_copies(district, "other")
    district.audit("wishes")
    name = 'wishtree_audit_differences{kind="organisation_differs",service="wishes"}'
    metrics = district.wishes.call("GET", "/wishes/metrics").get_data(as_text=True)
    assert f"{name} 1.0" in metrics
    assert 'wishtree_audit_age_seconds{service="wishes"}' in metrics
    rename_copies(district, "站0")
    district.audit("wishes")
    assert f"{name} 0.0" in district.wishes.call("GET", "/wishes/metrics").get_data(as_text=True)


@pytest.mark.parametrize("service", SERVICES)
def test_every_kind_of_difference_is_explained_in_chinese(service: str) -> None:
    kinds = (*COMMON_KINDS, *definition_of(service).kinds)
    assert len({kind.name for kind in kinds}) == len(kinds)
    known = translations("zh-CN")
    silent = [
        one for kind in kinds for one in (kind.title, kind.repair) if known.gettext(one) == one
    ]
    assert not silent


def test_a_difference_is_about_its_own_id_and_those_named() -> None:
    one, other = new_id(), new_id()
    kind = DifferenceKind("kind", "Title.", "Repair.")
    assert kind(one, 1, None, other, None).about == {str(one), str(other)}

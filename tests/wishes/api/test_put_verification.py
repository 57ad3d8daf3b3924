"""PUT /v1/wishes/{id}/verification, publication and withdrawal."""

import pytest

from shared.contracts.registration import OrganisationRegistered
from shared.messaging.outbox import publish
from tests.support.wish_tree import Tree


def test_unclean_words_are_not_verified_until_edited(tree: Tree) -> None:
    wish_id = tree.submitted(description="请打 １３７ 一二三四 5678 找陈桂芳奶奶")
    path = f"/v1/wishes/{wish_id}/verification"
    response = tree.call("PUT", path, {}, tree.coordinator, 422)
    assert {e["detail"] for e in response["errors"]} == {"phone", "name"}
    assert tree.wish(wish_id)[0] == "submitted"
    assert (
        tree.call("PUT", path, {"description": "想要一条厚毛毯"}, tree.coordinator)["status"]
        == "verified"
    )
    assert tree.call("PUT", path, {}, tree.coordinator)["status"] == "verified"
    assert [event["type"] for event in tree.events()] == ["wish.submitted", "wish.verified"]
    assert tree.rows("SELECT description FROM wishes") == [("想要一条厚毛毯",)]


def test_verification_without_a_body_is_enough(tree: Tree) -> None:
    wish_id = tree.submitted()
    assert (
        tree.call("PUT", f"/v1/wishes/{wish_id}/verification", as_=tree.staff)["status"]
        == "verified"
    )


@pytest.mark.check("S2")
def test_a_foreign_station_finds_no_wish(tree: Tree) -> None:
    wish_id = tree.submitted()
    for step in ("verification", "publication", "withdrawal", "confirmation"):
        body = {} if step == "verification" else None
        tree.call("PUT", f"/v1/wishes/{wish_id}/{step}", body, tree.foreign_coordinator, 404)
    assert tree.wish(wish_id)[0] == "submitted"


def test_a_coordinator_above_the_station_may_verify(tree: Tree) -> None:
    branch = tree.company
    with tree.district.registration.session() as session:
        publish(
            session,
            OrganisationRegistered(
                organisation_id=tree.station, name="花园社区", kind="station", parent_id=branch
            ),
        )
    tree.district.deliver_all(times=2)
    wish_id = tree.submitted()
    tree.call("PUT", f"/v1/wishes/{wish_id}/verification", {}, tree.company_coordinator)


def test_a_rejected_wish_stays_rejected(tree: Tree) -> None:
    wish_id = tree.submitted()
    path = f"/v1/wishes/{wish_id}/verification"
    tree.call("PUT", path, {"decision": "reject"}, tree.staff, 422)
    for _ in range(2):
        assert (
            tree.call("PUT", path, {"decision": "reject", "reason_code": "duplicate"}, tree.staff)[
                "status"
            ]
            == "rejected"
        )
    tree.call("PUT", path, {}, tree.staff, 409)
    tree.call("PUT", f"/v1/wishes/{wish_id}/publication", as_=tree.staff, expect=409)
    assert len(tree.events("wish.rejected")) == 1


def test_only_a_verified_wish_is_published_once(tree: Tree) -> None:
    wish_id = tree.submitted()
    path = f"/v1/wishes/{wish_id}/publication"
    tree.call("PUT", path, as_=tree.coordinator, expect=409)
    tree.call("PUT", f"/v1/wishes/{wish_id}/verification", {}, tree.coordinator)
    for _ in range(2):
        assert tree.call("PUT", path, as_=tree.coordinator)["label"] == "待认领"
    assert len(tree.events("wish.published")) == 1


def test_a_withdrawn_wish_frees_its_claimer(tree: Tree) -> None:
    wish_id = tree.published()
    tree.claim(wish_id, tree.shen_fang)
    for _ in range(2):
        tree.call("PUT", f"/v1/wishes/{wish_id}/withdrawal", as_=tree.coordinator)
    assert tree.held_by(tree.shen_fang) == 0
    assert [event["data"]["claimer_id"] for event in tree.events("wish.withdrawn")] == [
        str(tree.shen_fang)
    ]
    tree.claim(wish_id, tree.wang_qiang, 404)

"""GET /v1/wishes: the public sees an allow-list of fields, and nothing of the person who wishes."""

import json

import pytest

from shared.contracts.registration import OrganisationRegistered
from shared.messaging.outbox import publish
from tests.support.wish_tree import CANARIES, Tree

GUARDIAN = {"name": CANARIES[2], "phone": CANARIES[3], "consent": True}
FIELDS = {
    "id",
    "number",
    "title",
    "description",
    "category",
    "age_band",
    "station_id",
    "station_name",
    "status",
    "label",
    "published_at",
    "need_by",
}


def every_state(tree: Tree) -> dict[str, str]:
    """One wish in each state, a minor's."""
    child = {"age_band": "0-13", "guardian": GUARDIAN}
    wishes = {"submitted": tree.submitted(beneficiary=child)}
    for state in ("published", "claimed", "fulfilled", "confirmed", "withdrawn"):
        wishes[state] = tree.published(beneficiary=child)
    for state in ("claimed", "fulfilled"):
        fence = tree.claim(wishes[state], tree.shen_fang)["fence"]
        if state == "fulfilled":
            tree.fulfil(wishes[state], tree.shen_fang, fence)
    tree.fulfil(
        wishes["confirmed"],
        tree.wang_qiang,
        tree.claim(wishes["confirmed"], tree.wang_qiang)["fence"],
    )
    tree.call("PUT", f"/v1/wishes/{wishes['confirmed']}/confirmation", as_=tree.coordinator)
    tree.call("PUT", f"/v1/wishes/{wishes['withdrawn']}/withdrawal", as_=tree.coordinator)
    return {state: str(wish_id) for state, wish_id in wishes.items()}


@pytest.mark.check("P1")
def test_nothing_public_and_no_event_tells_who_wishes(tree: Tree) -> None:
    wishes = every_state(tree)
    responses = [
        tree.wishes.call("GET", f"/v1/wishes/{wish_id}").get_json() for wish_id in wishes.values()
    ]
    responses += [
        tree.call("GET", path)
        for path in ("/v1/wishes", "/v1/wishes?label=已认领", "/v1/statistics/wishes")
    ]
    responses += [tree.call("GET", "/v1/wishes?status=submitted", as_=tree.staff)]
    responses += [event["data"] for event in tree.events()]
    everything = json.dumps(responses, ensure_ascii=False)
    assert not [canary for canary in CANARIES if canary in everything]
    shown = tree.call("GET", f"/v1/wishes/{wishes['claimed']}")
    assert set(shown) == FIELDS
    assert str(tree.shen_fang) not in json.dumps(tree.call("GET", "/v1/wishes"))


def test_the_board_shows_what_is_on_the_tree_and_hides_the_rest(tree: Tree) -> None:
    wishes = every_state(tree)
    shown = {item["id"]: item["label"] for item in tree.call("GET", "/v1/wishes")["items"]}
    assert shown == {
        wishes["published"]: "待认领",
        wishes["claimed"]: "已认领",
        wishes["fulfilled"]: "已认领",
        wishes["confirmed"]: "已完成",
    }
    for hidden in ("submitted", "withdrawn"):
        tree.call("GET", f"/v1/wishes/{wishes[hidden]}", expect=404)
        tree.call("GET", f"/v1/wishes/{wishes[hidden]}", as_=tree.foreign_coordinator, expect=404)
        tree.call("GET", f"/v1/wishes/{wishes[hidden]}", as_=tree.coordinator)


def test_wishes_before_publication_are_for_staff_and_the_own_station(tree: Tree) -> None:
    wish_id = tree.submitted()
    path = "/v1/wishes?status=submitted"
    tree.call("GET", path, expect=401)
    tree.call("GET", path, as_=tree.tokens[tree.shen_fang], expect=403)
    tree.call("GET", f"{path}&station_id={tree.station}", as_=tree.foreign_coordinator, expect=403)
    for who, query in ((tree.staff, path), (tree.coordinator, f"{path}&station_id={tree.station}")):
        assert [item["id"] for item in tree.call("GET", query, as_=who)["items"]] == [str(wish_id)]


def test_pages_filters_and_station_names(tree: Tree) -> None:
    with tree.district.registration.session() as session:
        for name in ("旧名", "花园社区志愿服务站"):
            publish(
                session,
                OrganisationRegistered(organisation_id=tree.station, name=name, kind="station"),
            )
    tree.district.deliver_all(times=2, seed=3)
    wishes = [str(tree.published(category=category)) for category in ("goods", "company", "goods")]
    first = tree.call("GET", "/v1/wishes?limit=2")
    second = tree.call("GET", f"/v1/wishes?limit=2&after={first['next']}")
    assert [item["id"] for item in first["items"] + second["items"]] == wishes[::-1]
    assert second["next"] is None
    assert {item["station_name"] for item in first["items"]} == {"花园社区志愿服务站"}
    assert [i["id"] for i in tree.call("GET", "/v1/wishes?category=company")["items"]] == [
        wishes[1]
    ]
    tree.call("GET", "/v1/wishes?after=nonsense", expect=422)
    tree.call("GET", "/v1/wishes?limit=0", expect=422)


def test_an_unchanged_board_is_not_sent_again(tree: Tree) -> None:
    wish_id = tree.published()
    for path in ("/v1/wishes", f"/v1/wishes/{wish_id}", "/v1/statistics/wishes"):
        etag = tree.wishes.call("GET", path).headers["ETag"]
        assert tree.wishes.call("GET", path, headers={"If-None-Match": etag}).status_code == 304
        tree.claim(wish_id, tree.shen_fang)
        assert tree.wishes.call("GET", path, headers={"If-None-Match": etag}).status_code == 200
        tree.call("DELETE", f"/v1/wishes/{wish_id}/claim", as_=tree.tokens[tree.shen_fang])


def test_statistics_count_collected_lit_and_granted(tree: Tree) -> None:
    every_state(tree)
    numbers = tree.call("GET", "/v1/statistics/wishes")
    assert (numbers["collected"], numbers["lit"], numbers["granted"]) == (4, 3, 1)
    assert numbers["by_category"] == [{"category": "goods", "collected": 4, "lit": 3, "granted": 1}]

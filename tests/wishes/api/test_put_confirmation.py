"""PUT and DELETE /v1/wishes/{id}/confirmation."""

from tests.support.wish_tree import Tree


def test_the_station_confirms_and_it_is_final(tree: Tree) -> None:
    wish_id = tree.published()
    fence = tree.claim(wish_id, tree.shen_fang)["fence"]
    for _ in range(2):
        assert tree.fulfil(wish_id, tree.shen_fang, fence)["status"] == "fulfilled"
    for _ in range(2):
        response = tree.call("PUT", f"/v1/wishes/{wish_id}/confirmation", as_=tree.coordinator)
        assert (response["status"], response["label"]) == ("confirmed", "已完成")
    assert [event["type"] for event in tree.events()][-3:] == [
        "wish.claimed",
        "wish.fulfilled",
        "wish.confirmed",
    ]
    assert tree.held_by(tree.shen_fang) == 0
    tree.call("DELETE", f"/v1/wishes/{wish_id}/confirmation", as_=tree.coordinator, expect=409)
    tree.call("PUT", f"/v1/wishes/{wish_id}/withdrawal", as_=tree.coordinator, expect=409)
    moves = tree.rows(
        "SELECT to_status FROM wish_moves WHERE wish_id = :id ORDER BY id", id=wish_id
    )
    assert [to for (to,) in moves] == [
        "submitted",
        "verified",
        "published",
        "claimed",
        "fulfilled",
        "confirmed",
    ]


def test_the_granter_never_confirms(tree: Tree) -> None:
    wish_id = tree.published()
    body = {"claimer_id": str(tree.station), "claimer_kind": "organisation"}
    fence = tree.call("PUT", f"/v1/wishes/{wish_id}/claim", body, tree.coordinator)["fence"]
    tree.call(
        "PUT", f"/v1/wishes/{wish_id}/fulfilment", {"note": "", "fence": fence}, tree.coordinator
    )
    path = f"/v1/wishes/{wish_id}/confirmation"
    tree.call("PUT", path, as_=tree.coordinator, expect=403)
    tree.call("DELETE", path, as_=tree.coordinator, expect=403)
    tree.call("PUT", path, as_=tree.district.token("volunteer", tree.shen_fang), expect=403)
    assert tree.wish(wish_id)[0] == "fulfilled"
    tree.call("PUT", path, as_=tree.staff)


def test_a_refused_fulfilment_goes_on_with_a_new_deadline(tree: Tree) -> None:
    wish_id = tree.published()
    fence = tree.claim(wish_id, tree.shen_fang)["fence"]
    tree.fulfil(wish_id, tree.shen_fang, fence)
    for _ in range(2):
        tree.call("DELETE", f"/v1/wishes/{wish_id}/confirmation", as_=tree.coordinator)
    assert tree.wish(wish_id) == ("claimed", tree.shen_fang, fence)
    assert tree.rows("SELECT lease_until > now() FROM wishes") == [(True,)]
    assert len(tree.events("wish.claimed")) == 2
    assert tree.held_by(tree.shen_fang) == 1
    tree.fulfil(wish_id, tree.shen_fang, fence)

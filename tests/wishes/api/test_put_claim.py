"""PUT and DELETE /v1/wishes/{id}/claim: the race, the lapsed lease, the limit."""

from functools import partial
from threading import Thread
from uuid import UUID

import pytest

from services.wishes import claims
from services.wishes.claimers import Claimer
from services.wishes.tasks import BATCH
from shared.contracts.wishes import ClaimerKind
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.wish_tree import Tree


def put_claim(tree: Tree, wish_id: UUID, who: UUID, token: str) -> int:
    body = {"claimer_id": str(who), "claimer_kind": "volunteer"}
    return tree.wishes.call("PUT", f"/v1/wishes/{wish_id}/claim", body, as_=token).status_code


@pytest.mark.check("M1")
def test_only_one_of_many_volunteers_gets_a_wish(tree: Tree) -> None:
    for _ in range(5):
        wish_id = tree.published()
        people = {
            person: tree.district.token("volunteer", person)
            for person in (new_id() for _ in range(8))
        }
        codes: dict[UUID, int] = {}
        at_once(
            [
                lambda p=p, t=t, w=wish_id, c=codes: c.update({p: put_claim(tree, w, p, t)})
                for p, t in people.items()
            ]
        )
        assert sorted(codes.values()) == [200] + [409] * 7
        (winner,) = (person for person, code in codes.items() if code == 200)
        assert tree.wish(wish_id) == ("claimed", winner, 1)
        claimed_by = [
            event["data"]["claimer_id"]
            for event in tree.events("wish.claimed")
            if event["subject"] == str(wish_id)
        ]
        assert claimed_by == [str(winner)]
        assert [tree.held_by(person) for person in people] == [
            int(person == winner) for person in people
        ]


def test_the_second_connection_waits_and_then_loses(tree: Tree) -> None:
    """The same race, with the second UPDATE under way before the first commits."""
    wish_id = tree.published()
    code: list[int] = []
    loser = Thread(
        target=lambda: code.append(
            put_claim(tree, wish_id, tree.wang_qiang, tree.tokens[tree.wang_qiang])
        )
    )
    with tree.wishes.session() as session:
        claims.claim_wish(session, wish_id, Claimer(tree.shen_fang, ClaimerKind.VOLUNTEER), "test")
        loser.start()
        loser.join(0.5)
        assert loser.is_alive()
    loser.join()
    assert code == [409]
    assert tree.wish(wish_id) == ("claimed", tree.shen_fang, 1)
    assert tree.held_by(tree.wang_qiang) == 0


def test_repeating_ones_own_claim_changes_nothing(tree: Tree) -> None:
    wish_id = tree.published()
    first = tree.claim(wish_id, tree.shen_fang)
    assert first["label"] == "已认领"
    assert tree.claim(wish_id, tree.shen_fang) == first
    assert tree.held_by(tree.shen_fang) == 1
    assert len(tree.events("wish.claimed")) == 1


def test_a_lapsed_lease_can_be_taken_and_the_old_claimer_comes_too_late(tree: Tree) -> None:
    wish_id = tree.published()
    old = tree.claim(wish_id, tree.shen_fang)
    tree.lapse(wish_id)
    new = tree.claim(wish_id, tree.wang_qiang)
    assert new["fence"] == old["fence"] + 1
    assert (tree.held_by(tree.shen_fang), tree.held_by(tree.wang_qiang)) == (0, 1)
    tree.fulfil(wish_id, tree.shen_fang, old["fence"], 409)
    assert tree.wish(wish_id)[0] == "claimed"
    assert tree.events("wish.fulfilled") == []
    (released,) = tree.events("wish.released")
    assert (
        released["data"]["claimer_id"],
        released["data"]["fence"],
        released["data"]["cause"],
    ) == (str(tree.shen_fang), old["fence"], "expired")


def test_an_old_fence_of_ones_own_is_refused(tree: Tree) -> None:
    wish_id = tree.published()
    old = tree.claim(wish_id, tree.shen_fang)
    tree.lapse(wish_id)
    tree.claim(wish_id, tree.shen_fang)
    tree.fulfil(wish_id, tree.shen_fang, old["fence"], 409)
    assert tree.held_by(tree.shen_fang) == 1
    tree.fulfil(wish_id, tree.shen_fang, old["fence"] + 1)


def test_three_wishes_are_the_limit_of_a_volunteer(tree: Tree) -> None:
    wishes = [tree.published() for _ in range(4)]
    for wish_id in wishes[:3]:
        tree.claim(wish_id, tree.shen_fang)
    response = tree.claim(wishes[3], tree.shen_fang, 409)
    assert response["type"] == "/problems/too-many-claims"
    assert tree.wish(wishes[3]) == ("published", None, 0)
    assert tree.held_by(tree.shen_fang) == 3


def test_the_limit_holds_for_claims_at_the_same_moment(tree: Tree) -> None:
    wishes = [tree.published() for _ in range(6)]
    codes: list[int] = []
    token = tree.tokens[tree.shen_fang]
    at_once([lambda w=w: codes.append(put_claim(tree, w, tree.shen_fang, token)) for w in wishes])
    assert sorted(codes) == [200] * 3 + [409] * 3
    assert tree.held_by(tree.shen_fang) == 3


def test_nobody_claims_for_a_stranger(tree: Tree) -> None:
    wish_id = tree.published()
    for_wang = {"claimer_id": str(tree.wang_qiang), "claimer_kind": "volunteer"}
    for_company = {"claimer_id": str(tree.company), "claimer_kind": "organisation"}
    tree.call("PUT", f"/v1/wishes/{wish_id}/claim", for_wang, tree.tokens[tree.shen_fang], 404)
    tree.call("PUT", f"/v1/wishes/{wish_id}/claim", for_company, tree.coordinator, 404)
    tree.call("PUT", f"/v1/wishes/{wish_id}/claim", for_company, expect=401)
    assert tree.wish(wish_id)[0] == "published"
    tree.call("PUT", f"/v1/wishes/{wish_id}/claim", for_company, tree.company_coordinator)


def test_a_company_claims_many_and_what_fails_is_named(tree: Tree) -> None:
    wishes = [tree.published() for _ in range(3)]
    tree.claim(wishes[1], tree.shen_fang)
    unknown = new_id()
    body = {"claimer_id": str(tree.company), "wish_ids": [str(w) for w in (*wishes, unknown)]}
    response = tree.call("POST", "/v1/claims:batch", body, tree.company_coordinator)
    assert [item["outcome"] for item in response["items"]] == [
        "claimed",
        "wish-not-claimable",
        "claimed",
        "wish-not-found",
    ]
    assert tree.held_by(tree.company) == 2
    assert len(tree.events("wish.claimed")) == 3


def test_release_by_claimer_and_by_staff(tree: Tree) -> None:
    wish_id = tree.published()
    tree.claim(wish_id, tree.shen_fang)
    path = f"/v1/wishes/{wish_id}/claim"
    tree.call("DELETE", path, as_=tree.tokens[tree.wang_qiang], expect=409)
    tree.call("DELETE", path, as_=tree.staff, expect=422)
    assert tree.wish(wish_id)[0] == "claimed"
    for _ in range(2):
        assert tree.call("DELETE", path, as_=tree.tokens[tree.shen_fang])["status"] == "published"
    tree.claim(wish_id, tree.wang_qiang)
    tree.call("DELETE", f"{path}?reason=unreachable", as_=tree.staff)
    assert [event["data"]["cause"] for event in tree.events("wish.released")] == [
        "claimer",
        "staff",
    ]
    assert (tree.held_by(tree.shen_fang), tree.held_by(tree.wang_qiang)) == (0, 0)


def test_the_clock_releases_lapsed_claims_once(tree: Tree) -> None:
    lapsed, current = tree.published(), tree.published()
    fence = tree.claim(lapsed, tree.shen_fang)["fence"]
    tree.claim(current, tree.shen_fang)
    tree.lapse(lapsed)
    for expected in (1, 0):
        with tree.wishes.session() as session:
            assert claims.release_expired_claims(session, BATCH) == expected
    assert tree.wish(lapsed) == ("published", None, fence)
    assert tree.wish(current)[0] == "claimed"
    assert tree.held_by(tree.shen_fang) == 1
    assert [event["data"]["cause"] for event in tree.events("wish.released")] == ["expired"]
    tree.fulfil(lapsed, tree.shen_fang, fence, 409)


@pytest.mark.check("M1")
def test_the_clock_and_the_claimer_do_not_both_win(tree: Tree) -> None:
    def expire() -> None:
        with tree.wishes.session() as session:
            claims.release_expired_claims(session, BATCH)

    def late_fulfilment(wish_id: UUID, fence: int, codes: list[int]) -> None:
        body, token = {"note": "done", "fence": fence}, tree.tokens[tree.shen_fang]
        codes.append(
            tree.wishes.call("PUT", f"/v1/wishes/{wish_id}/fulfilment", body, as_=token).status_code
        )

    for _ in range(6):
        wish_id = tree.published()
        fence = tree.claim(wish_id, tree.shen_fang)["fence"]
        tree.lapse(wish_id)
        codes: list[int] = []
        at_once([expire, partial(late_fulfilment, wish_id, fence, codes)])
        status = tree.wish(wish_id)[0]
        assert (status, codes) in (("fulfilled", [200]), ("published", [409]))
        types = [event["type"] for event in tree.events() if event["subject"] == str(wish_id)]
        assert types[-1] == ("wish.fulfilled" if status == "fulfilled" else "wish.released")
        assert "wish.fulfilled" not in types or "wish.released" not in types
        tree.call("PUT", f"/v1/wishes/{wish_id}/withdrawal", as_=tree.staff)
        assert tree.held_by(tree.shen_fang) == 0

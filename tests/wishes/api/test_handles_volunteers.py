"""Events about volunteers: suspended, activated, left, merged; twice, late and in any order."""

from datetime import timedelta

import pytest

from shared.contracts.base import Event
from shared.contracts.registration import (
    PersonAccessChanged,
    VolunteerActivated,
    VolunteerErased,
    VolunteerLeft,
    VolunteerMerged,
    VolunteerSuspended,
)
from shared.core.clock import now
from shared.core.ids import new_id
from shared.messaging.outbox import publish
from tests.support.wish_tree import Tree


def deliver(tree: Tree, *events: Event, seed: int | None = None) -> None:
    """Publish events in registration and deliver each twice, shuffled by `seed`."""
    with tree.district.registration.session() as session:
        publish(session, *events)
    tree.district.deliver_all(times=2, seed=seed)


@pytest.mark.parametrize("contract", [VolunteerSuspended, VolunteerLeft, VolunteerErased])
def test_what_a_volunteer_claimed_is_on_the_tree_again(tree: Tree, contract: type[Event]) -> None:
    claimed, fulfilled, other = tree.published(), tree.published(), tree.published()
    tree.claim(claimed, tree.shen_fang)
    tree.fulfil(fulfilled, tree.shen_fang, tree.claim(fulfilled, tree.shen_fang)["fence"])
    tree.claim(other, tree.wang_qiang)
    deliver(tree, contract(volunteer_id=tree.shen_fang))
    assert tree.wish(claimed)[:2] == ("published", None)
    assert tree.wish(fulfilled)[0] == "fulfilled"
    assert tree.wish(other)[0] == "claimed"
    assert (tree.held_by(tree.shen_fang), tree.held_by(tree.wang_qiang)) == (1, 1)
    assert len(tree.events("wish.released")) == 1
    assert tree.claim(claimed, tree.shen_fang, 403)["type"] == "/problems/may-not-claim"
    assert tree.wish(claimed)[0] == "published"


@pytest.mark.parametrize("seed", range(4))
def test_the_newest_standing_counts_in_whatever_order_it_comes(tree: Tree, seed: int) -> None:
    wish_id = tree.published()
    deliver(
        tree,
        VolunteerSuspended(volunteer_id=tree.shen_fang),
        VolunteerActivated(volunteer_id=tree.shen_fang),
        VolunteerActivated(volunteer_id=tree.wang_qiang),
        VolunteerSuspended(volunteer_id=tree.wang_qiang),
        seed=seed,
    )
    tree.claim(wish_id, tree.wang_qiang, 403)
    tree.claim(wish_id, tree.shen_fang)


def test_claims_of_a_duplicate_belong_to_the_one_that_stays(tree: Tree) -> None:
    wishes = [tree.published() for _ in range(5)]
    for wish_id in wishes[:3]:
        tree.claim(wish_id, tree.shen_fang)
    for wish_id in wishes[3:]:
        tree.claim(wish_id, tree.wang_qiang)
    deliver(tree, VolunteerMerged(volunteer_id=tree.wang_qiang, into_id=tree.shen_fang))
    assert {tree.wish(wish_id)[1] for wish_id in wishes} == {tree.shen_fang}
    assert (tree.held_by(tree.shen_fang), tree.held_by(tree.wang_qiang)) == (5, 0)
    extra = tree.published()
    tree.claim(extra, tree.wang_qiang, 403)
    tree.claim(extra, tree.shen_fang, 409)


@pytest.mark.parametrize("seed", range(3))
def test_a_chain_of_merges_ends_at_its_end(tree: Tree, seed: int) -> None:
    wish_id, last = tree.published(), new_id()
    tree.claim(wish_id, tree.wang_qiang)
    deliver(
        tree,
        VolunteerMerged(volunteer_id=tree.wang_qiang, into_id=tree.shen_fang),
        VolunteerMerged(volunteer_id=tree.shen_fang, into_id=last),
        seed=seed,
    )
    assert tree.wish(wish_id)[:2] == ("claimed", last)
    assert (tree.held_by(tree.wang_qiang), tree.held_by(tree.shen_fang), tree.held_by(last)) == (
        0,
        0,
        1,
    )


def test_withdrawn_access_counts_here(tree: Tree) -> None:
    wish_id = tree.published()
    deliver(
        tree, PersonAccessChanged(person_id=tree.shen_fang, valid_from=now() + timedelta(minutes=1))
    )
    tree.wishes.app.verifier._denied_until = 0.0
    tree.claim(wish_id, tree.shen_fang, 401)

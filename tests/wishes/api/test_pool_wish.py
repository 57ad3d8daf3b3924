"""A voucher of the pool grants a wish, or goes back where somebody else was faster."""

from uuid import UUID

from devkit.testkit import District
from services.wishes.claims import release_expired_claims
from services.wishes.pool import take_grant
from shared.contracts.rewards import PoolWishGranted
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue
from tests.support.wish_tree import Tree


def granted(wish_id: UUID) -> PoolWishGranted:
    return PoolWishGranted(
        wish_id=wish_id,
        voucher_id=new_id(),
        product_id=new_id(),
        title="电影票",
        holder_id=new_id(),
    )


def take(tree: Tree, event: PoolWishGranted) -> None:
    with tree.wishes.session() as session:
        take_grant(session, event)


def test_a_wish_is_claimed_and_fulfilled_for_the_voucher_and_the_station_confirms(
    tree: Tree,
) -> None:
    wish_id = tree.published()
    event = granted(wish_id)
    for _ in range(2):
        take(tree, event)
    assert tree.wish(wish_id) == ("fulfilled", event.voucher_id, 1)
    assert tree.rows("SELECT claimer_kind FROM wishes WHERE id = :id", id=wish_id) == [("pool",)]
    assert [event["type"] for event in tree.events() if event["subject"] == str(wish_id)][-2:] == [
        "wish.claimed",
        "wish.fulfilled",
    ]
    assert tree.held_by(event.voucher_id) == 1
    path = f"/v1/wishes/{wish_id}/confirmation"
    assert tree.call("PUT", path, as_=tree.coordinator)["status"] == "confirmed"
    assert tree.held_by(event.voucher_id) == 0
    (confirmed,) = tree.events("wish.confirmed")
    assert confirmed["data"]["proposed_minutes"] == 0


def test_somebody_elses_wish_is_declined_and_nothing_happens_to_it(tree: Tree) -> None:
    wish_id = tree.published()
    tree.claim(wish_id, tree.shen_fang)
    unknown = new_id()
    for event in (granted(wish_id), granted(unknown), granted(tree.submitted())):
        take(tree, event)
        declined = tree.events("wish.grant_declined")[-1]
        assert (declined["subject"], declined["data"]["voucher_id"]) == (
            str(event.wish_id),
            str(event.voucher_id),
        )
    assert tree.wish(wish_id) == ("claimed", tree.shen_fang, 1)


def test_a_volunteer_and_the_pool_at_once_have_one_winner(tree: Tree) -> None:
    for _ in range(5):
        wish_id = tree.published()
        event = granted(wish_id)
        body = {"claimer_id": str(tree.shen_fang), "claimer_kind": "volunteer"}
        responses = at_once(
            [
                lambda path=f"/v1/wishes/{wish_id}/claim", body=body: (
                    tree.wishes.call("PUT", path, body, as_=tree.tokens[tree.shen_fang]).status_code
                ),
                lambda event=event: take(tree, event),  # type: ignore[misc]
            ]
        )
        declined = str(wish_id) in {
            event["subject"] for event in tree.events("wish.grant_declined")
        }
        winner = tree.wish(wish_id)[1]
        assert (winner, declined) in ((tree.shen_fang, True), (event.voucher_id, False))
        assert (responses[0] == 200) == declined
        if declined:
            tree.call("DELETE", f"/v1/wishes/{wish_id}/claim", as_=tree.tokens[tree.shen_fang])


def test_nobody_claims_in_the_name_of_the_pool(tree: Tree) -> None:
    wish_id = tree.published()
    body = {"claimer_id": str(new_id()), "claimer_kind": "pool"}
    for token in (tree.staff, tree.coordinator, tree.tokens[tree.shen_fang]):
        tree.call("PUT", f"/v1/wishes/{wish_id}/claim", body, token, 404)
    assert tree.wish(wish_id)[0] == "published"


def test_from_the_points_of_one_to_the_wish_of_another(district: District, tree: Tree) -> None:
    """All four services, with every event delivered twice and shuffled."""
    bank = Bank(district)
    star = Venue(bank)
    bank.minute_is_a_point()
    product = bank.product(star.id)
    bank.issue(product)
    for _ in range(2):
        bank.donate(bank.fang)
    wish_id, taken = tree.published(), tree.published()
    district.deliver_all(times=2, seed=1)
    tree.claim(taken, tree.shen_fang)
    holder = new_id()
    for wish in (wish_id, taken):
        body = {"wish_id": str(wish), "product_id": product, "holder_id": str(holder)}
        bank.by_staff("POST", "/v1/pool/wish-grants", body, 201)
    district.deliver_all(times=2, seed=2)
    assert tree.wish(wish_id)[0] == "fulfilled"
    assert tree.wish(taken)[1] == tree.shen_fang
    assert len(bank.vouchers(holder, "issued")) == 1
    assert bank.ask("GET", "/v1/pool")["items"][0]["count"] == 1
    # The film was not seen.
    tree.call("DELETE", f"/v1/wishes/{wish_id}/confirmation", as_=tree.coordinator)
    tree.lapse(wish_id)
    with tree.wishes.session() as session:
        assert release_expired_claims(session) == 1
    district.deliver_all(times=2, seed=3)
    assert tree.wish(wish_id)[0] == "published"
    assert bank.ask("GET", "/v1/pool")["items"][0]["count"] == 2
    assert [w["wish_id"] for w in bank.by_staff("GET", "/v1/pool/wishes")["items"]] == [
        str(wish_id)
    ]
    bank.assert_sound()

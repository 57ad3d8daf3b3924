"""Wishes that the pool can grant: followed by events, granted once, vouchers come back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.registration import VolunteerLeft, VolunteerRegistered
from shared.contracts.wishes import (
    ClaimerKind,
    WishClaimed,
    WishExpired,
    WishGrantDeclined,
    WishPublished,
    WishReleased,
    WishWithdrawn,
)
from shared.core.ids import new_id
from tests.support.at_once import at_once
from tests.support.bank import Bank, Venue

STATION = new_id()
TITLE = "带女儿看一场电影"


def published(wish_id: UUID) -> WishPublished:
    return WishPublished(wish_id=wish_id, station_id=STATION, category="company", title=TITLE)


def claimed(wish_id: UUID, claimer: UUID, kind: ClaimerKind = ClaimerKind.VOLUNTEER) -> WishClaimed:
    until = datetime.now(UTC) + timedelta(days=14)
    return WishClaimed(
        wish_id=wish_id,
        station_id=STATION,
        title=TITLE,
        claimer_id=claimer,
        claimer_kind=kind,
        fence=1,
        lease_until=until,
    )


def released(
    wish_id: UUID, claimer: UUID, kind: ClaimerKind = ClaimerKind.VOLUNTEER
) -> WishReleased:
    return WishReleased(
        wish_id=wish_id,
        station_id=STATION,
        title=TITLE,
        claimer_id=claimer,
        claimer_kind=kind,
        fence=1,
        cause="expired",
    )


def open_wishes(bank: Bank) -> list[str]:
    return [item["wish_id"] for item in bank.by_staff("GET", "/v1/pool/wishes")["items"]]


def product_of(bank: Bank) -> str:
    return str(bank.by_staff("GET", "/v1/products")["items"][0]["id"])


def grant(bank: Bank, wish_id: UUID, status: int = 201, **more: Any) -> Any:
    body = {
        "wish_id": str(wish_id),
        "product_id": product_of(bank),
        "holder_id": str(bank.qiang),
    } | more
    return bank.by_staff("POST", "/v1/pool/wish-grants", body, status)


def pooled(bank: Bank) -> int:
    return sum(item["count"] for item in bank.ask("GET", "/v1/pool")["items"])


def test_the_newest_event_decides_whether_a_wish_is_free(bank: Bank) -> None:
    free, taken, over, gone, again = (new_id() for _ in range(5))
    bank.receive(*(published(wish) for wish in (free, taken, over, gone, again)), times=2)
    bank.receive(claimed(taken, bank.fang), claimed(again, bank.fang))
    bank.receive(
        WishExpired(wish_id=over, station_id=STATION, title=TITLE),
        WishWithdrawn(wish_id=gone, station_id=STATION, title=TITLE),
        released(again, bank.fang),
    )
    assert set(open_wishes(bank)) == {str(free), str(again)}
    item = bank.by_staff("GET", "/v1/pool/wishes")["items"][0]
    assert (item["title"], item["category"], item["station_id"]) == (TITLE, "company", str(STATION))
    bank.ask("GET", "/v1/pool/wishes", as_=bank.of(bank.fang), status=403)


def test_an_old_event_that_comes_late_only_fills_in_what_was_missing(bank: Bank) -> None:
    wish = new_id()
    bank.sequence = 100
    bank.receive(claimed(wish, bank.fang))
    bank.sequence = 50
    bank.receive(published(wish))
    assert open_wishes(bank) == []
    bank.sequence = 200
    bank.receive(released(wish, bank.fang))
    assert bank.by_staff("GET", "/v1/pool/wishes")["items"][0]["category"] == "company"


def test_the_pool_grants_a_wish_with_the_voucher_that_expires_first(
    bank: Bank, star: Venue
) -> None:
    wish = new_id()
    bank.receive(published(wish))
    first = bank.donate(bank.fang)
    bank.donate(bank.fang)
    given = grant(bank, wish)
    assert (given["holder_id"], given["origin"]) == (str(bank.qiang), "gift")
    assert bank.by_staff("GET", f"/v1/vouchers/{first}")["status"] == "given"
    (event,) = bank.rewards.published("pool.wish_granted")
    assert (event["subject"], event["data"]["voucher_id"]) == (str(wish), given["id"])
    assert bank.rows("SELECT wish_id, receiver_id FROM handovers WHERE kind = 'wish'") == [
        (wish, bank.qiang)
    ]
    assert open_wishes(bank) == []
    assert grant(bank, wish, 409)["type"] == "/problems/pool-wish-not-free"
    bank.code_of(bank.qiang, given["id"])
    bank.assert_sound()


def test_an_empty_pool_and_unknown_wishes_and_products_are_refused(bank: Bank, star: Venue) -> None:
    wish, gone = new_id(), new_id()
    bank.receive(
        published(wish),
        VolunteerRegistered(volunteer_id=gone, number="ZJ-1"),
        VolunteerLeft(volunteer_id=gone),
    )
    assert grant(bank, wish, 409)["type"] == "/problems/pool-empty"
    bank.donate(bank.fang)
    grant(bank, new_id(), 404)
    grant(bank, wish, 422, product_id=str(new_id()))
    assert grant(bank, wish, 409, holder_id=str(gone))["type"] == "/problems/account-ended"
    assert open_wishes(bank) == [str(wish)]
    assert pooled(bank) == 1
    assert not bank.rewards.published("pool.wish_granted")


@pytest.mark.parametrize(("wanted", "there"), [(4, 3), (3, 6)])
def test_of_many_grants_at_once_a_wish_gets_one_and_a_voucher_goes_once(
    bank: Bank, star: Venue, wanted: int, there: int
) -> None:
    wishes = [new_id() for _ in range(wanted)]
    bank.receive(*(published(wish) for wish in wishes))
    for _ in range(there):
        bank.donate(bank.fang)
    product = product_of(bank)

    def call(wish: UUID) -> int:
        body = {"wish_id": str(wish), "product_id": product, "holder_id": str(bank.qiang)}
        return bank.rewards.call("POST", "/v1/pool/wish-grants", body, as_=bank.staff).status_code

    answers = at_once([lambda wish=wish: call(wish) for wish in wishes * 2])  # type: ignore[misc]
    assert sorted(answers) == [201] * 3 + [409] * (2 * wanted - 3)
    assert len({event["subject"] for event in bank.rewards.published("pool.wish_granted")}) == 3
    assert (len(bank.vouchers(bank.qiang, "issued")), pooled(bank)) == (3, there - 3)
    bank.assert_sound()


def test_a_declined_voucher_returns_once(bank: Bank, star: Venue) -> None:
    wish = new_id()
    bank.receive(published(wish))
    bank.donate(bank.fang)
    given = grant(bank, wish)
    code = bank.code_of(bank.qiang, given["id"])
    bank.receive(
        claimed(wish, bank.fang),
        WishGrantDeclined(wish_id=wish, voucher_id=UUID(given["id"])),
        times=2,
    )
    bank.receive(WishGrantDeclined(wish_id=wish, voucher_id=UUID(given["id"])))
    assert pooled(bank) == 1
    assert star.redeem(code, "POS-1") == "voided"
    assert bank.rows("SELECT kind FROM handovers ORDER BY id DESC LIMIT 1") == [("return",)]
    assert bank.rows("SELECT status, voucher_id FROM pool_wishes") == [("closed", None)]
    bank.receive(released(wish, bank.fang))
    grant(bank, wish)
    bank.assert_sound()


def test_a_decline_that_comes_after_newer_events_still_brings_it_back(
    bank: Bank, star: Venue
) -> None:
    wish = new_id()
    bank.receive(published(wish))
    bank.donate(bank.fang)
    given = grant(bank, wish)
    bank.receive(claimed(wish, bank.fang), released(wish, bank.fang))
    assert open_wishes(bank) == []
    assert grant(bank, wish, 409)["type"] == "/problems/pool-wish-not-free"
    bank.receive(WishGrantDeclined(wish_id=wish, voucher_id=UUID(given["id"])))
    assert (pooled(bank), open_wishes(bank)) == (1, [str(wish)])


def test_a_claim_of_the_pool_that_ends_brings_the_voucher_back(bank: Bank, star: Venue) -> None:
    for end in ("released", "withdrawn"):
        wish = new_id()
        bank.receive(published(wish))
        if end == "released":
            bank.donate(bank.fang)
        given = UUID(grant(bank, wish)["id"])
        bank.receive(claimed(wish, given, ClaimerKind.POOL))
        assert pooled(bank) == 0
        ended = (
            released(wish, given, ClaimerKind.POOL)
            if end == "released"
            else WishWithdrawn(
                wish_id=wish,
                station_id=STATION,
                title=TITLE,
                claimer_id=given,
                claimer_kind=ClaimerKind.POOL,
            )
        )
        bank.receive(ended, times=2)
        assert pooled(bank) == 1
        assert (str(wish) in open_wishes(bank)) == (end == "released")
    bank.assert_sound()


def test_a_voucher_that_a_till_holds_comes_back_too(bank: Bank, star: Venue) -> None:
    wish = new_id()
    bank.receive(published(wish))
    bank.donate(bank.fang)
    given = UUID(grant(bank, wish)["id"])
    holder = UUID(bank.by_staff("GET", f"/v1/vouchers/{given}")["holder_id"])
    code = bank.code_of(holder, str(given))
    assert star.counter("hold", {"code": code})["outcome"] == "held"
    bank.receive(claimed(wish, given, ClaimerKind.POOL), released(wish, given, ClaimerKind.POOL))
    assert pooled(bank) == 1
    assert star.redeem(code, "POS-1") == "voided"
    bank.assert_sound()


def test_a_used_or_given_voucher_does_not_come_back_and_a_reissued_one_does(
    bank: Bank, star: Venue
) -> None:
    for number, fate in enumerate(("redeemed", "given", "issued")):
        wish, child = new_id(), new_id()
        bank.receive(
            published(wish), VolunteerRegistered(volunteer_id=child, number=f"ZJ-{number}")
        )
        bank.donate(bank.fang)
        given = grant(bank, wish)["id"]
        if fate == "redeemed":
            star.redeem(bank.code_of(bank.qiang, given), "POS-1")
        elif fate == "given":
            bank.give(bank.qiang, given, child)
        else:
            bank.by_staff("POST", f"/v1/vouchers/{given}/reissue", {"reason": "lost"}, 201)
        bank.receive(WishGrantDeclined(wish_id=wish, voucher_id=UUID(given)))
        assert pooled(bank) == (fate == "issued")
    bank.assert_sound()
